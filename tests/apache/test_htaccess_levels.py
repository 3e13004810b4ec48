"""`prepare --htaccess LEVEL`: what a host answers that allows nothing but .htaccess.

One Apache with a virtual host for each level, below an Alias and in a subdirectory too. Its lines
and those of the document root are such as hosts and other sites' .htaccess files have.
"""

import gzip
import hashlib
import json
import os

import brotli
import pytest

from cases import DATE, IMMUTABLE, MUTABLE
from django_site import CODERS, OLD, Project, write
from harness import USUAL, Apache, header_names, url_of, virtual_host
from shared_site import LINES_OF_THE_HOST, SharedSite

LEVELS = (0, 1, 2, 3)
DECODERS = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}
ANY = "gzip, deflate, br, zstd"

# Other people's lines, in the directory above: a front controller, and caching rules.
ABOVE = """
RewriteEngine On
RewriteOptions InheritDownBefore
RewriteRule (site|app)\\. /elsewhere.html [L]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteRule . /elsewhere.html [L]
ErrorDocument 404 /elsewhere.html
AddType text/x-other .css
AddCharset iso-8859-15 .css .js
<FilesMatch "\\.(css|js|svg|br|gz)$">
    Header set Cache-Control "max-age=1"
    Header always set X-Content-Type-Options other
    Header set Expires "Thu, 01 Jan 2026 00:00:00 GMT"
    SetHandler cgi-script
</FilesMatch>
"""
BROTLI = "SetOutputFilter BROTLI_COMPRESS\n"


def with_hash(form, data):
    return form.format(hashlib.md5(data).hexdigest()[:12])


STRANGE = {with_hash(form, form.encode()): form.encode() for form in (
    "odd/x.en.{}.css", "odd/x.php.{}.js", "odd/x.cgi.{}.js", "odd/x.gz.{}.css", "odd/x.br.{}.js",
    "odd/x.js.{}.map", "odd/x.min.{}.js", "odd/X.{}.CSS", "odd/a b.{}.css", "odd/x.{}.php",
    "odd/x.{}.unknown", "odd/crossdomain.{}.xml", "odd/x+y@2.{}.png", "odd/x.{}.gz", "odd/X.{}")}
PROGRAMS = {"up/run.php": b"<?php echo 6 * 7;\n", "up/run.cgi": b"#!/bin/sh\necho\necho ran\n"}
SECRETS = {".env": b"secret\n", "conf/.hidden/a.txt": b"secret\n", "settings.py": b"secret = 1\n"}
# Decodes to other bytes.
WRONG = "js/module.mjs"


@pytest.fixture(scope="module")
def tree(work):
    project = Project(work.fresh("levels")).create()
    for name, data in {**STRANGE, **PROGRAMS, **SECRETS}.items():
        write(project.root / name, data)
    os.chmod(project.root / "up/run.cgi", 0o755)
    hashed = project.manifest()[WRONG]
    write(project.root / f"{hashed}.br", CODERS["br"](b"other bytes\n"))
    # As compressed a day later.
    os.utime(project.root / f"{project.manifest()['js/app.js']}.br", (OLD + 86400, OLD + 86400))
    project.strange = with_hash("odd/link.{}.css", next(iter(STRANGE.values())))
    os.symlink(os.path.basename(next(iter(STRANGE))), project.root / project.strange)
    return project


class Answers:
    """A site as its visitors see it."""

    def __init__(self, apache, host, place, project, level):
        self.apache, self.host, self.place, self.level = apache, host, place, level
        self.project = project

    def ask(self, name, method="GET", **headers):
        return self.apache.ask(url_of(name, self.place.url), self.host, method=method,
                               headers=header_names(headers))

    def hashed(self, name):
        return self.project.manifest()[name]


def prepared(work, tree, level, url="/static/", above=ABOVE, **environment):
    place = SharedSite(work, tree.root, url)
    (place.documents / ".htaccess").write_text(above)
    (place.documents / "elsewhere.html").write_text("elsewhere\n")
    done = place.prepare("--htaccess", level, **environment)
    assert "HB0083" in done.stderr, done.stderr  # the wrong variant; and no other fault
    assert "faults:   1" in done.stdout, done.stdout + done.stderr
    place.give()
    return place


