#!/usr/bin/env python3
"""Writes the hand-made part of the corpora; what a fuzzer found stands beside it as found-*.

usage: make_corpus.py [DIRECTORY]    (default: the corpus beside this file)
"""
import pathlib
import struct
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus")


def put(parser, inputs, before=b""):
    directory = ROOT / parser
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in inputs.items():
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogateescape")
        (directory / name).write_bytes(before + data)


def number(value):
    """The eight bytes that fuzz_number takes."""
    return struct.pack("<Q", value)


NOW = number(1700000000)
TAG = '"27e20196a850"'
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"

put("path", {
    "plain": "/static/css/base.27e20196a850.css",
    "query": "/a?x=/../b",
    "absolute-form": "http://host:80/static/a.css?b",
    "absolute-without-path": "http://host?q=/static/a",
    "dots": "/a/./b/../c/",
    "climbs": "/a/../../etc/passwd",
    "encoded-climb": "/static/..%2f..%2fetc%2fpasswd",
    "encoded-dots": "/%2e%2E/a",
    "twice-encoded": "/%252e%252e/a",
    "nul": "/a%00b",
    "newline": "/a%0ab",
    "bad-percent": "/a%zz",
    "percent-at-the-end": "/a%",
    "one-digit-at-the-end": "/a%4",
    "slashes": "//a///b//",
    "top": "/",
    "asterisk": "*",
    "authority": "host:80",
    "backslash": "/a\\..\\b",
    "utf-8": "/\u00e9.css",
    "longest": "/" + "a" * 4094,
    "too-long": "/" + "a" * 4095,
    "long-encoded": "/" + "%61" * 4095,
})

put("etag", {
    "ours": TAG,
    "weak": "W/" + TAG,
    "any": "*",
    "list": '"a", ' + TAG + ', W/"b"',
    "comma-inside": '"a,b",' + TAG,
    "empty-elements": ", ," + TAG + " ,",
    "gzip": '"27e20196a850-gzip"',
    "brotli": 'W/"27e20196a850-br"',
    "not-closed": '"27e20196a850',
    "not-quoted": "27e20196a850",
    "lower-w": "w/" + TAG,
    "any-in-list": "*, " + TAG,
    "no-comma": TAG + " " + TAG,
    "empty-tag": '""',
    "many": '"a",' * 100 + TAG,
})

OFFER = bytes([10, 20, 30, 100, 0, 0, 0, 0])
put("coding", {
    "browser": "gzip, deflate, br, zstd",
    "weights": "br;q=0.5, gzip;q=0.25, zstd;q=0.125",
    "any": "*",
    "any-excluded": "*;q=0",
    "identity-excluded": "gzip, identity;q=0",
    "identity-listed": "identity;q=0.5, gzip;q=0.1",
    "x-gzip": "x-gzip",
    "spaces": "br\t;\tq=0.5\t,\tgzip",
    "over-one": "br;q=1.001, gzip",
    "four-digits": "br;q=0.1234",
    "bad-weight": "br;q=abc, gzip",
    "no-weight": "br;q=, gzip",
    "parameter": "gzip;level=1",
    "unknown": "deflate, compress, sdch",
    "empty-elements": ",, gzip,,",
    "twice": "gzip;q=0, gzip;q=1",
}, OFFER)
put("coding", {"empty": OFFER, "nothing-on-offer": b"\xff" * 8 + b"gzip, br",
               "only-brotli": b"\x0a\xff\xff\xff\0\0\0\0br, *;q=0"})

put("range", {
    "closed": "bytes=0-499",
    "open": "bytes=500-",
    "suffix": "bytes=-500",
    "nothing": "bytes=-0",
    "beyond": "bytes=10000-",
    "several": "bytes=0-0,-1",
    "many": "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 200, 2)),
    "spaces": "bytes= 0-1 , 3-4",
    "empty-elements": "bytes=,0-1,,",
    "last-before-first": "bytes=5-4",
    "digits-20": "bytes=99999999999999999999-99999999999999999999",
    "wraps": "bytes=18446744073709551616-18446744073709551617",
    "largest": "bytes=0-18446744073709551615",
    "other-unit": "items=0-1",
    "no-unit": "0-1",
    "no-numbers": "bytes=-",
    "two-dashes": "bytes=1-2-3",
    "upper-case": "BYTES=1-2",
    "overlapping": "bytes=500-700,601-999",
    "adjacent": "bytes=500-600,601-999",
    "joined-later": "bytes=0-2,90-99,4-6,2-4",
    "16-parts": "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 32, 2)),
    "64-parts-joined": "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 128, 2)) + ",0-",
    "65-parts": "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 130, 2)),
}, number(10000))
put("range", {"empty-file": number(0) + b"bytes=0-", "huge-file": number(2**64 - 1) + b"bytes=5-"})

