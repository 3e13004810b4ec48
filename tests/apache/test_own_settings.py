"""Settings that a site makes for itself, as its clients see them: the same through every way."""

import email.message
import email.policy
import email.utils
import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from browser import Browser
from conftest import WAYS
from django_site import MANAGE, OLD, SETTINGS, URLS, WSGI, age, write
from harness import Site, url_of, wait_until

IMMUTABLE = "max-age=315360000, public, immutable"
MUTABLE = "max-age=60, public"

OWN = {
    "index_file": True,
    "immutable": ["assets/*-????????.js", "assets/*-????????.css", "*.??????????.chunk.js"],
    "headers": {
        "*": {"Cross-Origin-Resource-Policy": "cross-origin", "X-Own": "first"},
        "*.woff2": {"Timing-Allow-Origin": "*", "X-Own": "second"},
        "private/*": {"Cache-Control": "private, max-age=5"},
        "typed/*.data": {"Content-Type": "application/x-own; version=1"},
        "bare/*": {"Access-Control-Allow-Origin": None, "Cache-Control": None, "X-Own": None},
        "varied/*": {"Vary": "Origin"},
    },
}
TEXT = b"0123456789" * 100
FILES = {
    "plain.txt": TEXT,
    "font.woff2": TEXT,
    "private/list.txt": TEXT,
    "private/deep/list.txt": TEXT,
    "typed/one.data": TEXT,
    "bare/one.txt": TEXT,
    "varied/one.css": TEXT,
    "varied/one.css.gz": b"\x1f\x8b" + bytes(20),
    "varied/one.png": TEXT,
    # As Vite and webpack name them.
    "assets/index-BxK3a9Zq.js": TEXT,
    "assets/style-Dk_4f-8a.css": TEXT,
    "assets/index.js": TEXT,
    "js/main.8f3b2c1d9e.chunk.js": TEXT,
    "js/other.0123456789ab.js": TEXT,
    "docs/index.html": b"<title>docs</title>",
    "docs/a b/index.html": b"<title>a b</title>",
    "docs/a:b/index.html": b"<title>a:b</title>",
    "docs/\u00fcber/index.html": b"<title>\xc3\xbcber</title>",
    "docs/100%25/index.html": b"<title>percent</title>",
    "docs/empty/other.html": b"<title>other</title>",
}


@pytest.fixture(scope="module")
def home(work):
    home = work.fresh("own")
    for name, data in FILES.items():
        write(home / "static" / name, data)
    write(home / "handback.json", json.dumps(OWN).encode())
    return home


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def own_way(request, work, home):
    settings = {"HANDBACK_CONFIG": home / "handback.json"}
    with Site(work, *request.param, home / "static", **settings) as way:
        yield way


# ---- headers ----


def asked_in_all_ways(way, name):
    """The answers to one name of every status that describes its file."""
    full = way.get(name)
    answers = {
        200: full,
        206: way.get(name, range="bytes=10-19"),
        304: way.get(name, if_none_match=full["ETag"]),
        416: way.get(name, range="bytes=1000-"),
        412: way.get(name, if_match='"none"'),
        "HEAD": way.ask(url_of(name), method="HEAD"),
        "several ranges": way.get(name, range="bytes=0-9,20-29"),
    }
    assert [answer.status for answer in answers.values()] == [200, 206, 304, 416, 412, 200, 206]
    return answers


def test_a_field_stands_on_every_status_that_describes_the_file(own_way):
    for status, answer in asked_in_all_ways(own_way, "font.woff2").items():
        assert answer["Timing-Allow-Origin"] == "*", status
        assert answer["Cross-Origin-Resource-Policy"] == "cross-origin", status
        assert answer.count("X-Own") == 1, status


def test_the_later_glob_wins_field_by_field(own_way):
    assert own_way.get("plain.txt")["X-Own"] == "first"
    assert own_way.get("font.woff2")["X-Own"] == "second"


def test_what_describes_no_file_has_no_field_of_its_own(own_way):
    answer = own_way.get("nothing.woff2")
    assert answer.status == 404
    assert answer["X-Own"] is answer["Timing-Allow-Origin"] is None