def name_of(level, url):
    return f"level{level}{url.replace('/', '-').strip('-').replace('static', '')}"


# Those below /shop/ have a server that compresses everything.
SITES = [(level, url) for url in ("/static/", "/shop/static/") for level in LEVELS[:3]] + [
    (3, "/static/")]


@pytest.fixture(scope="module")
def server(work, tree):
    places = {key: prepared(work, tree, *key) for key in SITES}
    text = LINES_OF_THE_HOST + "".join(
        virtual_host(name_of(*key), place.lines(above=BROTLI if "shop" in key[1] else ""))
        for key, place in places.items())
    text += "<FilesMatch \\.fcgi$>\nSetHandler fcgid-script\n</FilesMatch>\n"
    text += "<FilesMatch \\.php$>\nSetHandler cgi-script\n</FilesMatch>\n"
    with Apache(work, text) as apache:
        yield {key: Answers(apache, name_of(*key), place, tree, key[0])
               for key, place in places.items()}


@pytest.fixture(params=SITES, ids=lambda key: name_of(*key))
def site(request, server):
    return server[request.param]


def assert_promised(answer, data, tag, coding=None, type_=None):
    assert (answer.status, answer["Content-Encoding"]) == (200, coding), answer.head
    assert DECODERS[coding](answer.body) == data
    assert answer["Content-Length"] == str(len(answer.body))
    suffix = {"br": ".br", "gzip": ".gz", None: ""}[coding]
    assert answer["ETag"] == f'"{tag}{suffix}"'
    single = "Cache-Control X-Content-Type-Options Access-Control-Allow-Origin ETag".split()
    assert [name for name in single if answer.count(name) != 1] == []
    assert answer["Cache-Control"] == IMMUTABLE
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Content-Language"] is None and answer["Expires"] is None
    if type_:
        assert answer["Content-Type"] == type_


@pytest.mark.parametrize("accepted, coding", [
    (None, None), ("identity", None), ("br", "br"), ("gzip", "gzip"), (ANY, "br"),
    ("gzip;q=1, br;q=0", "gzip"), ("deflate", None)])
def test_a_hashed_file_is_sent_whole_with_its_promise(site, accepted, coding):
    name = site.hashed("css/site.css")
    answer = site.ask(name, **({"Accept_Encoding": accepted} if accepted else {}))
    assert_promised(answer, site.project.bytes_of(name), name.split(".")[-2], coding,
                    "text/css; charset=utf-8")
    assert answer["Vary"] == "Accept-Encoding"


def test_every_hashed_file_of_the_manifest_is_promised(site):
    for name in set(site.project.manifest().values()):
        if not name.startswith("admin/") and name != site.hashed("LICENSE"):
            answer = site.ask(name)
            assert answer.body == site.project.bytes_of(name), name
            simple = not set(name) & set(" %") and name.isascii()
            assert answer.immutable == (site.level > 0 or simple), name


def test_its_tag_is_a_304_with_the_promise_and_another_tag_is_not(site):
    name = site.hashed("css/site.css")
    tag = name.split(".")[-2]
    for asked in (f'"{tag}.br"', f'W/"{tag}.br"', f'"x", "{tag}.br"'):
        answer = site.ask(name, Accept_Encoding="br", If_None_Match=asked)
        assert (answer.status, answer.body) == (304, b""), asked
        # What the program itself says, a server that compresses everything marks.
        assert answer["ETag"].replace("-br", "") == f'"{tag}.br"'
        assert answer["Cache-Control"] == IMMUTABLE
        assert answer["Vary"] == "Accept-Encoding"
    for asked in (f'"{tag}"', '"x"', f'"{tag}.gz"'):
        assert site.ask(name, Accept_Encoding="br", If_None_Match=asked).status == 200, asked