put("multipart", {
    "two": "text/plain; charset=utf-8\nbytes=0-0,-1",
    "order": "a/b\nbytes=9000-,500-600,0-99",
    "one": "a/b\nbytes=5-",
    "merged": "a/b\nbytes=0-5,3-9",
    "16-parts": "a/b\nbytes=" + ",".join(f"{i}-{i}" for i in range(0, 32, 2)),
    "digits": "a/b\nbytes=0-9,10-99,100-999,1000-9999",
    "type-of-255": "t" * 255 + "\nbytes=0-0,2-2",
    "type-of-256": "t" * 256 + "\nbytes=0-0,2-2",
    "type-with-return": "a/b\r\nbytes=0-0,2-2",
    "type-with-nul": "a\0b\nbytes=0-0,2-2",
    "type-empty": "\nbytes=0-0,2-2",
    "type-like-a-range": "Content-Range: bytes 1-2/3\nbytes=0-0,2-2",
    "whole": "a/b\nbytes=x",
}, number(10000) + number(0x0123456789abcdef))
put("multipart", {"largest": number(2**63 - 1) + number(2**64 - 1)
                  + b"a/b\nbytes=0-0,9223372036854775806-",
                  "empty-file": number(0) + number(0) + b"a/b\nbytes=0-0,2-2"})

put("disposition", {
    "plain": "plain.html",
    "quotes": 'a"b\\c"',
    "utf-8": "caf\u00e9 \u20ac \U0001f600.html",
    "percent": "100% a%41 %%41 %4",
    "latin-1": b"caf\xe9.html",
    "cut": b"a\xe2\x82",
    "cut-by-a-character": b"\xe2\x82\xc3\xa9",
    "no-first-byte": b"\xf5\x80\x80\x80",
    "ends-of-two": b"\xc2\x80\xdf\xbf",
    "ends-of-three": b"\xe0\xa0\x80\xef\xbf\xbf",
    "ends-of-four": b"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
    "one-good-one-bad": b"\xc3\xa9\xe9",
    "hexadecimal-letters": "%fA%Af%aZ%Za",
    "overlong": b"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf",
    "surrogate": b"\xed\xa0\x80\xed\x9f\xbf",
    "beyond": b"\xf4\x8f\xbf\xbf\xf4\x90\x80\x80",
    "attr-chars": "\u00e9!#$&+-.^_`|~*'%()<>@,;:\\\"/[]?={}",
    "line-break": "a\r\nX: y",
    "tab": "a\tb",
    "nul": "a\0b",
    "255-quotes": '"' * 255,
    "255-bytes": "\u20ac" * 85,
    "too-long": "\u00e9" * 600,
    "longest-plain": "a" * 2026,
    "longer-plain": "a" * 2027,
    "empty": "",
})

put("uri", {
    "plain": "static/css/base.27e20196a850.css",
    "colon": "a:b/c",
    "reserved": ":/?#[]@!$&'()*+,;=",
    "percent": "a%41%zz%",
    "utf-8": "caf\u00e9",
    "all-bytes": bytes(range(256)),
    "unreserved": "AZaz09-._~/",
    "line-break": "a=b\r\nX: y",
    "query": "a=b&c=%20d?e/f",
    "dots": "a/../../b",
    "longest": b"\xff" * 5461,
    "longer": b"\xff" * 5462,
    "empty": "",
})


def field(what, name, value="", times=1):
    """A step of fuzz_head.c: 0 removes, 1 sets, 2 adds."""
    name, value = name.encode(), value.encode()
    return bytes([what, times, len(name)]) + name + bytes([len(value)]) + value


