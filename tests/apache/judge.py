"""What holds for every response whatever the request was, and what a row of a table asks for."""

import email.utils
import re
import time

TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
STATUS_LINE = re.compile(rb"HTTP/1\.1 [1-5]\d\d [\x20-\x7e]*")
FIELD_LINE = re.compile(rf"{TOKEN}: [\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?".encode())
TAG = re.compile(r'"[\x21\x23-\x7e]+"')
CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)/(\d+)|\*/(\d+))")
BYTERANGES = re.compile(r"multipart/byteranges; boundary=([0-9a-f]{16})")
MEDIA_TYPE = re.compile(rf"{TOKEN}/{TOKEN}(?:; {TOKEN}=(?:{TOKEN}|\"[^\"]*\"))*")

SINGLE = """
    Date Server Connection Content-Type Content-Length Content-Encoding Content-Range ETag
    Last-Modified Cache-Control Vary Allow Accept-Ranges Transfer-Encoding Location Retry-After
    X-Content-Type-Options Content-Disposition Content-Security-Policy
    Access-Control-Allow-Origin Access-Control-Allow-Methods Access-Control-Allow-Headers
    Access-Control-Max-Age
""".split()
NEVER = """
    Set-Cookie X-Sendfile X-Accel-Redirect X-LIGHTTPD-send-file X-LiteSpeed-Location Status Script
    X-Powered-By Access-Control-Allow-Credentials X-Injected Trailer Upgrade
    X-Handback-Coding
""".split()


def seconds(date):
    """Of an IMF-fixdate, which must be exactly in that form, day of the week included."""
    moment = email.utils.parsedate_to_datetime(date).timestamp()
    assert email.utils.formatdate(moment, usegmt=True) == date, date
    return moment


def judge_any(method, answer):
    """Framing, fields and dates of a response, Apache's own included."""
    first, *lines = answer.head[:-4].split(b"\r\n")
    assert STATUS_LINE.fullmatch(first), first
    for line in lines:
        assert FIELD_LINE.fullmatch(line), line
    assert [name for name in SINGLE if answer.count(name) > 1] == []
    assert [name for name in NEVER if answer[name] is not None] == []
    judge_framing(method, answer)
    now = seconds(answer["Date"])
    assert abs(time.time() - now) < 10, "a Date that is not now"
    if answer["Last-Modified"]:
        assert seconds(answer["Last-Modified"]) <= now
    if answer["ETag"]:
        assert TAG.fullmatch(answer["ETag"]), "no strong tag"
    if answer.body:
        assert MEDIA_TYPE.fullmatch(answer["Content-Type"]), answer["Content-Type"]
    judge_range_fields(answer)
    if answer.status == 405:
        assert answer["Allow"], "RFC 9110 15.5.6"
    if answer.status < 300 or answer.status >= 400:
        assert answer["Location"] is None


def judge_framing(method, answer):
    length, coding = answer["Content-Length"], answer["Transfer-Encoding"]
    assert length is None or coding is None, "RFC 9112 6.2"
    assert length is None or re.fullmatch(r"\d+", length), length
    assert coding in (None, "chunked")
    if answer.status == 204:
        assert length is None and coding is None, "RFC 9110 8.6"
    if answer.status == 304:
        assert coding is None and answer["Content-Encoding"] is None
    if method == "HEAD" or answer.status in (204, 304):
        assert answer.body == b""
    elif answer["Connection"] != "close":
        assert length or coding, "the end of the body is not told"


def judge_range_fields(answer):
    found = answer["Content-Range"]
    if found is not None:
        assert CONTENT_RANGE.fullmatch(found), found
        assert (answer.status == 416) == found.startswith("bytes */"), found
    if answer.status == 206:
        several = (answer["Content-Type"] or "").startswith("multipart/byteranges")
        assert several == (found is None), "RFC 9110 15.3.7"
    else:
        assert (found is None) == (answer.status != 416), "RFC 9110 14.4"
        assert "byteranges" not in (answer["Content-Type"] or "")