def test_a_variant_has_the_date_of_its_file(site):
    name = site.hashed("js/app.js")
    dates = {site.ask(name, Accept_Encoding=accepted)["Last-Modified"]
             for accepted in ("identity", "br")}
    assert dates == {DATE}
    assert (site.place.root / f"{name}.br").stat().st_mtime == OLD + 86400


def test_a_variant_that_prepare_has_refused_is_not_sent(site):
    name = site.hashed(WRONG)
    answer = site.ask(name, Accept_Encoding=ANY)
    assert_promised(answer, site.project.bytes_of(name), name.split(".")[-2])


def test_a_range_is_a_part_and_head_has_the_length(site):
    name = site.hashed("js/app.js")
    whole = site.project.bytes_of(name)
    part = site.ask(name, Range="bytes=10-19")
    assert (part.status, part.body) == (206, whole[10:20])
    head = site.ask(name, "HEAD", Range="bytes=10-19")
    assert (head.status, head["Content-Length"]) == (200, str(len(whole)))
    tag = name.split(".")[-2]
    assert site.ask(name, Range="bytes=10-19", If_Range=f'"{tag}"').status == 206
    assert site.ask(name, If_Match=f'"{tag}"').status == 200
    assert site.ask(name, If_Match='"x"').status == 412


def test_an_original_name_is_fresh_for_a_minute(site):
    answer = site.ask("css/site.css", Accept_Encoding="identity")
    shown = site.place.root / ("css/site.css" if site.level == 0 else site.hashed("css/site.css"))
    assert (answer.status, answer.body) == (200, shown.read_bytes())
    assert answer["Cache-Control"] == MUTABLE
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_apache_reads_nothing_into_a_name(site):
    types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
             "map": "application/json", "png": "image/png", "CSS": "text/css; charset=utf-8"}
    for name, data in STRANGE.items():
        answer = site.ask(name, Accept_Encoding="identity")
        assert (answer.status, answer.body) == (200, data), name
        assert answer["Content-Language"] is None, name
        assert answer["Content-Encoding"] is None, name
        ending = name.rpartition(".")[2]
        assert answer["Content-Type"] == types.get(ending, answer["Content-Type"]), name
        if answer.immutable:
            assert answer["ETag"].count('"') == 2 and answer["ETag"][1:13] in name, name
        assert answer.immutable or site.level == 0, name


def test_what_is_not_for_clients_is_missing(site):
    kept = site.hashed("css/site.css")
    for name in [*SECRETS, "staticfiles.json", ".htaccess", ".handback/catalog",
                 ".handback/.htaccess", ".handback/", f".handback/pool/{kept}", f"{kept}.br",
                 "css/", "", "nothing.css", "css/site.000000000000.css",
                 f".handback/pool/{kept}?type=text/html&etag=x"]:
        if site.level > 0 and name == "settings.py":
            continue  # a file like any other: what lies in the root was collected
        answer = site.ask(name) if "?" not in name else site.apache.ask(
            site.place.url + name, site.host)
        assert answer.status == 404, name
        assert answer["Cache-Control"] == "no-store", name
        assert b"elsewhere" not in answer.body and b"secret" not in answer.body


def test_a_directory_without_its_slash_ends_as_missing(site):
    assert site.ask("css").status in (301, 404)
    assert b"site." not in site.ask("css").body


def test_nothing_that_lies_there_is_run(site):
    for name, data in PROGRAMS.items():
        answer = site.ask(name)
        assert (answer.status, answer.body) == (200, data), name


def test_a_hash_that_the_bytes_disprove_is_not_promised(site):
    answer = site.ask("live/wrong.0123456789ab.css")
    assert answer.status == 200 and not answer.immutable


def test_a_query_changes_nothing(site):
    name = site.hashed("css/site.css")
    answer = site.apache.ask(f"{site.place.url}{name}?type=text/html&charset=x&etag=y", site.host)
    assert_promised(answer, site.project.bytes_of(name), name.split(".")[-2], None,
                    "text/css; charset=utf-8")