VARY = (field(2, "Vary", "a") + field(2, "X", "b: c") + field(2, "vary")
        + field(2, "Vary2", "Vary: d"))
put("head", {
    "remove": VARY + field(0, "VARY"),
    "remove-all": VARY + field(0, "Vary") + field(0, "x") + field(0, "Vary2") + field(0, "Vary"),
    "remove-absent": VARY + field(0, "Var") + field(0, "Vary22") + field(0, "b"),
    "set": VARY + field(1, "X", "y") + field(1, "New", "z") + field(1, "vary", "z"),
    "full": field(2, "A", "v" * 255, 60) + field(2, "B", "v" * 100, 10) + field(0, "A")
    + field(2, "B", "v" * 100, 10),
    "just-full": field(2, "A", "v" * 255, 63) + field(2, "B", "v" * 255) + field(2, "C", "v" * 49)
    + field(2, "D", ""),
    "set-when-full": field(1, "A", "v" * 255, 63) + field(1, "a", "w" * 255, 63),
    "bits": field(2, "A^", "1") + field(0, "A~") + field(2, "-", "1") + field(0, "\r"),
    "line-break": field(2, "A", "b\r\nX: y") + field(1, "A", "b\n") + field(2, "B", "\0"),
    "names-that-are-none": VARY + field(0, "") + field(2, "a b", "c") + field(1, "X:", "c"),
    "control-bytes": field(2, "A", "a\tb c") + field(2, "B", "\x7f") + field(2, "C", "\x1f"),
    "alphabet": field(2, "AZ", "1") + field(2, "az", "2") + field(0, "aZ"),
    "long-name": field(2, "ABCDEFG", "h") + field(0, "ABCDEF") + field(0, "abcdefg"),
    "cut": VARY[:-3],
    "empty": "",
})

put("method", {name: name for name in (
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "CONNECT", "TRACE", "PATCH", "PROPFIND",
    "get", "Get", "GE", "GETX", "GET ")})
put("method", {"nul": "GET\0", "empty": "", "allowed": "GET, HEAD, OPTIONS", "long": "A" * 300})

put("media", {
    "css": "\na/b.css",
    "upper-case": "\nA.HTML",
    "whole-name": "\nx/apple-app-site-association",
    "whole-name-upper-case": "\nCROSSDOMAIN.XML",
    "two-dots": ".tar.gz\nb.tar.gz",
    "key-name": "media\na/media",
    "key-longer": "xmedia\nmedia",
    "key-directory": ".foo\na.foo/b",
    "key-with-slash": ".a/b\nx.a/b",
    "no-key": "\na",
    "dot-at-the-end": "\na.",
    "dotfile": "\n.css",
    "nul": "\na.css\0",
    "nul-inside": "\na.c\0ss",
    "longest-extension": "\na." + "x" * 15,
    "longer-extension": "\na." + "x" * 16,
    "active": "image/svg+xml\na.svg",
    "active-html": "text/html\na.html",
    "letters-around": "\na.@[`{",
    "high": b"\n\xe9.\xc3\xa9",
    "empty": "",
})

put("date", {
    "fixdate": DATE,
    "rfc850": "Sunday, 06-Nov-94 08:49:37 GMT",
    "asctime": "Sun Nov  6 08:49:37 1994",
    "asctime-two-digits": "Wed Nov 16 08:49:37 1994",
    "leap-day": "Thu, 29 Feb 2024 00:00:00 GMT",
    "no-leap-day": "Mon, 29 Feb 2100 00:00:00 GMT",
    "leap-second": "Sat, 31 Dec 2016 23:59:60 GMT",
    "last-day": "Fri, 31 Dec 9999 23:59:59 GMT",
    "first-year": "Sat, 01 Jan 0000 00:00:00 GMT",
    "before-1970": "Wed, 31 Dec 1969 23:59:59 GMT",
    "two-digit-future": "Friday, 31-Dec-76 23:59:59 GMT",
    "junk": DATE + "; length=5",
    "cut": DATE[:-1],
    "lower-case": DATE.lower(),
    "iso": "1994-11-06T08:49:37Z",
}, NOW)
put("date", {"clock-at-0": number(0) + b"Sunday, 06-Nov-94 08:49:37 GMT",
             "clock-at-9999": number(253402300799) + b"Sunday, 06-Nov-94 08:49:37 GMT"})