def test_cache_control_is_replaced_but_on_errors(own_way):
    for status, answer in asked_in_all_ways(own_way, "private/list.txt").items():
        want = "no-store" if status in (412, 416) else "private, max-age=5"
        assert answer["Cache-Control"] == want, status
    # A star does not reach over a slash.
    assert own_way.get("private/deep/list.txt")["Cache-Control"] == MUTABLE


def test_content_type_is_replaced_wherever_the_file_is_described(own_way):
    for status, answer in asked_in_all_ways(own_way, "typed/one.data").items():
        if status in (200, 206, "HEAD"):
            assert answer["Content-Type"] == "application/x-own; version=1", status
        elif status in (412, 416):
            assert answer["Content-Type"] == "text/plain; charset=utf-8", status


def test_each_part_of_several_has_the_type_that_the_whole_has(own_way):
    answer = own_way.get("typed/one.data", range="bytes=0-9,20-29")
    assert answer["Content-Type"].startswith("multipart/byteranges; boundary=")
    message = email.message_from_bytes(
        b"Content-Type: " + answer["Content-Type"].encode() + b"\r\n\r\n" + answer.body,
        policy=email.policy.HTTP)
    parts = list(message.iter_parts())
    assert [part.get_payload(decode=True) for part in parts] == [TEXT[:10], TEXT[20:30]]
    assert answer.body.count(b"\r\nContent-Type: application/x-own; version=1\r\n") == 2


def test_null_takes_away_what_would_be_sent(own_way):
    for status, answer in asked_in_all_ways(own_way, "bare/one.txt").items():
        assert answer["Access-Control-Allow-Origin"] is None, status
        assert answer["X-Own"] is None, status
        want = "no-store" if status in (412, 416) else None
        assert answer["Cache-Control"] == want, status


def listed(value):
    return {item.strip().lower() for item in (value or "").split(",")}


def test_vary_is_added_to_ours(own_way):
    for headers in ({}, {"if_none_match": own_way.get("varied/one.css")["ETag"]},
                    {"accept_encoding": "gzip"}):
        answer = own_way.get("varied/one.css", **headers)
        assert listed(answer["Vary"]) == {"accept-encoding", "origin"}
    assert own_way.get("varied/one.css", accept_encoding="gzip")["Content-Encoding"] == "gzip"
    assert listed(own_way.get("varied/one.png")["Vary"]) == {"origin"}


# ---- immutable ----

PROMISED = {
    "as Vite names them": ("assets/index-BxK3a9Zq.js", True),
    "as Vite names them, with a dash in the hash": ("assets/style-Dk_4f-8a.css", True),
    "as webpack names them": ("js/main.8f3b2c1d9e.chunk.js", True),
    "without a hash": ("assets/index.js", False),
    "a hash like Django's that the bytes disprove": ("js/other.0123456789ab.js", False),
}


@pytest.mark.parametrize("case", PROMISED)
def test_names_that_another_tool_hashed_are_immutable(own_way, case):
    name, promised = PROMISED[case]
    for headers in ({}, {"range": "bytes=0-9"}, {"if_none_match": own_way.get(name)["ETag"]}):
        answer = own_way.get(name, **headers)
        assert answer.status in (200, 206, 304)
        assert answer.immutable == promised, headers
        assert not promised or answer["Cache-Control"] == IMMUTABLE


def test_a_promised_file_is_not_immutable_while_it_is_new(site, work, front):
    root = work.fresh("root")
    name = "assets/index-BxK3a9Zq.js"
    write(root / "assets/older.js", TEXT)
    way = site(front, "body", root, HANDBACK_IMMUTABLE="assets/*-????????.js")
    written = time.time()
    write(root / name, TEXT, written)
    answer = way.get(name)
    assert answer.status == 200
    assert time.time() - written > 1 or not answer.immutable
    wait_until(lambda: way.get(name).immutable, 10, "the promise")
    assert time.time() - written >= 1


