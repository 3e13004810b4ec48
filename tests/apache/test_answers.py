"""What a client receives for a site's files: the same through every front and delivery."""

import email.utils
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_site import ASSETS, LIVE, OLD
from harness import CGIS, url_of

IMMUTABLE = "max-age=315360000, public, immutable"
MUTABLE = "max-age=60, public"
DATE = email.utils.formatdate(OLD, usegmt=True)
LATER = email.utils.formatdate(OLD + 60, usegmt=True)
EARLIER = email.utils.formatdate(OLD - 60, usegmt=True)


def hashed(way, name):
    return way.project.manifest()[name]


def test_every_name_of_the_manifest_is_answered_with_its_own_bytes(way):
    names = way.project.manifest()
    # A CGI under sanitizers starts slowly: there every third name stands for all.
    originals = sorted(names)[:: 3 if way.front in CGIS else 1]
    assert len(originals) > 40

    def wrong(original):
        want = (way.project.root / names[original]).read_bytes()
        faults = []
        for name, control in ((original, MUTABLE), (names[original], IMMUTABLE)):
            answer = way.get(name)
            if (answer.status, answer.body, answer["Cache-Control"]) != (200, want, control):
                faults.append((name, answer.status, answer["Cache-Control"], len(answer.body)))
        return faults

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(wrong, originals), []) == []


def test_a_hashed_name_is_immutable_and_its_original_is_not(way):
    assert way.get(hashed(way, "css/site.css"))["Cache-Control"] == IMMUTABLE
    assert way.get("css/site.css")["Cache-Control"] == MUTABLE


def test_a_hash_in_a_name_that_the_bytes_prove_is_immutable_without_a_manifest(way):
    answer = way.get(way.project.proven)
    assert (answer.status, answer["Cache-Control"]) == (200, IMMUTABLE)


def test_a_hash_in_a_name_that_the_bytes_disprove_is_never_immutable(way):
    answer = way.get("live/wrong.0123456789ab.css")
    assert answer.status == 200
    assert answer.body == LIVE["live/wrong.0123456789ab.css"]
    assert not answer.immutable


def test_a_file_that_no_manifest_names_is_served_live(way):
    answer = way.get("live/plain.txt")
    assert (answer.status, answer.body) == (200, LIVE["live/plain.txt"])
    assert answer["Cache-Control"] == MUTABLE


@pytest.mark.parametrize(
    "name",
    [
        "css/site.000000000000.css",
        "nothing.css",
        "css",
        "css/",
        "",
        "staticfiles.json",
        "css/site.css/more",
        "CSS/site.css",
    ],
)
def test_what_does_not_exist_is_404_and_never_stored(way, name):
    answer = way.get(name)
    assert (answer.status, answer["Cache-Control"]) == (404, "no-store")
    assert answer.from_handback
    assert answer.body.count(b"\n") <= 1, "one plain line"


@pytest.mark.parametrize("name", ["notes/read me.txt", "img/\u00e9t\u00e9.txt", "notes/100%25.txt",
                                  "LICENSE", "empty.txt", "big.bin"])
def test_awkward_files_arrive_whole_by_both_names(way, name):
    for asked in (name, hashed(way, name)):
        answer = way.get(asked)
        assert answer.status == 200, asked
        assert answer.body == ASSETS[name]
        assert answer["Content-Length"] == str(len(ASSETS[name]))


TYPES = {
    "css/site.css": "text/css; charset=utf-8",
    "js/app.js": "text/javascript; charset=utf-8",
    "js/module.mjs": "text/javascript; charset=utf-8",
    "img/logo.svg": "image/svg+xml",
    "img/dot.png": "image/png",
    "data.json": "application/json",
    "app.wasm": "application/wasm",
    "font.woff2": "font/woff2",
    "live/page.html": "text/html; charset=utf-8",
    "LICENSE": "application/octet-stream",
}


@pytest.mark.parametrize("name", TYPES)
def test_the_media_type_is_the_same_on_every_machine(way, name):
    assert way.get(name)["Content-Type"] == TYPES[name]