put("condition", {
    "none": "",
    "if-match": TAG + "\n\n\n\n",
    "if-match-fails": '"x"\n\n\n\n',
    "if-unmodified-since": "\n" + DATE + "\n\n\n",
    "if-none-match": "\n\n" + TAG + "\n\n",
    "if-none-match-any": "\n\n*\n\n",
    "if-modified-since": "\n\n\n" + DATE + "\n",
    "if-range-tag": "\n\n\n\n" + TAG,
    "if-range-date": "\n\n\n\n" + DATE,
    "if-range-weak": "\n\n\n\nW/" + TAG,
    "all": "\n".join([TAG, DATE, TAG, DATE, TAG]),
    "all-malformed": "\n".join(["x", "x", "x", "x", "x"]),
    "tag-differs-date-equal": '\n\n"x"\n' + DATE + "\n",
}, NOW)


def record(kind, request_id, content=b"", padding=0):
    return struct.pack(">BBHHBx", 1, kind, request_id, len(content), padding) + content + bytes(padding)


def pair(name, value):
    def length(text):
        return bytes([len(text)]) if len(text) < 128 else struct.pack(">I", len(text) | 1 << 31)
    return length(name) + length(value) + name + value


BEGIN = record(1, 1, struct.pack(">HB5x", 1, 1))
END, STDIN = record(4, 1), record(5, 1)
PARAMS = (pair(b"REQUEST_METHOD", b"GET") + pair(b"REQUEST_URI", b"/static/a.css")
          + pair(b"CONTENT_LENGTH", b"0") + pair(b"HTTP_USER_AGENT", b"v" * 200))