def test_what_collectstatic_is_about_to_write_anew_is_still_sent(site):
    name = site.hashed("data.json")
    path = site.place.root / name
    held = path.read_bytes()
    for change in (path.unlink, lambda: path.write_bytes(b"")):
        change()
        assert_promised(site.ask(name), held, name.split(".")[-2], None, "application/json")
    path.write_bytes(held)


def test_a_link_is_sent_with_what_it_leads_to(site):
    answer = site.ask(site.project.strange)
    assert (answer.status, answer.body) == (200, next(iter(STRANGE.values())))


# ---- hosts that lack something ----

LACKING = [(level, without) for level in LEVELS for without in ("rewrite", "headers")] + [
    (1, "setenvif"), (2, "setenvif"), (2, "env"), (3, "fcgid"), (0, "mime"), (1, "mime")]


@pytest.fixture(scope="module")
def lacking(work, tree):
    """Apache without a module, by its name: one server for all levels."""
    places, servers = {}, {}
    for level, without in LACKING:
        places[level, without] = prepared(work, tree, level, above="")
    for without in dict.fromkeys(name for _, name in LACKING):
        keys = [key for key in places if key[1] == without]
        text = "".join(virtual_host(f"level{key[0]}", places[key].lines()) for key in keys)
        modules = [name for name in [*USUAL, "actions"] if name != without]
        servers[without] = Apache(work, text, modules=modules).start()
    yield {key: Answers(servers[key[1]], f"level{key[0]}", place, tree, key[0])
           for key, place in places.items()}
    for apache in servers.values():
        apache.stop()


@pytest.mark.parametrize("key", LACKING, ids=str)
def test_a_host_that_lacks_a_module_sends_nothing_wrong(lacking, key):
    site, (level, without) = lacking[key], key
    name = site.hashed("css/site.css")
    whole = site.project.bytes_of(name)
    for accepted in ("identity", ANY):
        answer = site.ask(name, Accept_Encoding=accepted)
        coding = answer["Content-Encoding"]
        assert (answer.status, DECODERS[coding](answer.body)) == (200, whole)
        assert coding is None or answer["Vary"] == "Accept-Encoding"
        # Without mod_rewrite nothing but level 1 reaches its program, by an Action.
        alone = {"rewrite": level != 1, "headers": level == 0, "mime": level == 0}
        assert answer.immutable == (not alone.get(without, False))
    for secret in (".env", "staticfiles.json", ".handback/catalog", f".handback/pool/{name}"):
        assert site.ask(secret).status == 404, secret
    assert site.ask("live/plain.txt").status == 200


# ---- a state directory that no URL reaches ----

@pytest.fixture(scope="module", params=LEVELS)
def beside(request, work, tree):
    place = SharedSite(work, tree.root)
    state = {"HANDBACK_STATE": place.home / "state"}
    settings = json.loads((place.cgi / "handback.json").read_text())
    (place.cgi / "handback.json").write_text(
        json.dumps(settings | {"state": str(state["HANDBACK_STATE"])}))
    said = place.prepare("--htaccess", request.param, **state)
    assert said.stderr.count("HB0089") == 1, said.stderr
    with Apache(work, LINES_OF_THE_HOST + place.lines()) as apache:
        yield Answers(apache, "localhost", place, tree, request.param)


def test_with_the_state_elsewhere_files_are_sent_from_the_root(beside):
    name = beside.hashed("css/site.css")
    for accepted, coding in (("identity", None), ("br", "br"), ("gzip", "gzip")):
        answer = beside.ask(name, Accept_Encoding=accepted)
        assert_promised(answer, beside.project.bytes_of(name), name.split(".")[-2], coding,
                        "text/css; charset=utf-8")
        assert answer["Vary"] == "Accept-Encoding"
    tag = name.split(".")[-2]
    for asked, accepted in ((f'"{tag}"', "identity"), (f'"{tag}.br"', "br")):
        answer = beside.ask(name, Accept_Encoding=accepted, If_None_Match=asked)
        assert (answer.status, answer["ETag"]) == (304, asked)