@pytest.mark.parametrize("name", ["css/site.css", "img/dot.png", "live/plain.txt", "nothing.css"])
def test_every_answer_says_nosniff(way, name):
    assert way.get(name)["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["css/site.css", "font.woff2", "live/plain.txt"])
def test_every_file_may_be_read_by_other_origins(way, name):
    assert way.get(name)["Access-Control-Allow-Origin"] == "*"


def test_no_header_is_sent_twice(way):
    answer = way.get(hashed(way, "css/site.css"), accept_encoding="br")
    twice = [name for name, _ in answer.headers if answer.count(name) > 1]
    assert twice == []


# The coding that a client must receive for css/site.css, which has all three siblings.
NEGOTIATION = {
    "no field at all": (None, None),
    "br alone": ("br", "br"),
    "gzip alone": ("gzip", "gzip"),
    "zstd alone": ("zstd", "zstd"),
    "what browsers send": ("gzip, deflate, br", "br"),
    "a coding that we lack": ("deflate", None),
    "an empty field": ("", None),
    "br refused by q=0": ("br;q=0, gzip", "gzip"),
    "the highest q wins": ("br;q=0.5, gzip;q=0.9", "gzip"),
    "q=0.001 is still acceptable": ("gzip;q=0.001", "gzip"),
    "a star includes all": ("*", "br"),
    "names in capitals": ("GZIP", "gzip"),
    "identity preferred by q": ("gzip;q=0.5, identity;q=1", None),
    "x-gzip is gzip": ("x-gzip", "gzip"),
}
SUFFIX = {"br": "br", "gzip": "gz", "zstd": "zst"}


@pytest.mark.parametrize("case", NEGOTIATION)
def test_the_coding_follows_accept_encoding(way, case):
    accepted, coding = NEGOTIATION[case]
    name = hashed(way, "css/site.css")
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    answer = way.ask(url_of(name), headers=headers)
    plain = (way.project.root / name).read_bytes()
    if case == "a star includes all":
        # Any of the three will do; the smallest is ours to choose.
        coding = answer["Content-Encoding"]
        assert coding in SUFFIX
    assert answer.status == 200
    assert answer["Content-Encoding"] == coding
    assert "accept-encoding" in (answer["Vary"] or "").lower()
    want = (way.project.root / f"{name}.{SUFFIX[coding]}").read_bytes() if coding else plain
    assert answer.body == want
    assert answer["Content-Length"] == str(len(want))


def test_nothing_acceptable_is_406(way):
    answer = way.get(hashed(way, "css/site.css"), accept_encoding="*;q=0")
    assert (answer.status, answer["Cache-Control"]) == (406, "no-store")


def test_an_original_name_has_the_variants_of_its_hashed_file(way):
    answer = way.get("css/site.css", accept_encoding="br")
    sibling = way.project.root / (hashed(way, "css/site.css") + ".br")
    assert answer["Content-Encoding"] == "br"
    assert answer.body == sibling.read_bytes()


def test_a_sidecar_is_not_served_as_itself(way):
    assert way.get(hashed(way, "css/site.css") + ".br").status == 404


def test_the_tag_tells_the_variants_apart_and_comes_from_the_content(way):
    name = hashed(way, "css/site.css")
    digest = re.search(r"\.([0-9a-f]{12})\.", name)[1]
    for coding, suffix in (("identity", ""), ("br", ".br"), ("gzip", ".gz"), ("zstd", ".zst")):
        assert way.get(name, accept_encoding=coding)["ETag"] == f'"{digest}{suffix}"'


CONDITIONS = {
    "our tag": ({"If-None-Match": "{tag}"}, 304),
    "our tag in a list": ({"If-None-Match": '"a", {tag}, "b"'}, 304),
    "our tag made weak by a cache": ({"If-None-Match": "W/{tag}"}, 304),
    "our tag as mod_deflate marks it": ({"If-None-Match": "{mark}-gzip{q}"}, 304),
    "our tag as mod_brotli marks it": ({"If-None-Match": "{mark}-br{q}"}, 304),
    "a star": ({"If-None-Match": "*"}, 304),
    "another tag": ({"If-None-Match": '"000000000000"'}, 200),
    "another tag beside a date that holds": (
        {"If-None-Match": '"000000000000"', "If-Modified-Since": DATE}, 200),
    "not modified since its date": ({"If-Modified-Since": DATE}, 304),
    "not modified since later": ({"If-Modified-Since": LATER}, 304),
    "modified since earlier": ({"If-Modified-Since": EARLIER}, 200),
    "a date that is none": ({"If-Modified-Since": "yesterday"}, 200),
    "a date followed by junk": ({"If-Modified-Since": DATE + " junk"}, 200),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_conditions_decide_between_200_and_304(way, case):
    headers, status = CONDITIONS[case]
    name = hashed(way, "js/app.js")
    full = way.get(name)
    tag = full["ETag"]
    headers = {k: v.format(tag=tag, mark=tag[:-1], q='"') for k, v in headers.items()}
    answer = way.ask(url_of(name), headers=headers)
    assert answer.status == status
    assert answer.body == (full.body if status == 200 else b"")
    if status == 304:
        assert answer["ETag"] == tag
        assert answer["Cache-Control"] == IMMUTABLE
        assert answer["Last-Modified"] is None
        assert "accept-encoding" in answer["Vary"].lower()


def test_last_modified_is_the_files_own(way):
    assert way.get("live/plain.txt")["Last-Modified"] == DATE


RANGES = {
    "the first bytes": ("bytes=0-9", slice(0, 10)),
    "one byte": ("bytes=7-7", slice(7, 8)),
    "the rest": ("bytes=99000-", slice(99000, None)),
    "the last bytes": ("bytes=-500", slice(-500, None)),
    "a last byte beyond the end": ("bytes=99990-200000", slice(99990, None)),
    "a suffix longer than the file": ("bytes=-200000", slice(0, None)),
    "the unit in capitals": ("BYTES=0-9", slice(0, 10)),
}


@pytest.mark.parametrize("case", RANGES)
def test_a_single_range_is_206_with_exactly_its_bytes(way, case):
    asked, part = RANGES[case]
    whole = ASSETS["js/app.js"]
    first = len(whole) - len(whole[part]) if part.stop is None else part.start
    answer = way.get(hashed(way, "js/app.js"), range=asked)
    assert answer.status == 206
    assert answer.body == whole[part]
    last = first + len(whole[part]) - 1
    assert answer["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
    assert answer["Content-Length"] == str(len(whole[part]))


@pytest.mark.parametrize("asked", ["bytes=100000-", "bytes=-0", "bytes=99999999999999999999-"])
def test_a_range_beyond_the_file_is_416_with_its_length(way, asked):
    answer = way.get(hashed(way, "js/app.js"), range=asked)
    assert answer.status == 416
    assert answer["Content-Range"] == "bytes */100000"


@pytest.mark.parametrize("asked", ["bytes=9-0", "bytes=", "bytes=a-b", "lines=1-2", "bytes 0-9",
                                   "bytes=0-9x", "bytes=--1"])
def test_a_range_that_is_none_is_ignored(way, asked):
    answer = way.get(hashed(way, "js/app.js"), range=asked)
    assert (answer.status, answer.body) == (200, ASSETS["js/app.js"])


def test_several_ranges_are_whole_or_multipart(way):
    answer = way.get(hashed(way, "js/app.js"), range="bytes=0-9,20-29")
    if answer.status == 200:
        assert answer.body == ASSETS["js/app.js"]
    else:
        assert answer.status == 206
        assert answer["Content-Type"].startswith("multipart/byteranges")
        assert ASSETS["js/app.js"][20:30] in answer.body


def test_a_range_of_a_compressed_variant_is_of_its_own_bytes(way):
    name = hashed(way, "css/site.css")
    answer = way.get(name, range="bytes=10-19", accept_encoding="br")
    assert answer.status == 206
    assert answer["Content-Encoding"] == "br"
    assert answer.body == (way.project.root / f"{name}.br").read_bytes()[10:20]


def test_a_range_in_the_middle_of_a_large_file_is_exact(way):
    answer = way.get("big.bin", range="bytes=2500000-3499999")
    assert (answer.status, answer.body) == (206, ASSETS["big.bin"][2_500_000:3_500_000])


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}, {"Accept-Encoding": "br"}],
                         ids=["plain", "with a range", "with a coding"])