# ---- index_file ----


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows as the library does, and remembers."""

    def __init__(self):
        self.seen = []

    def redirect_request(self, request, fp, code, msg, headers, newurl):
        self.seen.append((code, headers["Location"], headers["Cache-Control"]))
        return super().redirect_request(request, fp, code, msg, headers, newurl)


def follow(way, target):
    """What a client of the standard library ends with: the URL's path, the body, the redirects."""
    handler = Redirects()
    opener = urllib.request.build_opener(handler, urllib.request.ProxyHandler({}))
    base = f"http://127.0.0.1:{way.apache.port}"
    with opener.open(base + target, timeout=20) as response:
        return response.url.removeprefix(base), response.read(), handler.seen


INDEXED = {
    "a directory": ("/static/docs", "/static/docs/", "docs/index.html"),
    "with its query": ("/static/docs?v=1&a=%2F", "/static/docs/?v=1&a=%2F", "docs/index.html"),
    "the file itself": ("/static/docs/index.html?v=1", "/static/docs/?v=1", "docs/index.html"),
    "a blank": ("/static/docs/a%20b", "/static/docs/a%20b/", "docs/a b/index.html"),
    "a colon": ("/static/docs/a:b", None, "docs/a:b/index.html"),
    "an umlaut": ("/static/docs/%C3%BCber", "/static/docs/%C3%BCber/",
                  "docs/\u00fcber/index.html"),
    "a percent sign": ("/static/docs/100%2525", "/static/docs/100%2525/",
                       "docs/100%25/index.html"),
    # The library drops empty segments when it joins a relative reference.
    "two slashes in front": ("//static/docs", "/static/docs/", "docs/index.html"),
    "two slashes within": ("/static//docs", "/static/docs/", "docs/index.html"),
}


@pytest.mark.parametrize("case", INDEXED)
def test_a_client_that_follows_redirects_arrives_at_the_index_file(own_way, case):
    target, end, name = INDEXED[case]
    url, body, seen = follow(own_way, target)
    assert body == FILES[name]
    assert len(seen) == 1
    code, location, control = seen[0]
    assert (code, control) == (302, "no-store")
    assert not location.startswith("/") and "://" not in location
    if end:
        assert url == end


def test_a_directory_with_its_slash_is_its_index_file_at_once(own_way):
    answer = own_way.get("docs/")
    assert (answer.status, answer.body) == (200, FILES["docs/index.html"])
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    again = own_way.get("docs/", if_none_match=answer["ETag"])
    assert again.status == 304
    part = own_way.get("docs/", range="bytes=1-5")
    assert (part.status, part.body) == (206, FILES["docs/index.html"][1:6])


@pytest.mark.parametrize("target", [
    "//evil.example/static/docs", "/static/../static/docs", "//evil.example/..//static/docs",
    "/static/docs/%2F%2Fevil.example/..", "/static//evil.example/../docs"])
def test_no_redirect_leads_to_another_host(own_way, target):
    location = own_way.ask(target)["Location"]
    assert location is None or location in ("docs/", "./")


@pytest.mark.parametrize("name", ["docs/empty/", "docs/empty", "docs/nothing/", "assets/"])
def test_a_directory_without_an_index_file_is_404(own_way, name):
    answer = own_way.get(name)
    assert (answer.status, answer["Cache-Control"]) == (404, "no-store")


def test_a_method_that_changes_is_405_there_too(own_way):
    for name in ("docs", "docs/", "docs/index.html"):
        assert own_way.ask(url_of(name), method="POST", body=b"a").status == 405


# ---- follow: collectstatic --link ----

PLAIN_STORAGE = "django.contrib.staticfiles.storage.StaticFilesStorage"
MANIFEST_STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