def judge_ours(method, answer):
    """What Handback promises of every response of its own."""
    assert answer["X-Content-Type-Options"] == "nosniff"
    if answer.status >= 400:
        assert answer["Cache-Control"] == "no-store"
        assert answer["Content-Encoding"] is None, "an error is not compressed"
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.body.count(b"\n") <= 1, "one plain line"
        if method != "HEAD":
            assert answer.body.startswith(str(answer.status).encode())
    elif answer.status != 204:
        assert answer["Cache-Control"] and answer["ETag"]
    if answer.status in (200, 206):
        assert answer["Accept-Ranges"] == "bytes"
        assert answer["Content-Length"] is not None


def judge_want(site, host, case, answer):
    """What the row asks for, beyond the status."""
    for name, value in case.want.get("has", {}).items():
        judge_field(name, answer[name], value, site, host)
    file = file_of(site, case)
    if file is None or case.want.get("unknown"):
        return
    if len(file.variants) > 1 and answer.from_handback and answer.status not in (204, 404):
        assert "accept-encoding" in (answer["Vary"] or "").lower(), "it varies"
    if answer.status in (200, 206):
        coding = judge_coding(case, file, answer)
        judge_bytes(case, file.variants[coding], answer)
    if answer.status == 416:
        coding = case.want.get("coding")
        assert answer["Content-Range"] == f"bytes */{len(file.variants[coding])}"


def judge_field(name, found, value, site, host):
    if isinstance(value, tuple):
        assert found in value, f"{name}: {found}"
    elif isinstance(value, re.Pattern):
        assert found is not None and value.search(found), f"{name}: {found}"
    else:
        value = value and site.fill(value, host)
        assert found == value, f"{name}: {found}, not {value}"


def file_of(site, case):
    key = case.want.get("file")
    if key is None and isinstance(case.target, str):
        alone = re.fullmatch(r"\{([a-z_]+)\}", case.target)
        key = alone and alone[1]
    return site.files[key] if key else None


def judge_coding(case, file, answer):
    coding = answer["Content-Encoding"]
    if "either" in case.want:
        assert coding in case.want["either"], coding
    else:
        want = case.want.get("coding")
        if isinstance(want, tuple):
            want = min(want, key=lambda name: len(file.variants[name]))
        assert coding == want, f"{coding}, not {want}"
    if file.tags:
        assert answer["ETag"] == file.tags[coding], answer["ETag"]
    return coding


def judge_bytes(case, whole, answer):
    want, size = case.want, len(whole)
    if answer.status == 200:
        judge_body(case, answer, whole)
    elif "parts" in want:
        judge_parts(case, whole, answer)
    else:
        first, last = (n if n >= 0 else n + size for n in want["part"])
        assert answer["Content-Range"] == f"bytes {first}-{last}/{size}"
        judge_body(case, answer, whole[first:last + 1])


def judge_body(case, answer, body):
    assert answer["Content-Length"] == str(len(body)), answer["Content-Length"]
    if case.method != "HEAD":
        assert answer.body == body, f"{answer.body[:60]!r}, not {body[:60]!r}"


def judge_parts(case, whole, answer):
    """The body to the byte: RFC 2046 5.1.1 and RFC 9110 14.6."""
    boundary = BYTERANGES.fullmatch(answer["Content-Type"])
    assert boundary, answer["Content-Type"]
    mark = b"--" + boundary[1].encode()
    assert mark not in whole
    kind = re.match(rb"--\w+\r\nContent-Type: ([\x20-\x7e]+)\r\n", answer.body)
    assert kind and MEDIA_TYPE.fullmatch(kind[1].decode()), answer.body[:200]
    body = b""
    for first, last in case.want["parts"]:
        head = f"\r\nContent-Range: bytes {first}-{last}/{len(whole)}\r\n\r\n".encode()
        body += mark + b"\r\nContent-Type: " + kind[1] + head + whole[first:last + 1] + b"\r\n"
    judge_body(case, answer, body + mark + b"--\r\n")