put("peek", {
    "request": BEGIN + record(4, 1, PARAMS) + END + STDIN,
    "padded": BEGIN + record(4, 1, PARAMS, 5) + record(4, 1, b"", 8) + record(5, 1, b"", 8),
    "split": BEGIN + record(4, 1, PARAMS[:20]) + record(4, 1, PARAMS[20:]) + END + STDIN,
    "bytewise": BEGIN + b"".join(record(4, 1, PARAMS[i:i + 1]) for i in range(60)),
    "body": BEGIN + record(4, 1, pair(b"CONTENT_LENGTH", b"12")) + END,
    "body-not-announced": BEGIN + END + record(5, 1, b"body"),
    "pipelined": (BEGIN + END + STDIN) * 2,
    "no-params": BEGIN + END + STDIN,
    "cut": BEGIN + record(4, 1, PARAMS)[:50],
    "management": record(9, 0, pair(b"FCGI_MAX_CONNS", b"")),
    "authorizer": record(1, 1, struct.pack(">HB5x", 2, 0)) + END + STDIN,
    "abort": BEGIN + record(2, 1),
    "id-0": record(1, 0, struct.pack(">HB5x", 1, 1)),
    "another-id": BEGIN + record(4, 2, PARAMS),
    "length-lies": BEGIN + record(4, 1, b"\x05\x00abcd") + END,
    "length-huge": BEGIN + record(4, 1, b"\xff\xff\xff\xff\xff\xff\xff\xffab") + END,
    "length-cut": BEGIN + record(4, 1, b"\x80\x00") + END,
    "too-large": BEGIN + record(4, 1, bytes(60000)) * 3 + END,
    "http": b"GET /static/a.css HTTP/1.1\r\nHost: a\r\n\r\n",
    "data": BEGIN + END + record(8, 1),
    "version-2": BEGIN + b"\2" + record(4, 1, PARAMS)[1:] + END,
    "begin-of-7-bytes": record(1, 1, bytes(7)),
    "begin-padded": BEGIN[:6] + b"\x09" + BEGIN[7:] + bytes(9) + record(4, 1, PARAMS) + END + STDIN,
    "begin-padded-with-params": BEGIN[:6] + b"\x10" + BEGIN[7:] + record(4, 1, b"\xff" * 8)
    + record(4, 1, PARAMS) + END + STDIN,
    "begin-twice": BEGIN + BEGIN,
    "role-0": record(1, 1, struct.pack(">HB5x", 0, 1)),
    "role-65535": record(1, 65535, struct.pack(">HB5x", 65535, 255)),
    "abort-first": record(2, 1) + BEGIN + END + STDIN,
    "abort-with-content": record(2, 7, b"why", 9),
    "abort-behind-a-head": BEGIN + END + record(2, 1),
    "stdin-first": BEGIN + STDIN,
    "stdin-of-another": BEGIN + record(4, 1, PARAMS) + END + record(5, 2),
    "stdin-padded": BEGIN + END + record(5, 1, b"", 255),
    "length-of-both-2-31": BEGIN + record(4, 1, b"\xff" * 8) + END,
    "length-sums-to-2-32": BEGIN + record(4, 1, b"\x80\0\0\0\xff\xff\xff\xff") + END,
    "length-without-value": BEGIN + record(4, 1, b"\x01") + END,
    "length-in-four-bytes": BEGIN + record(4, 1, b"\x80\0\0\1\x80\0\0\0A") + END + STDIN,
    "nul-in-name": BEGIN + record(4, 1, pair(b"A\0B", b"")) + END + STDIN,
    "nul-in-value": BEGIN + record(4, 1, pair(b"A", b"b\0")) + END + STDIN,
    "empty-pairs": BEGIN + record(4, 1, bytes(400)) + END + STDIN,
    "many-pairs": BEGIN + record(4, 1, b"\1\1ab" * 2000) + END + STDIN,
    "largest": BEGIN + record(4, 1, bytes(65528)) + record(4, 1, bytes(65504)) + END,
    "larger": BEGIN + record(4, 1, bytes(65528)) + record(4, 1, bytes(65506)) + END,
    "values": record(9, 0, pair(b"FCGI_MAX_CONNS", b"") + pair(b"FCGI_MAX_REQS", b"")
                     + pair(b"FCGI_MPXS_CONNS", b"") + pair(b"HANDBACK_STATUS", b"")),
    "values-none": record(9, 0),
    "values-unknown": record(9, 0, pair(b"fcgi_max_conns", b"") + pair(b"X" * 200, b"")),
    "values-given": record(9, 0, pair(b"FCGI_MPXS_CONNS", b"1")),
    "values-padded": record(9, 0, pair(b"FCGI_MPXS_CONNS", b""), 255),
    "values-300": record(9, 0, pair(b"FCGI_MAX_CONNS", b"") * 300),
    "values-nul": record(9, 0, pair(b"FCGI_MPXS_CONNS\0", b"")),
    "values-length-lies": record(9, 0, b"\x7f\0FCGI_MPXS_CONNS"),
    "values-length-cut": record(9, 0, b"\x0f\0FCGI_MPXS_CONNS\x80"),
    "values-of-a-request": record(9, 1, pair(b"FCGI_MPXS_CONNS", b"")),
    "values-before-a-request": record(9, 0) + BEGIN + END + STDIN,
    "values-in-a-head": BEGIN + record(9, 0) + END,
    "values-cut": record(9, 0, pair(b"FCGI_MPXS_CONNS", b""))[:12],
    "management-answers": record(10, 0) + record(11, 0, bytes(8)),
    "management-unknown": record(99, 0, b"abc", 5),
    "management-type-0": record(0, 0),
    "management-largest": record(255, 0, bytes(65535), 255),
    "application-of-id-0": record(4, 0, PARAMS),
    "tls": b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(range(200)),
    "zeros": bytes(64),
    "empty": b"",
})

RELEASE = ('{"url": "/static/", "id": "v1", "manifest": "staticfiles.json",'
           ' "md5": "0123456789abcdef0123456789abcdef", "published": 1, "roots": ["../r", "/s"]}')