def test_with_the_state_elsewhere_exceptions_are_lines(beside):
    wrong = beside.ask("live/wrong.0123456789ab.css")
    assert wrong.status == 200 and not wrong.immutable
    name = beside.hashed(WRONG)
    answer = beside.ask(name, Accept_Encoding=ANY)
    assert (answer["Content-Encoding"], answer.body) == (None, beside.project.bytes_of(name))
    if beside.level == 1:
        lines = (beside.place.root / ".htaccess").read_text()
        assert "wrong\\.0123456789ab" in lines and "link\\." in lines


# ---- what prepare says and does ----

@pytest.fixture
def place(work, tree):
    return SharedSite(work, tree.root)


def test_lines_of_somebody_else_are_left_alone(place):
    own_lines = b"Header set X-Mine 1\n"
    write(place.root / ".htaccess", own_lines)
    place.give()
    said = place.prepare("--htaccess", 2)
    assert said.returncode == 1 and "HB0088" in said.stderr
    assert (place.root / ".htaccess").read_bytes() == own_lines
    assert b"local-redirect" not in (place.root / ".handback/catalog").read_bytes()


def test_a_generated_file_with_lines_added_is_left_alone_too(place):
    place.prepare("--htaccess", 1)
    path = place.root / ".htaccess"
    path.write_text(path.read_text() + "Header set X-Mine 1\n")
    before = path.read_bytes()
    for options in ((), ("--htaccess", 0)):
        said = place.prepare(*options)
        assert path.read_bytes() == before
        assert ("HB0088" in said.stderr) == bool(options)


def test_a_dry_run_prints_the_text_and_writes_nothing(place):
    said = place.prepare("--htaccess", 1, "--dry-run")
    assert not (place.root / ".htaccess").exists()
    assert not (place.root / ".handback").exists()
    place.prepare("--htaccess", 1)
    assert (place.root / ".htaccess").read_text() in said.stdout


def test_json_tells_of_the_files(place):
    said = json.loads(place.prepare("--htaccess", 1, "--cgi", "/~a/cgi-bin/x.cgi", "--json").stdout)
    files = {os.path.relpath(one["file"], place.root): one for one in said["htaccess"]}
    assert set(files) == {".htaccess", ".handback/.htaccess"}
    assert files[".htaccess"]["changed"] and files[".htaccess"]["level"] == 1
    assert files[".htaccess"]["text"] == (place.root / ".htaccess").read_text()
    assert "/~a/cgi-bin/x.cgi" in files[".htaccess"]["text"]


def test_the_next_prepare_renews_what_it_has_generated(place):
    place.prepare("--htaccess", 2, "--cgi", "/x.cgi")
    path = place.root / ".htaccess"
    first = path.read_bytes()
    data = b"new\n"
    write(place.root / with_hash("new.{}.webp", data), data)
    place.give()
    assert place.prepare().returncode in (0, 1)
    assert path.read_bytes() != first and b"level 2 cgi /x.cgi" in path.read_bytes()
    assert b"/static/" in (place.root / ".handback/catalog").read_bytes()


def test_the_next_prepare_gives_a_variant_the_date_of_its_file_again(place, tree):
    place.prepare()
    name = f"{tree.manifest()['css/site.css']}.br"
    pooled, shown = place.root / ".handback/pool" / name, place.root / name
    os.utime(pooled, (OLD + 50, OLD + 50))  # they are links to one file
    place.prepare()
    assert (pooled.stat().st_mtime, shown.stat().st_mtime) == (OLD, OLD + 50)


@pytest.mark.parametrize("options", [
    ("--htaccess", "4"), ("--htaccess", "x"), ("--htaccess", ""), ("--cgi", "/x"),
    ("--htaccess", "1", "--cgi", "x.cgi"), ("--htaccess", "1", "--cgi", "/x y"),
    ("--htaccess", "1", "--cgi", "/x\nRequire all granted"),
    ("--htaccess", "1", "--cgi", "/static/handback.cgi"),
    ("--htaccess", "1", "--cgi", "/cgi-bin/")])
def test_a_wish_that_is_none_is_refused(place, options):
    assert place.prepare(*options).returncode == 2
    assert not (place.root / ".htaccess").exists()