def collect_links(home, storage):
    """A project whose `collectstatic --link` has made the root; where its links lead."""
    settings = textwrap.dedent(SETTINGS).replace(MANIFEST_STORAGE, storage)
    parts = {"settings": settings, "urls": URLS, "wsgi": WSGI, "__init__": ""}
    for name, text in parts.items():
        write(home / f"example/{name}.py", textwrap.dedent(text).encode())
    write(home / "manage.py", textwrap.dedent(MANAGE).encode())
    write(home / "assets/css/site.css", b'body { background: url("../img/dot.png") }\n')
    write(home / "assets/img/dot.png", b"\x89PNG" + TEXT)
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0", "--link"]
    subprocess.run(command, cwd=home, check=True, capture_output=True)
    for part in ("static", "assets"):
        for folder, _, _ in os.walk(home / part):
            os.chmod(folder, 0o755)
    for path in (home / "static").rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o644)
    age(home)
    links = [path for path in (home / "static").rglob("*") if path.is_symlink()]
    return home / "static", {str(p.relative_to(home / "static")): Path(os.readlink(p))
                             for p in links}


@pytest.fixture(scope="module")
def linked(work):
    return collect_links(work.fresh("linked"), PLAIN_STORAGE)


@pytest.fixture(scope="module")
def linked_and_hashed(work):
    return collect_links(work.fresh("hashed"), MANIFEST_STORAGE)


def ends_of(links):
    """The static directories of the project and of the applications, where they lie."""
    folders = {str(path)[: str(path).index("/" + name)] for name, path in links.items()}
    return ":".join(sorted(folders))


def test_the_links_of_collectstatic_are_absolute_and_lead_out_of_the_root(linked):
    root, links = linked
    assert "css/site.css" in links and any(name.startswith("admin/") for name in links)
    assert all(end.is_absolute() and root not in end.parents for end in links.values())
    assert len(ends_of(links).split(":")) == 2


@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_links_that_leave_are_404_unless_follow_names_where_they_lead(site, linked, through):
    root, links = linked
    closed = site(*through, root)
    assert closed.get("css/site.css").status == 404
    wait_until(lambda: "HB0049" in closed.diagnoses(), 3, "a diagnosis")
    opened = site(*through, root, HANDBACK_FOLLOW=ends_of(links))
    for name in ["css/site.css", "img/dot.png", *sorted(links)[:6]]:
        answer = opened.get(name)
        assert (answer.status, answer.body) == (200, links[name].read_bytes()), name
        assert answer["Cache-Control"] == MUTABLE
    part = opened.get("img/dot.png", range="bytes=4-13")
    assert (part.status, part.body) == (206, TEXT[:10])


@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_follow_lets_no_link_lead_elsewhere(site, work, linked, through):
    made, links = linked
    root = work.fresh("more")
    shutil.rmtree(root)
    shutil.copytree(made, root, symlinks=True)
    outside = work.fresh("outside")
    write(outside / "secret.txt", b"outside\n")
    (root / "secret.txt").symlink_to(outside / "secret.txt")
    (root / "beside.txt").symlink_to(links["css/site.css"].parent.parent.parent / "manage.py")
    (root / "up").symlink_to(outside)
    way = site(*through, root, HANDBACK_FOLLOW=ends_of(links))
    for name in ("secret.txt", "beside.txt", "up/secret.txt"):
        assert way.get(name).status == 404, name
    assert way.get("css/site.css").status == 200


def test_manifest_storage_makes_real_copies_of_hashed_names(linked_and_hashed):
    root, links = linked_and_hashed
    paths = json.loads((root / "staticfiles.json").read_text())["paths"]
    assert set(links) == set(paths), "every original is a link"
    for hashed in paths.values():
        assert not (root / hashed).is_symlink(), hashed


@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_with_manifest_storage_links_need_no_follow(site, linked_and_hashed, through):
    root, links = linked_and_hashed
    paths = json.loads((root / "staticfiles.json").read_text())["paths"]
    way = site(*through, root)
    for name in ["css/site.css", "img/dot.png", *sorted(paths)[:4]]:
        data = (root / paths[name]).read_bytes()
        for asked, control in ((name, MUTABLE), (paths[name], IMMUTABLE)):
            answer = way.get(asked)
            assert (answer.status, answer.body) == (200, data), asked
            assert answer["Cache-Control"] == control
    assert "HB0049" not in way.diagnoses()


# ---- uploads ----