put("kept", {
    "none": '{"version": 1, "releases": []}',
    "one": '{"version": 1, "releases": [%s]}' % RELEASE,
    "two": '{"version": 1, "releases": [%s, %s]}' % (RELEASE, RELEASE.replace("v1", "v2")),
    "twice": '{"version": 1, "releases": [%s, %s]}' % (RELEASE, RELEASE),
    "version-2": '{"version": 2, "releases": []}',
    "climbs": '{"version": 1, "releases": [%s]}' % RELEASE.replace("../r", "../" * 40),
    "manifest-outside": '{"version": 1, "releases": [%s]}' % RELEASE.replace("static", "../s"),
    "md5-is-a-path": '{"version": 1, "releases": [%s]}' % RELEASE.replace("0123456", "../../x"),
    "never-published": '{"version": 1, "releases": [%s]}' % RELEASE.replace(": 1,", ": 0,"),
    "largest": '{"version": 1, "releases": [%s]}' % RELEASE.replace(": 1,", ": %d," % (2**63 - 1)),
    "nul": '{"version": 1, "releases": [%s]}' % RELEASE.replace("v1", "\\u0000"),
    "utf-8": '{"version": 1, "releases": [%s]}' % RELEASE.replace("v1", "\u00e9"),
    "cut": '{"version": 1, "releases": [{"url": "/sta',
    "empty": "",
})

put("manifest", {
    "1.0": '{"paths": {"css/a.css": "css/a.27e20196a850.css"}, "version": "1.0"}',
    "1.1": '{"paths": {"a": "b"}, "version": "1.1", "hash": "0123456789ab"}',
    "unknown-keys": '{"x": [1, {}], "paths": {}, "version": "1.0"}',
    "version-2": '{"paths": {}, "version": "2.0"}',
    "version-number": '{"paths": {}, "version": 1.0}',
    "climbs": '{"paths": {"../a": "b", "c": "d/../../e"}, "version": "1.0"}',
    "absolute": '{"paths": {"a": "/etc/passwd"}, "version": "1.0"}',
    "nul": '{"paths": {"a": "b\\u0000c"}, "version": "1.0"}',
    "nul-in-key": '{"paths": {"a\\u0000": "b"}, "version": "1.0"}',
    "newline": '{"paths": {"a\\nb": "c"}, "version": "1.0"}',
    "not-utf-8": b'{"paths": {"a\xff": "b"}, "version": "1.0"}',
    "escaped": '{"paths": {"\\u00e9": "a\\/b"}, "version": "1.0"}',
    "surrogate": '{"paths": {"a": "\\ud800"}, "version": "1.0"}',
    "no-strings": '{"paths": {"a": 1, "b": null, "c": []}, "version": "1.0"}',
    "list": "[]",
    "empty": "",
    "cut": '{"paths": {"a": "b',
    "deep": '{"paths": ' + "[" * 3000,
    "twice": '{"paths": {"a": "b", "a": "c"}, "version": "1.0"}',
})

put("settings_file", {
    "one-mount": '{"root": "static", "url": "/s/", "max_age": 5, "allow_all_origins": false}',
    "site": '{"delivery": "x-sendfile", "coding_header": "X-Enc", "mounts": [{"root": "/r"}]}',
    "mounts": '{"mounts": [{"kind": "static", "root": "a", "url": "/a/"},'
              ' {"kind": "media", "root": "b", "url": "/b/"}, {"kind": "root", "root": "c"}]}',
    "many-mounts": '{"mounts": [' + ",".join(['{"root": "/r"}'] * 20) + "]}",
    "mimetypes": '{"mimetypes": {".foo": "a/b", "name": "text/x"}}',
    "mimetypes-newline": '{"mimetypes": {".foo": "a/b\\r\\nX: y"}}',
    "lists": '{"manifests": ["a.json", "*/b.json"]}',
    "list-with-colon": '{"manifests": ["a:b"]}',
    "unknown": '{"rot": "/a"}',
    "object-for-text": '{"root": {}, "url": {}}',
    "null": '{"url": null}',
    "url-climbs": '{"url": "/../a/"}',
    "url-with-host": '{"url": "https://cdn.example/s/"}',
    "header-injection": '{"coding_header": "X\\r\\nY"}',
    "charset-injection": '{"charset": "a\\nb"}',
    "max-age-huge": '{"max_age": 99999999999999999999}',
    "max-age-negative": '{"max_age": -1}',
    "fraction": '{"max_age": 1.5}',
    "twice": '{"url": "/a/", "url": "/b/"}',
    "list": "[]",
    "empty": "",
    "cut": '{"url": "/',
    "deep": "[" * 3000,
    "later-version": '{"pool": "link", "headers": {"*": {"X": "y"}}, "state": "s"}',
})
