"""Settings, manifests and roots that are wrong: named in one line, and never a crash."""

import json
import os
import re
import shutil
import subprocess
import time

import pytest

import fastcgi
from conftest import WAYS
from django_site import write
from harness import DIAGNOSIS, Apache, Serve, defines, own, wait_until
from test_fronts import run_cgi

LIVE = b"live\n"


@pytest.fixture
def root(work):
    made = work.fresh("root")
    write(made / "x.css", LIVE)
    return made


def unavailable(answer):
    """The answer of a responder that waits for its operator."""
    return (
        answer.status == 503
        and answer["Cache-Control"] == "no-store"
        and int(answer["Retry-After"] or 0) > 0
    )


# Manifests

MANIFESTS = {
    "empty": b"",
    "cut": b'{"paths": {"a.css": "a.0123',
    "not JSON": b"<!doctype html>\n",
    "a list": b'["a.css"]',
    "a number": b"42",
    "paths that are a list": b'{"paths": ["a.css"], "version": "1.0"}',
    "paths that are missing": b'{"version": "1.0"}',
    "values that are no strings": b'{"paths": {"a.css": 1, "b.css": null}, "version": "1.0"}',
    "a version of the future": b'{"paths": {"a.css": "a.css"}, "version": "9.0"}',
    "deeply nested": b"[" * 200_000,
    "deeply nested within": b'{"paths": ' + b'{"a":' * 100_000,
    "bytes that are no UTF-8": b'{"paths": {"\xff\xfe.css": "x.css"}, "version": "1.0"}',
    "a byte order mark": b'\xef\xbb\xbf{"paths": {}, "version": "1.0"}',
    "a name twice": b'{"paths": {"a.css": "x.css", "a.css": "x.css"}, "version": "1.0"}',
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_bad_manifest_leaves_the_live_files_served(work, root, case):
    write(root / "staticfiles.json", MANIFESTS[case])
    with Serve(work, "--workers", 1, root=root) as serve:
        served = fastcgi.ask(serve.address, fastcgi.usual("/static/x.css"))
    _, cgi = run_cgi(work, root, fastcgi.usual("/static/x.css"))
    for reply in (served, cgi):
        assert (reply.status[:3], reply.body) == ("200", LIVE)
        assert reply.headers["cache-control"] == "max-age=60, public"


@pytest.mark.parametrize("case", ["empty", "cut", "not JSON", "a list", "deeply nested"])
def test_a_bad_manifest_is_diagnosed_in_one_line(work, root, case):
    write(root / "staticfiles.json", MANIFESTS[case])
    done, _ = run_cgi(work, root, fastcgi.usual("/static/x.css"))
    said = [line for line in done.stderr.decode().splitlines() if "handback:" in line]
    assert len(said) == 1, done.stderr
    assert DIAGNOSIS.search(said[0])
    assert "staticfiles.json" in said[0] or "manifest" in said[0]


def test_a_manifest_of_50_megabytes_is_survived(work, root):
    assert work.release, "no release program: build it, or name it by HANDBACK_PROGRAM_RELEASE"
    entry = '"directory/of/names/{0:07}.css": "directory/of/names/{0:07}.0123456789ab.css"'
    text = '{"paths": {' + ", ".join(map(entry.format, range(620_000))) + '}, "version": "1.0"}'
    assert len(text) > 50_000_000
    write(root / "staticfiles.json", text.encode())
    with Serve(work, "--workers", 1, root=root, program=work.release) as serve:
        began = time.monotonic()
        reply = fastcgi.ask(serve.address, fastcgi.usual("/static/x.css"))
        assert (reply.status[:3], reply.body) == ("200", LIVE)
        assert time.monotonic() - began < 15


HOSTILE = {
    "a parent directory": "../outside.css",
    "a parent directory within": "css/../../outside.css",
    "an absolute path": "{outside}",
    "a NUL": "x.css\0.css",
    "a line end": "x.css\nX-Injected: yes",
    "an empty name": "",
    "a directory": ".",
    "the root itself": "/",
    "a very long name": "a" * 70_000,
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("side", ["the file", "the name"])
def test_a_hostile_manifest_entry_reaches_nothing(work, root, case, side):
    outside = root.parent / "outside.css"
    write(outside, b"must never be served\n")
    hostile = HOSTILE[case].replace("{outside}", str(outside))
    entry = {"evil.css": hostile} if side == "the file" else {hostile: "x.css"}
    write(root / "staticfiles.json", json.dumps({"paths": entry, "version": "1.0"}).encode())
    with Serve(work, "--workers", 1, root=root) as serve:
        evil = fastcgi.ask(serve.address, fastcgi.usual("/static/evil.css"))
        live = fastcgi.ask(serve.address, fastcgi.usual("/static/x.css"))
    assert evil.status[:3] in ("404", "503")
    assert b"never" not in evil.raw
    assert b"Injected" not in evil.raw
    assert (live.status[:3], live.body) == ("200", LIVE)
    write(outside, b"")


# Settings

# Each with the name that its diagnosis must contain.
SETTINGS = {
    "a number that is none": ({"HANDBACK_MAX_AGE": "ten"}, "HANDBACK_MAX_AGE"),
    "a negative number": ({"HANDBACK_MAX_AGE": "-1"}, "HANDBACK_MAX_AGE"),
    "a number with a unit": ({"HANDBACK_MAX_AGE": "60s"}, "HANDBACK_MAX_AGE"),
    "a number beyond all": ({"HANDBACK_MAX_AGE": "9" * 30}, "HANDBACK_MAX_AGE"),
    "a boolean that is none": (
        {"HANDBACK_ALLOW_ALL_ORIGINS": "maybe"}, "HANDBACK_ALLOW_ALL_ORIGINS"),
    "a delivery that is none": ({"HANDBACK_DELIVERY": "pigeon"}, "HANDBACK_DELIVERY"),
    "a URL that climbs": ({"STATIC_URL": "/static/../"}, "STATIC_URL"),
    "a URL with a query": ({"STATIC_URL": "/static/?v=1"}, "STATIC_URL"),
    "a charset with a line end": ({"HANDBACK_CHARSET": "utf-8\nX-Injected: 1"}, "HANDBACK_CHARSET"),
    "a root that is relative": ({"STATIC_ROOT": "static"}, "STATIC_ROOT"),
    "no root at all": ({"STATIC_ROOT": ""}, "STATIC_ROOT"),
    "a settings file that is missing": ({"HANDBACK_CONFIG": "/nowhere/x.json"}, "/nowhere/x.json"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_serve_refuses_a_bad_setting_and_names_it(work, root, case):
    settings, name = SETTINGS[case]
    serve = Serve(work, root=root)
    serve.environment |= settings
    serve.spawn()
    assert serve.process.wait(10) == 2
    said = serve.stderr().splitlines()
    assert len(said) == 1, said
    assert DIAGNOSIS.search(said[0]), said
    assert name in said[0]
    assert not serve.address.exists()


@pytest.mark.parametrize("case", SETTINGS)
def test_a_cgi_with_a_bad_setting_answers_503_and_names_it(work, root, case):
    settings, name = SETTINGS[case]
    done, reply = run_cgi(work, root, fastcgi.usual("/static/x.css") | settings)
    assert done.returncode == 0
    assert reply.status.startswith("503")
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["retry-after"] == "5"
    assert name in done.stderr.decode()
    assert name.encode() not in reply.raw, "the client is told nothing of it"


FILES = {
    "a key that is unknown": (b'{"root": "/srv", "maxage": 5}', "maxage"),
    "a value of another kind": (b'{"root": "/srv", "max_age": []}', "max_age"),
    "a root that is a number": (b'{"root": 5}', "root"),
    "a list": (b"[]", "settings.json"),
    "not JSON": (b"max_age = 5", "settings.json"),
    "nothing": (b"", "settings.json"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_bad_settings_file_is_refused_and_the_fault_named(work, case):
    text, name = FILES[case]
    path = work.fresh("config") / "settings.json"
    write(path, text)
    serve = Serve(work, HANDBACK_CONFIG=path).spawn()
    assert serve.process.wait(10) == 2
    assert name in serve.stderr()
    assert DIAGNOSIS.search(serve.stderr())


def test_under_mod_fcgid_the_process_stays_and_looks_again(work, root):
    path = work.fresh("config") / "settings.json"
    write(path, b"{")
    text = f"FcgidInitialEnv HANDBACK_CONFIG {path}\n" + defines("fcgid", root=root)
    with Apache(work, text) as apache:
        for _ in range(5):
            assert unavailable(apache.ask("/static/x.css"))
        # Each start would be a line here; one process has answered all five.
        assert len(re.findall(r"mod_fcgid: server .* started", apache.log())) == 1
        assert DIAGNOSIS.search(apache.log())
        write(path, json.dumps({"root": str(root)}).encode(), time.time())
        wait_until(lambda: apache.ask("/static/x.css").status == 200, 5, "the repaired settings")


# Roots

@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_a_root_that_does_not_exist_yet_is_503_until_it_does(work, site, through):
    root = work.fresh("later") / "static"
    way = site(*through, root)
    assert unavailable(way.get("x.css"))
    write(root / "x.css", LIVE)
    root.chmod(0o755)
    # Each of two workers for itself: the next answer may be the other's.
    wait_until(lambda: way.get("x.css").body == LIVE, 5, "the root noticed")


@pytest.mark.parametrize("front", ["cgi", "fcgid", "static"])
def test_a_root_that_is_no_directory_is_503_and_named(work, site, front):
    root = work.fresh("file") / "static"
    write(root, b"a file\n")
    way = site(front, "body", root)
    assert unavailable(way.get("x.css"))
    wait_until(lambda: str(root) in way.diagnoses(), 3, "a diagnosis that names the root")


@pytest.mark.needs_root("to give a directory to another user")
def test_a_closed_directory_above_the_root_is_named_with_its_mode(work, site, front):
    closed = work.fresh("closed")
    root = closed / "site/static"
    write(root / "x.css", LIVE)
    closed.chmod(0o700)
    way = site(front, "body", root)
    assert unavailable(way.get("x.css"))
    wait_until(lambda: re.search(rf"handback: HB\d+: .*{closed}\b.*0?700", way.diagnoses()), 3,
               "a diagnosis that names the directory and its mode")
    closed.chmod(0o755)
    wait_until(lambda: way.get("x.css").status == 200, 5, "the opened directory noticed")


@pytest.mark.needs_root("to own files as a deploy user")
@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_files_of_a_deploy_user_are_served_by_the_servers_user(work, site, through):
    root = work.fresh("deployed")
    write(root / "css/x.css", LIVE)
    for path in (root, root / "css", root / "css/x.css"):
        os.chown(path, 12345, 12345)
    way = site(*through, root)
    assert (way.get("css/x.css").status, way.get("css/x.css").body) == (200, LIVE)


@pytest.mark.parametrize("front", ["fcgid", "proxy", "static"])
def test_a_root_behind_a_symlink_that_a_deploy_flips_is_followed(work, site, front):
    releases = work.fresh("releases")
    for name in ("one", "two"):
        write(releases / name / "x.css", name.encode())
        (releases / name).chmod(0o755)
    link = releases / "current"
    link.symlink_to("one")
    way = site(front, "body", link)
    assert way.get("x.css").body == b"one"
    (releases / "next").symlink_to("two")
    (releases / "next").rename(link)
    wait_until(lambda: way.get("x.css").body == b"two", 3, "the flip noticed")


def test_the_program_runs_from_any_directory_after_being_copied(work, root):
    place = work.fresh("any where")
    shutil.copy(work.program, place / "renamed program")
    done = subprocess.run([place / "renamed program"], cwd="/", stdin=subprocess.DEVNULL,
                          env={"STATIC_ROOT": str(root), **fastcgi.usual("/static/x.css")},
                          capture_output=True, timeout=20)
    assert fastcgi.parse(done.stdout).body == LIVE


def test_the_directory_of_a_project_is_no_static_root(work):
    root = work.fresh("mistaken")
    (root / "manage.py").write_text("")
    (root / "settings.py").write_text("SECRET_KEY = 'x'")
    own(root)
    serve = Serve(work, root=root).spawn()
    assert serve.process.wait(10) == 2
    assert "HB0014" in serve.stderr() and str(root) in serve.stderr()


def test_a_root_without_a_manifest_is_said_once_and_served(work):
    root = work.fresh("plain")
    (root / "a.css").write_text("a {}")
    own(root)
    with Serve(work, "--workers", 1, root=root) as serve:
        reply = fastcgi.ask(serve.address, fastcgi.usual("/static/a.css"))
        assert (reply.body, reply.headers["cache-control"]) == (b"a {}", "max-age=60, public")
        assert serve.stderr().count("HB0027") == 1