UMLAUT = "\u00dcbersicht \u201eneu\u201c (1).svg"
UPLOADS = {
    "report.pdf": (b"%PDF-1.4 a report", "application/pdf", False),
    "film.mp4": (bytes(3000), "video/mp4", False),
    "photo.jpg": (b"\xff\xd8\xff", "image/jpeg", False),
    "page.html": (b"<script>1</script>", "text/html; charset=utf-8", True),
    "drawing.svg": (b"<svg/>", "image/svg+xml", True),
    UMLAUT: (b"<svg id='1'/>", "image/svg+xml", True),
    'a "quoted" \\ name.html': (b"<p>", "text/html; charset=utf-8", True),
    "100%41.html": (b"<p>41", "text/html; charset=utf-8", True),
}


@contextmanager
def site_with_uploads(work, front, delivery):
    """A way to a site with uploads, and the directory that they lie in."""
    root, uploads = work.fresh("root"), work.fresh("uploads")
    write(root / "x.txt", TEXT)
    for name, (data, _, _) in UPLOADS.items():
        write(uploads / name, data)
    extra = f'Define MEDIA_ROOT "{uploads}"\nDefine MEDIA_URL /media/\n'
    settings = {"MEDIA_ROOT": uploads, "MEDIA_URL": "/media/",
                "HANDBACK_IMMUTABLE": "*-????????.js"}
    with Site(work, front, delivery, root, extra=extra, **settings) as way:
        yield way, uploads


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def media(request, work):
    with site_with_uploads(work, *request.param) as made:
        yield made


def upload_of(way, name, **headers):
    return way.ask(url_of(name, "/media/"),
                   headers={k.replace("_", "-"): v for k, v in headers.items()})


def disposition(answer):
    """The kind and the file name, by Python's parser; `filename*` counts before `filename`
    (RFC 6266 4.3), and only the first of them is told here."""
    message = email.message.Message()
    message["Content-Disposition"] = answer["Content-Disposition"]
    (kind, _), *parameters = message.get_params(header="Content-Disposition")
    names = [value for name, value in parameters if name == "filename"]
    extended = [value for value in names if isinstance(value, tuple)]
    return kind, email.utils.collapse_rfc2231_value((extended or names)[0])


@pytest.mark.parametrize("name", UPLOADS)
def test_what_a_browser_would_run_is_an_attachment_and_the_rest_opens(media, name):
    way, _ = media
    data, kind, active = UPLOADS[name]
    for headers in ({}, {"range": "bytes=0-1"}):
        answer = upload_of(way, name, **headers)
        assert answer.status == (206 if headers else 200)
        assert answer.body == (data[:2] if headers else data)
        assert answer["Content-Type"] == kind
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert not answer.immutable
        if active:
            assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
            assert disposition(answer) == ("attachment", name)
        else:
            assert answer["Content-Disposition"] is answer["Content-Security-Policy"] is None


def name_on_disk(name):
    """What Chromium makes of characters that some file systems refuse."""
    return name.translate(str.maketrans('"\\', "__"))


def test_a_browser_saves_attachments_under_their_own_names(work):
    folder = work.fresh("downloads")
    allow = {"behavior": "allow", "downloadPath": str(folder)}
    active = [name for name, (_, _, active) in UPLOADS.items() if active]
    with site_with_uploads(work, "proxy", "x-sendfile") as (way, _), Browser() as browser:
        browser._call("POST", f"{browser.session}/goog/cdp/execute",
                      {"cmd": "Page.setDownloadBehavior", "params": allow})
        for name in active:
            saved = folder / name_on_disk(name)
            browser.open(f"http://localhost:{way.apache.port}{url_of(name, '/media/')}")
            wait_until(saved.is_file, what=f"{name}: saved")
            assert saved.read_bytes() == UPLOADS[name][0]


def put(path, data):
    """As Django stores an upload, in one step."""
    new = path.with_name("." + path.name)
    new.write_bytes(data)
    new.chmod(0o644)
    new.rename(path)