def test_head_has_the_head_of_get_and_no_body(way, headers):
    target = url_of(hashed(way, "css/site.css"))
    head = way.ask(target, method="HEAD", headers=headers)
    get = way.ask(target, headers={k: v for k, v in headers.items() if k != "Range"})
    assert (head.status, head.body) == (200, b"")

    def comparable(answer):
        return sorted((k, v) for k, v in answer.headers if k != "Date")

    assert comparable(head) == comparable(get)


def test_options_says_what_is_allowed(way):
    answer = way.ask("/static/css/site.css", method="OPTIONS")
    assert answer.status == 204
    assert {"GET", "HEAD", "OPTIONS"} <= set(re.split(r", *", answer["Allow"]))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_method_that_changes_is_405_with_allow(way, method):
    answer = way.ask("/static/css/site.css", method=method, body=b"a=b")
    assert (answer.status, answer["Cache-Control"]) == (405, "no-store")
    assert {"GET", "HEAD"} <= set(re.split(r", *", answer["Allow"]))


def test_a_missing_name_is_404_whatever_the_method(way):
    assert way.ask("/static/nothing.css", method="DELETE").status == 404


def test_an_unknown_method_is_501(way):
    assert way.ask("/static/css/site.css", method="BREW").status == 501


@pytest.mark.parametrize("target", [
    "/static/js/app.js?v=1",
    "/static/js/app.js?",
    "/static/js/app.js?a%00b",
    "http://example.org/static/js/app.js",
    "/static//js///app.js",
    "/static/./js/../js/app.js",
    "/%73tatic/js/%61pp.js",
])
def test_other_spellings_of_a_url_name_the_same_file(way, target):
    answer = way.ask(target)
    assert (answer.status, answer.body) == (200, ASSETS["js/app.js"])
