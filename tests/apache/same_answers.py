"""Requests whose answers may not depend on who sends the bytes: the program or a web server."""

import re

import fastcgi
from client import Answer
from django_site import write
from harness import url_of
from test_answers import DATE, EARLIER, LATER

# Uploads, some of which a browser would run.
UPLOADS = {
    "note.txt": b"an upload\n" * 50,
    "page.html": b"<script>1</script>\n",
    "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    "\u00fcber uns.html": b"<p>us</p>\n",
    "film.mp4": bytes(range(256)) * 2000,
}
BR = {"Accept-Encoding": "br"}
TAG = "{tag}"  # stands for the ETag that a plain request has

# What is asked of a file, and whether its bytes may come from the web server then.
OF_A_FILE = {
    "nothing more": ({}, True),
    "br": (BR, True),
    "gzip": ({"Accept-Encoding": "gzip"}, True),
    "zstd": ({"Accept-Encoding": "zstd"}, True),
    "nothing acceptable": ({"Accept-Encoding": "*;q=0"}, False),
    "its tag": ({"If-None-Match": TAG}, False),
    "its tag made weak": ({"If-None-Match": "W/" + TAG}, False),
    "another tag": ({"If-None-Match": '"x"'}, True),
    "another tag and its date": ({"If-None-Match": '"x"', "If-Modified-Since": DATE}, True),
    "a tag that is none": ({"If-None-Match": "x"}, None),
    "any tag": ({"If-None-Match": "*"}, False),
    "its date": ({"If-Modified-Since": DATE}, False),
    "a later date": ({"If-Modified-Since": LATER}, False),
    "an earlier date": ({"If-Modified-Since": EARLIER}, True),
    "its date with junk": ({"If-Modified-Since": DATE + " junk"}, False),
    "If-Match with its tag": ({"If-Match": TAG}, None),
    "If-Match with its tag behind a weak one": ({"If-Match": 'W/"b", ' + TAG}, False),
    "If-Match with any tag": ({"If-Match": "*"}, None),
    "If-Match and gzip": ({"If-Match": "*", "Accept-Encoding": "gzip"}, None),
    "If-Match with another tag": ({"If-Match": '"x"'}, False),
    "If-Unmodified-Since later": ({"If-Unmodified-Since": LATER}, False),
    "If-Unmodified-Since earlier": ({"If-Unmodified-Since": EARLIER}, False),
    "If-Unmodified-Since no date": ({"If-Unmodified-Since": "yesterday"}, False),
    "the first bytes": ({"Range": "bytes=0-9"}, True),
    "the last bytes": ({"Range": "bytes=-9"}, True),
    "the rest": ({"Range": "bytes=5-"}, True),
    "more than there is": ({"Range": "bytes=5-99999999"}, True),
    "beyond the end": ({"Range": "bytes=99999999-"}, False),
    "the last nothing": ({"Range": "bytes=-0"}, False),
    "a number of 20 digits": ({"Range": "bytes=0-99999999999999999999"}, False),
    "several ranges": ({"Range": "bytes=0-9,20-29"}, False),
    "several ranges, one beyond": ({"Range": "bytes=0-9,99999999-"}, False),
    "overlapping ranges": ({"Range": "bytes=0-9,5-19"}, False),
    "another unit": ({"Range": "lines=0-9"}, None),
    "a range of br": ({"Range": "bytes=10-19", **BR}, False),
    "several ranges of br": ({"Range": "bytes=0-9,20-29", **BR}, False),
    "a range of br beyond": ({"Range": "bytes=99999999-", **BR}, False),
    "a range if its tag": ({"Range": "bytes=0-9", "If-Range": TAG}, True),
    "a range if another tag": ({"Range": "bytes=0-9", "If-Range": '"x"'}, True),
    "a range if its tag made weak": ({"Range": "bytes=0-9", "If-Range": "W/" + TAG}, True),
    "a range if its date": ({"Range": "bytes=0-9", "If-Range": DATE}, True),
    "a range if another date": ({"Range": "bytes=0-9", "If-Range": EARLIER}, True),
    "a range if its date with junk": ({"Range": "bytes=0-9", "If-Range": DATE + " x"}, False),
    "several ranges if another tag": ({"Range": "bytes=0-1,3-4", "If-Range": '"x"'}, False),
}

# A range that is none may be ignored, or refused as some servers do (RFC 9110 14.2).
MALFORMED = ["bytes=9-0", "bytes=a-b", "bytes=0-9x", "bytes=--1"]

# Files of every kind, each asked for as a browser asks first.
FILES = ["css/site.css", "data.json", "LICENSE", "empty.txt", "big.bin", "notes/read me.txt",
         "img/\u00e9t\u00e9.txt", "notes/100%25.txt", "live/page.html", "live/plain.txt",
         "live/wrong.0123456789ab.css", "app.wasm", "img/logo.svg"]
MISSING = ["nothing.css", "css/site.000000000000.css", "css", "css/", "staticfiles.json",
           "css/site.css/more"]
METHODS = ["HEAD", "OPTIONS", "POST", "DELETE"]


def add_uploads(folder):
    for name, data in UPLOADS.items():
        write(folder / name, data)
    return folder


class Directly:
    """The program itself, asked over FastCGI: it sends every body."""

    def __init__(self, serve):
        self.serve = serve

    def ask(self, target, method="GET", headers=(), body=None, **more):
        params = parameters(target, method, headers, body) | more
        reply = fastcgi.ask(self.serve.address, params, body or b"")
        status, _, reason = reply.status.partition(" ")
        head = reply.raw.partition(b"\r\n\r\n")[0]
        return Answer(int(status), reason, list(reply.headers.items()), reply.body, head)


def parameters(target, method="GET", headers=(), body=None):
    """What a web server makes of a request."""
    sent = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in dict(headers).items()}
    length = {} if body is None else {"CONTENT_LENGTH": str(len(body))}
    return fastcgi.usual(target, REQUEST_METHOD=method) | sent | length


def with_tag(headers, way, target):
    """The headers with the tag in them that `way` gives this file."""
    accepted = {k: v for k, v in headers.items() if k == "Accept-Encoding"}
    tag = way.ask(target, headers=accepted)["ETag"] or ""
    return {name: value.replace(TAG, tag) for name, value in headers.items()}


# What belongs to the connection and not to the answer.
OTHERS = {"date", "server", "connection", "keep-alive", "status"}


def comparable(answer):
    """Status, fields and bytes; the boundary of several parts is each answer's own."""
    fields, body = sorted((k.lower(), v) for k, v in answer.headers), answer.body
    parts = re.search("boundary=(.*)", answer["Content-Type"] or "")
    if parts:
        body = body.replace(parts[1].encode(), b"BOUNDARY")
    fields = [(k, v.replace(parts[1], "BOUNDARY") if parts else v) for k, v in fields]
    return answer.status, [pair for pair in fields if pair[0] not in OTHERS], body


def assert_same(found, wanted):
    """Fields first: they are what a person can read."""
    assert comparable(found)[:2] == comparable(wanted)[:2]
    assert comparable(found)[2] == comparable(wanted)[2]


def hashed_url(project, name="css/site.css"):
    return url_of(project.manifest()[name])
