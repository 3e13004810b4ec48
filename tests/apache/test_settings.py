"""What each setting does, from the environment and from the file."""

import json
import shutil

import pytest

import fastcgi
from django_site import write
from harness import TAKEN, Serve, prepare
from test_fronts import run_cgi


@pytest.fixture
def root(work):
    made = work.fresh("root")
    write(made / "x.css", b"body { margin: 0 }\n")
    write(made / "x.odd", b"odd\n")
    return made


def all_of(work, root, target="/static/x.css", **settings):
    """The answers of `serve` and of a CGI with the same settings, and of the static CGI with what
    it takes of them: the others it has from prepare."""
    settings = {"STATIC_ROOT": str(root)} | settings
    with Serve(work, "--workers", 1, **settings) as serve:
        served = fastcgi.ask(serve.address, fastcgi.usual(target))
    _, cgi = run_cgi(work, root, fastcgi.usual(target) | settings)
    taken = {key: value for key, value in settings.items() if key in TAKEN}
    if "HANDBACK_CONFIG" in settings:
        taken["STATIC_ROOT"] = ""  # the file has another word on it
    taken["HANDBACK_STATE"] = str(prepare(work, root, **settings))
    _, static = run_cgi(work, root, fastcgi.usual(target) | taken, program=work.cgi)
    return served, cgi, static


SETTINGS = {
    "seconds of caching": ({"HANDBACK_MAX_AGE": "5"}, "cache-control", "max-age=5, public"),
    "no caching header": ({"HANDBACK_MAX_AGE": "none"}, "cache-control", None),
    "no caching": ({"HANDBACK_MAX_AGE": "0"}, "cache-control", "max-age=0, public"),
    "another charset": (
        {"HANDBACK_CHARSET": "iso-8859-1"}, "content-type", "text/css; charset=iso-8859-1"),
    "only our origin": (
        {"HANDBACK_ALLOW_ALL_ORIGINS": "false"}, "access-control-allow-origin", None),
    "only our origin, as off": (
        {"HANDBACK_ALLOW_ALL_ORIGINS": "off"}, "access-control-allow-origin", None),
    "every origin": (
        {"HANDBACK_ALLOW_ALL_ORIGINS": "1"}, "access-control-allow-origin", "*"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_a_variable_changes_its_header_in_every_gateway(work, root, case):
    settings, header, value = SETTINGS[case]
    for reply in all_of(work, root, **settings):
        assert reply.status.startswith("200")
        assert reply.headers.get(header) == value


@pytest.mark.parametrize("url", ["/assets/", "assets/", "https://cdn.example.org/assets/",
                                 "/assets"])
def test_the_url_may_be_a_path_or_a_whole_url(work, root, url):
    for reply in all_of(work, root, "/assets/x.css", STATIC_URL=url):
        assert reply.status.startswith("200")
    for reply in all_of(work, root, "/static/x.css", STATIC_URL=url):
        assert reply.status.startswith("404")


def in_file(work, root, **keys):
    path = work.fresh("config") / "handback.json"
    write(path, json.dumps({"root": str(root), **keys}).encode())
    return {"STATIC_ROOT": "", "HANDBACK_CONFIG": str(path)}


def test_the_file_configures_what_the_environment_leaves_open(work, root):
    settings = in_file(work, root, max_age=7, charset="utf-16")
    for reply in all_of(work, root, **settings):
        assert reply.headers["cache-control"] == "max-age=7, public"
        assert reply.headers["content-type"] == "text/css; charset=utf-16"


def test_a_variable_of_ours_beats_the_file_and_the_file_beats_djangos(work, root):
    other = work.fresh("other")
    settings = in_file(work, root, max_age=7) | {"HANDBACK_MAX_AGE": "9"}
    settings["STATIC_ROOT"] = str(other)
    for reply in all_of(work, root, **settings):
        assert reply.status.startswith("200"), "the file's root, not the environment's"
        assert reply.headers["cache-control"] == "max-age=9, public"


def test_paths_in_the_file_are_relative_to_it(work, root):
    path = root.parent / "beside.json"
    write(path, json.dumps({"root": root.name}).encode())
    for reply in all_of(work, root, STATIC_ROOT="", HANDBACK_CONFIG=str(path)):
        assert reply.status.startswith("200")


def test_media_types_can_be_added_and_overridden(work, root):
    types = {".odd": "application/x-odd", ".css": "text/x-css"}
    settings = in_file(work, root, mimetypes=types)
    for reply in all_of(work, root, "/static/x.odd", **settings):
        assert reply.headers["content-type"] == "application/x-odd"
    for reply in all_of(work, root, "/static/x.css", **settings):
        assert reply.headers["content-type"].startswith("text/x-css")


def test_release_id_chooses_the_manifest_of_that_release(work, root):
    for number in "12":
        write(root / f"r{number}.css", f"release {number}\n".encode())
        manifest = {"paths": {"site.css": f"r{number}.css"}, "version": "1.0"}
        write(root / f"r{number}/staticfiles.json", json.dumps(manifest).encode())
    for number in "12":
        for reply in all_of(work, root, "/static/site.css", RELEASE_ID=f"r{number}"):
            assert reply.body == f"release {number}\n".encode()


def test_manifests_are_found_by_the_globs_that_name_them(work, root):
    write(root / "r.css", b"by its manifest\n")
    manifest = {"paths": {"site.css": "r.css"}, "version": "1.0"}
    write(root / "meta/files.json", json.dumps(manifest).encode())
    more = {"HANDBACK_MANIFESTS": "nothing.json:meta/*.json", "RELEASE_ID": "meta"}
    for reply in all_of(work, root, "/static/site.css", **more):
        assert reply.body == b"by its manifest\n"


def test_the_program_beside_its_file_needs_no_environment(work, root):
    place = work.fresh("beside")
    shutil.copy(work.program, place / "handback")
    write(place / "handback.json", json.dumps({"root": str(root)}).encode())
    with Serve(work, "--workers", 1, program=place / "handback") as serve:
        reply = fastcgi.ask(serve.address, fastcgi.usual("/static/x.css"))
    assert reply.status.startswith("200")