def test_an_upload_is_served_at_once_and_so_are_its_successor_and_its_end(media):
    way, uploads = media
    assert upload_of(way, "new.txt").status == 404
    seen = set()
    for data in (b"one", b"two", b"three", b"four!"):
        put(uploads / "new.txt", data)
        answer = upload_of(way, "new.txt")
        assert (answer.status, answer.body) == (200, data)
        assert answer["ETag"] not in seen
        seen.add(answer["ETag"])
        assert upload_of(way, "new.txt", if_none_match=answer["ETag"]).status == 304
    (uploads / "new.txt").unlink()
    answer = upload_of(way, "new.txt", if_none_match=answer["ETag"])
    assert (answer.status, answer["Cache-Control"]) == (404, "no-store")


def test_uploads_are_never_promised_and_have_no_compressed_copies(media):
    way, uploads = media
    digest = hashlib.md5(TEXT).hexdigest()[:12]
    for name in (f"hashed.{digest}.js", "index-BxK3a9Zq.js"):
        write(uploads / name, TEXT)
        write(uploads / f"{name}.gz", b"\x1f\x8b" + bytes(20))
        answer = upload_of(way, name, accept_encoding="gzip")
        assert (answer.status, answer.body) == (200, TEXT)
        assert (answer["Content-Encoding"], answer["Vary"]) == (None, None)
        assert not answer.immutable
        assert upload_of(way, f"{name}.gz").status == 200, "an upload of its own"


def test_hidden_uploads_and_links_that_leave_are_404(media, work):
    way, uploads = media
    outside = work.fresh("outside")
    write(outside / "secret.txt", b"outside\n")
    write(uploads / ".hidden/inner.txt", b"hidden\n")
    write(uploads / ".htaccess", b"hidden\n")
    if not (uploads / "link.txt").is_symlink():
        (uploads / "link.txt").symlink_to(outside / "secret.txt")
    for name in (".hidden/inner.txt", ".htaccess", "link.txt"):
        assert upload_of(way, name).status == 404, name


# ---- a root behind a link, and the times of live files ----


@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_a_root_behind_a_link_is_opened_anew_within_a_second_of_its_flip(site, work, through):
    place = work.fresh("releases")
    for release in ("a", "b"):
        write(place / release / "which.txt", release.encode())
        write(place / release / f"only-{release}.txt", release.encode())
        (place / release).chmod(0o755)
    (place / "current").symlink_to("a")
    way = site(*through, place / "current")
    for release, other in (("b", "a"), ("a", "b")):
        assert way.get("which.txt").body == other.encode()
        (place / "next").symlink_to(release)
        (place / "next").rename(place / "current")
        flipped = time.monotonic()
        # Between two looks at the link a worker answers the old or the new, and whole.
        new = 0
        while new < 8:
            answer = way.get("which.txt")
            assert (answer.status, answer.body) in ((200, b"a"), (200, b"b"))
            new = new + 1 if answer.body == release.encode() else 0
            assert time.monotonic() - flipped < 3, "a second, and what a busy machine takes"
        assert way.get(f"only-{release}.txt").status == 200
        assert way.get(f"only-{other}.txt").status == 404


@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_two_writes_within_a_second_have_two_tags(site, work, through):
    root = work.fresh("root")
    path = root / "x.txt"
    write(path, b"one")
    way = site(*through, root)
    tags = []
    for data, nanoseconds in ((b"one", 0), (b"two", 1), (b"six", 999_999_999)):
        path.write_bytes(data)
        os.utime(path, ns=(0, OLD * 10**9 + nanoseconds))
        answer = way.get("x.txt")
        assert answer.body == data
        assert answer["ETag"] == f'"{OLD * 10**9 + nanoseconds:x}-3"'
        assert answer["Last-Modified"] == email.utils.formatdate(OLD, usegmt=True)
        tags.append(answer["ETag"])
    for tag in tags[:-1]:
        answer = way.get("x.txt", if_none_match=tag)
        assert (answer.status, answer.body) == (200, b"six")
        answer = way.get("x.txt", range="bytes=0-0", if_range=tag)
        assert (answer.status, answer.body) == (200, b"six")
    assert way.get("x.txt", if_none_match=tags[-1]).status == 304
