"""Each level of .htaccess on each kind of shared host: the same promises wherever they are made.

A level is what `prepare --htaccess` writes; the kinds of host are those of shared_host.py. What a
level leaves to Apache's own handler (level 0: all but hashed files) is only asked to be harmless.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess

import brotli
import pytest

import harness
from django_site import ASSETS, LIVE, readable, write
from shared_host import BESIDE_THE_PROGRAM, KINDS, Host

LEVELS = (0, 1, 2, 3)
IMMUTABLE = "max-age=315360000, public, immutable"
MUTABLE = "max-age=60, public"
DECODE = {
    None: bytes, "br": brotli.decompress, "gzip": gzip.decompress,
    "zstd": lambda data: subprocess.run(
        ["zstd", "-dqc"], input=data, stdout=-1, check=True).stdout,
}
TAGS = {None: [""], "br": [".br", "-br"], "gzip": [".gz", "-gzip"], "zstd": [".zst"]}

TYPES = {
    "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8", "txt": "text/plain; charset=utf-8",
    "png": "image/png", "svg": "image/svg+xml", "json": "application/json",
    "wasm": "application/wasm", "woff2": "font/woff2",
}

# Names in which Apache's own modules read a language, a coding, a charset, a program or a list.
MISREAD = ("a.en.css", "a.br.css", "a.gz.txt", "a.latin1.txt", "a.cgi.js", "a.pl.css", "a.fcgi.js")
UNSUSPICIOUS = re.compile(r"[a-z/-]+(\.(en|latin1))?\.[0-9a-f]{12}\.[a-z0-9]+")
SECRET = b"nobody may read this"
CLOSED = (
    ".htaccess", ".env", ".git/config", "live/.hidden.txt", "staticfiles.json",
    ".handback/catalog", ".handback/", "%2ehandback/catalog", "%2Egit/config",
    "css/../.env", ".//.git/config", "live/away.txt", "staticfiles%2ejson",
)


def hashed(name, data):
    root, _, suffix = name.rpartition(".")
    return f"{root}.{hashlib.md5(data).hexdigest()[:12]}.{suffix}"


def hash_of(name):
    return re.search(r"\.([0-9a-f]{12})(\.[^.]+)?$", name)[1]


def type_of(name):
    return TYPES.get(name.rpartition(".")[2], "application/octet-stream")


class Tree:
    """The collected project, and what a deploy may leave in a root beside it."""

    def __init__(self, work, project):
        self.root = work.fresh("tree") / "static"
        # Each host has a copy: without what is many or large.
        shutil.copytree(project.root, self.root, ignore=shutil.ignore_patterns("admin", "big.*"))
        self.names = {n: h for n, h in project.manifest().items() if (self.root / h).exists()}
        manifest = {"paths": self.names, "version": "1.0"}
        write(self.root / "staticfiles.json", json.dumps(manifest).encode())
        self.files = {h: (self.root / h).read_bytes() for h in self.names.values()}
        self.misread = [self._add(f"misread/{name}", name.encode() * 40) for name in MISREAD]
        # Siblings that somebody made from other bytes, or that are no compressed data at all.
        self.doubtful = self._add("doubtful/a.css", b".doubtful { margin: 0 }\n" * 40)
        write(self.root / f"{self.doubtful}.br", brotli.compress(b"of an older file\n" * 9))
        write(self.root / f"{self.doubtful}.gz", b"\x1f\x8b and no more")
        for name in (".env", ".git/config", "live/.hidden.txt"):
            write(self.root / name, SECRET)
        readable(self.root)

    def _add(self, name, data):
        name = hashed(name, data)
        write(self.root / name, data)
        self.files[name] = data
        return name


@pytest.fixture(scope="module")
def tree(work, project):
    return Tree(work, project)


@pytest.fixture(scope="module")
def hosts(work, tree):
    """One Apache for each kind, started when first asked for and stopped when the next kind is.

    The sanitized programs on the plain one; the fast ones do for the others.
    """
    opened = {}

    def open_host(kind):
        for other in [other for other in opened if other != kind]:
            opened.pop(other).stop()
        if kind not in opened:
            fast = kind != "plain" and work.release
            host = Host(work, kind, tree.root, cgi=fast and work.cgi_release)
            host.prepared_by = fast or work.program
            outside = host.upload(host.home / "outside.txt", SECRET)
            (host.root / "live/away.txt").symlink_to(outside)
            host.give(host.root / "live/away.txt")
            opened[kind] = host.start()
        return opened[kind]

    yield open_host
    for host in opened.values():
        host.stop()


def pairs():
    for kind in KINDS:
        marks = [pytest.mark.needs_root("suEXEC runs programs as others")] * (kind == "suexec")
        for level in LEVELS:
            yield pytest.param((kind, level), id=f"{kind}-{level}", marks=marks)


@pytest.fixture(scope="module", params=pairs())
def host(request, hosts):
    kind, level = request.param
    host = hosts(kind)
    done = host.take_level(level, check=False, program=host.prepared_by)
    assert done.returncode == 1 and done.stderr.count("HB0083") == 2, done  # the two doubtful ones
    host.level = level
    return host


def checked(answer, data, name):
    """What holds for each answer that bears a whole file, whoever gives it."""
    coding = answer["Content-Encoding"]
    assert answer.status == 200, (name, answer)
    assert DECODE[coding](answer.body) == data, (name, answer.headers)
    for field, _ in answer.headers:
        assert answer.count(field) == 1, (name, field, answer.headers)
    return coding


def promised(answer, data, name):
    """What holds for each answer to a hashed name beside that.

    What the host compresses on its way out bears the tag that mod_deflate or mod_brotli makes.
    """
    coding = checked(answer, data, name)
    tags = [f'"{hash_of(name)}{suffix}"' for suffix in TAGS[coding]]
    assert answer["ETag"] in tags, (name, answer.headers)
    assert coding is None or "Accept-Encoding" in answer["Vary"], (name, answer.headers)
    assert answer["Cache-Control"] == IMMUTABLE, (name, answer.headers)
    assert answer["Content-Type"] == type_of(name), (name, answer.headers)
    assert answer["X-Content-Type-Options"] == "nosniff", (name, answer.headers)
    assert answer["Access-Control-Allow-Origin"] == "*", (name, answer.headers)
    assert answer["Last-Modified"], (name, answer.headers)
    assert answer["Content-Language"] is None, (name, answer.headers)
    return coding


@pytest.mark.parametrize("accept,coding", [
    ("identity", None), ("br", "br"), ("gzip", "gzip"), ("gzip, deflate, br", "br"),
    ("gzip;q=1.0, br;q=0", "gzip"), ("", None),
])
def test_a_hashed_name_is_answered_in_the_coding_that_was_asked_for(host, tree, accept, coding):
    name = tree.names["css/site.css"]
    answer = host.get(name, accept_encoding=accept)
    assert promised(answer, tree.files[name], name) == coding
    assert answer["Vary"] == "Accept-Encoding"
    assert "-" not in answer["ETag"]  # our own variant, not one that the host has made


def test_every_hashed_name_is_answered_whole_and_for_ever(host, tree):
    for name, data in tree.files.items():
        answer = host.get(name)
        if host.level or UNSUSPICIOUS.fullmatch(name):
            promised(answer, data, name)
        else:  # without a program to ask, names that some module may misread promise nothing
            checked(answer, data, name)
            assert answer["Content-Type"] == type_of(name), (name, answer.headers)
            assert answer["Content-Language"] is None, (name, answer.headers)


def test_nothing_is_compressed_twice(host, tree):
    for original in ("js/module.mjs", "data.json", "app.wasm", "js/app.js", "img/logo.svg"):
        name = tree.names[original]
        for accept in ("gzip", "br"):
            promised(host.get(name, accept_encoding=accept), tree.files[name], name)


def test_what_a_client_has_is_not_sent_again(host, tree):
    name = tree.names["css/site.css"]
    for accept in ("identity", "br"):
        whole = host.get(name, accept_encoding=accept)
        for condition in ({"if_modified_since": whole["Last-Modified"]},
                          {"if_none_match": "W/" + whole["ETag"]},
                          {"if_none_match": whole["ETag"]}):
            answer = host.get(name, accept_encoding=accept, **condition)
            assert answer.status == 304, (accept, condition, answer)
            for field in ("Cache-Control", "Vary", "Access-Control-Allow-Origin"):
                assert answer[field] == whole[field], (accept, condition, answer.headers)
            assert answer["ETag"].startswith(whole["ETag"][:-1]), answer.headers
        # A filter of the host's may add to the tag, even on a 304: the next time it is still ours.
        again = host.get(name, accept_encoding=accept, if_none_match=answer["ETag"])
        assert again.status == 304, (accept, again)


def test_what_a_client_has_of_something_else_is_sent_again(host, tree):
    name = tree.names["css/site.css"]
    for condition in ({"if_none_match": '"0123456789ab"'},
                      {"if_none_match": f'"{hash_of(name)}.br"', "accept_encoding": "gzip"},
                      {"if_modified_since": "Thu, 01 Jan 1998 00:00:00 GMT"}):
        promised(host.get(name, **condition), tree.files[name], name)


def test_an_original_name_is_answered_for_a_minute(host, tree):
    for name in tree.names:
        answer = host.get(name, accept_encoding="identity")
        # Ours are those of the release; Apache knows only what lies there under that name.
        checked(answer, tree.files[tree.names[name]] if host.level else ASSETS[name], name)
        assert answer["Cache-Control"] == MUTABLE, (name, answer.headers)
        if host.level or name != "LICENSE":
            assert answer["Content-Type"] == type_of(name), (name, answer.headers)
    for accept in ("br", "gzip", "gzip, deflate, br, zstd"):
        checked(host.get("data.json", accept_encoding=accept), ASSETS["data.json"], accept)


def test_a_name_with_a_hash_that_is_not_its_own_is_never_promised(host, tree):
    name = "live/wrong.0123456789ab.css"
    answer = host.get(name)
    checked(answer, (tree.root / name).read_bytes(), name)
    assert not answer.immutable, answer.headers


def test_a_sibling_that_is_not_of_these_bytes_is_never_sent(host, tree):
    for accept in ("br", "gzip", "gzip, deflate, br"):
        answer = host.get(tree.doubtful, accept_encoding=accept)
        promised(answer, tree.files[tree.doubtful], tree.doubtful)


def test_what_does_not_exist_is_not_found_and_not_kept(host, tree):
    below = tree.names["css/site.css"] + "/more"
    for name in ("css/site.0123456789ab.css", "css/nothing.css", "nothing/", below):
        answer = host.get(name)
        assert answer.status == 404, (name, answer)
        assert not answer.immutable, (name, answer)
        if host.level:
            assert answer["Cache-Control"] == "no-store", (name, answer)


def closed_names(host):
    pool = host.root / ".handback/pool"
    inside = [os.path.join(folder, file) for folder, _, files in os.walk(pool) for file in files]
    return CLOSED + tuple(os.path.relpath(path, host.root) for path in inside[:2])


def test_what_is_not_for_the_public_is_closed(host):
    for name in closed_names(host):
        answer = host.ask(host.url + name)
        assert answer.status in (403, 404), (name, answer)
        assert SECRET not in answer.body and not answer.immutable, (name, answer)


def test_the_place_of_the_program_tells_nothing(host, tree):
    """Neither the files beside it nor itself, asked for by its own URL."""
    place = host.cgi_url.rpartition("/")[0]
    for name in ("handback.catalog", "handback.json", ".htaccess", ""):
        assert host.ask(f"{place}/{name}").status in (403, 404, 500), name
    for below in ("", "?prune+--keep+0", "/" + tree.names["data.json"], host.url + "data.json"):
        answer = host.ask(host.cgi_url + below)
        assert (answer.status, answer["Cache-Control"]) == (404, "no-store"), (below, answer)


def test_no_directory_is_listed(host):
    for name in ("", "css/", "css", "live"):
        answer = host.get(name)
        assert answer.status in (301, 403, 404), (name, answer)
        assert b"Index of" not in answer.body, name


def test_head_says_what_get_says(host, tree):
    for name in (tree.names["css/site.css"], "css/site.css", "css/nothing.css"):
        for accept in ("identity", "br"):
            whole = host.get(name, accept_encoding=accept)
            head = host.get(name, "HEAD", accept_encoding=accept)
            assert (head.status, head.body) == (whole.status, b"")
            for field in ("ETag", "Cache-Control", "Content-Type", "Content-Encoding", "Vary"):
                assert head[field] == whole[field], (name, accept, field)


def test_a_part_is_a_part_of_what_its_tag_names(host, tree):
    whole = {}
    for original, accept in (("js/app.js", "identity"), ("js/app.js", "br"), ("js/app.js", "gzip"),
                             ("img/logo.svg", "identity"), ("img/logo.svg", "br")):
        name = tree.names[original]
        answer = host.get(name, accept_encoding=accept)
        whole[answer["ETag"]] = answer
        for condition in ({}, {"if_range": answer["ETag"]}):
            part = host.get(name, accept_encoding=accept, range="bytes=10-19", **condition)
            if part.status == 200:  # as any server may, and must when the host compresses
                promised(part, tree.files[name], name)
                continue
            same = whole[part["ETag"]]
            assert (part.status, part.body) == (206, same.body[10:20]), (name, accept, part)
            for field in ("Content-Type", "Content-Encoding", "Cache-Control"):
                assert part[field] == same[field], (name, accept, field, part.headers)
            assert part["Content-Range"] == f"bytes 10-19/{len(same.body)}"


def test_a_part_is_sent_to_whoever_has_the_rest(host, tree):
    name = tree.names["js/app.js"]
    whole = host.get(name, accept_encoding="identity")
    more = {"accept_encoding": "identity", "range": "bytes=99000-"}
    part = host.get(name, if_range=whole["ETag"], **more)
    assert (part.status, part.body) == (206, whole.body[99000:]), part
    promised(host.get(name, if_range='"0123456789ab"', **more), tree.files[name], name)


def test_a_part_beyond_the_end_is_refused(host, tree):
    answer = host.get(tree.names["js/app.js"], accept_encoding="identity", range="bytes=900000-")
    assert (answer.status, answer.immutable) == (416, False), answer
    if host.level:
        assert answer["Content-Range"] == "bytes */100000", answer


def test_a_condition_that_fails_is_not_kept(host, tree):
    name = tree.names["css/site.css"]
    for condition in ({"if_match": '"0123456789ab"'},
                      {"if_unmodified_since": "Thu, 01 Jan 1998 00:00:00 GMT"}):
        answer = host.get(name, **condition)
        assert (answer.status, answer.immutable) == (412, False), (condition, answer)
    if host.level:
        promised(host.get(name, if_match=f'"{hash_of(name)}"'), tree.files[name], name)


def test_nothing_can_be_written(host, tree):
    for name in (tree.names["data.json"], "data.json"):
        # Apache's own handler takes POST for GET.
        for method in ("PUT", "DELETE") + ("POST",) * (host.level > 0):
            answer = host.ask(host.url + name, method=method, body=b"a=b")
            assert answer.status == 405, (name, method, answer)
            assert "GET" in answer["Allow"] and not answer.immutable, (name, method, answer)


def test_a_query_changes_nothing(host, tree):
    for name in (tree.names["css/site.css"], "data.json"):
        answer = host.ask(host.url + name + "?v=2&serve+--help")
        checked(answer, tree.files[tree.names.get(name, name)], name)


@pytest.fixture
def rewritten(host, tree):
    """The place of a hashed file whose name a test may do as it likes with."""
    path = host.root / tree.names["js/app.js"]
    yield path
    path.unlink(missing_ok=True)
    shutil.copy2(tree.root / tree.names["js/app.js"], path)
    host.give(path)


def test_a_file_that_is_being_written_is_not_promised(host, tree, rewritten):
    """What collectstatic does to a hashed file: it deletes it, and writes it again."""
    name = tree.names["js/app.js"]
    for piece in (None, b"", tree.files[name][:5000]):
        rewritten.unlink(missing_ok=True)
        if piece is not None:
            host.upload(name, piece)
        for accept in ("identity", "br"):
            answer = host.get(name, accept_encoding=accept)
            if answer.immutable or host.level and answer.status == 200:
                promised(answer, tree.files[name], name)
            else:
                assert answer.status in (200, 404, 503), (piece, answer)


def test_a_file_that_cannot_be_read_is_not_promised(host, tree):
    name = tree.names["app.wasm"]
    (host.root / name).chmod(0)
    try:
        answer = host.get(name)
        if answer.status == 200:
            promised(answer, tree.files[name], name)
        else:
            assert answer.status in (403, 404, 503) and not answer.immutable, answer
    finally:
        (host.root / name).chmod(0o644)


def test_the_rest_of_the_site_stays_as_it_is(host):
    if host.kind in ("user", "suexec"):
        assert host.ask(f"/~{host.user}/").body == b"the owner's own page\n"
        return
    assert host.ask("/").body == b"the owner's own page\n"
    elsewhere = host.ask("/page/")
    assert (elsewhere.body == b"the application's page") == (host.kind == "passenger")


def test_level_3_keeps_its_process(host):
    assert ("mod_fcgid: server" in host.log()) == (host.level == 3)


WHO = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nid -un\n"


def test_the_host_is_of_its_kind(host):
    """Else all the others would pass on seven plain hosts."""
    host.upload(host.cgi_bin / "who.cgi", WHO, mode=0o755)
    who = host.ask(host.cgi_url.replace("handback", "who")).body.decode().strip()
    if harness.ROOT:
        assert who == (host.user if host.kind == "suexec" else harness.SERVER_USER)
    top = f"/~{host.user}/" if host.kind in ("user", "suexec") else "/"
    page = host.ask(top, headers={"Accept-Encoding": "br"})
    assert page["Content-Encoding"] == ("br" if host.kind == "brotli" else None)
    # No level may need more than it is granted.
    host.upload(host.documents / "granted/.htaccess", "Options +ExecCGI\n")
    assert host.ask(top + "granted/").status == 500


@pytest.mark.parametrize("kind", ["plain", "brotli"])
def test_the_file_for_the_cgi_bin_keeps_what_the_program_says(work, project, kind):
    """Its length, and on a host that compresses everything its tag."""
    name = "live/plain.txt"
    with Host(work, kind, project.root) as host:
        host.take_level(2)
        before = host.get(name, method="HEAD", accept_encoding="br")
        host.upload(host.cgi_bin / ".htaccess", BESIDE_THE_PROGRAM.read_text())
        after = host.get(name, method="HEAD", accept_encoding="br")
        assert before["Content-Length"] != str(len(LIVE[name])) == after["Content-Length"]
        again = host.get(name, accept_encoding="br", if_none_match=after["ETag"])
        assert (again.status, again["ETag"]) == (304, after["ETag"])
        assert host.get(name, accept_encoding="br").body == LIVE[name]
