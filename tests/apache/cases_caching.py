"""How long an answer may be kept (RFC 9111, RFC 8246), and how uploads are shown (RFC 6266)."""

import re

from cases import (
    DATE, IMMUTABLE, MEDIA, MUST, MUTABLE, NO_STORE, OURS, SHOULD, SUSPECT, SUSPECTS, row,
)
from harness import url_of

# The form of a hash is twelve small hexadecimal digits before the last suffix.
NO_HASH = [
    "a.0123456789a.txt", "a.0123456789abc.txt", "a.gggggggggggg.txt", "report.20231114.txt",
    "0123456789ab.txt", "a-0123456789ab.txt", "no-suffix", "two..dots.txt",
]

FRESH = [
    ("a hashed name", "GET {app}", IMMUTABLE),
    ("its original name", "GET {app_plain}", MUTABLE),
    ("an empty file by its hashed name", "GET {empty}", IMMUTABLE),
    ("an empty file by its original name", "GET {empty_plain}", MUTABLE),
    ("a live file", "GET {live}", MUTABLE),
    ("a hash that the bytes prove", "GET {proven}", IMMUTABLE),
    ("a hash that the bytes prove, without a suffix", "GET {proven_bare}", IMMUTABLE),
    ("a hash that the bytes prove, after other dots", "GET {proven_dotted}", IMMUTABLE),
    ("a hash that the bytes disprove", "GET {wrong}", SUSPECT),
    ("HEAD of a hashed name", "HEAD {app}", IMMUTABLE),
    ("HEAD of a hash that the bytes disprove", "HEAD {wrong}", SUSPECT),
]

# Fields, and the one status that they lead to.
ERRORS = [
    ("404", "GET /static/nothing.css", {}),
    ("404", "HEAD /static/nothing.css", {}),
    ("404", "GET /media/nothing.png", {}),
    ("404", "GET /static/js/app.000000000000.js", {}),
    ("405", "POST {app}", {}),
    ("406", "GET {css}", {"Accept-Encoding": "*;q=0"}),
    ("412", "GET {app}", {"If-Match": '"x"'}),
    ("416", "GET {app}", {"Range": "bytes=100000-"}),
    ("501", "BREW {app}", {}),
]

DIRECTIVES = ["no-cache", "no-store", "max-age=0", "max-stale", "only-if-cached", "min-fresh=9",
              "no-transform", "junk=,,=", ""]

NEVER = {"Age": None, "Expires": None, "Pragma": None, "Warning": None, "Content-Location": None,
         "Content-MD5": None, "Refresh": None}


def freshness():
    for what, request, control in FRESH:
        yield row(f"{what} says {control}", "8246 2", OURS, request, status=200,
                  has={"Cache-Control": control, **NEVER})
    for name in NO_HASH:
        yield row(f"{name} holds no hash and is not suspect", "8246 2", OURS,
                  f"GET {url_of('conf/' + name)}", status=200, file=f"conf/{name}",
                  has={"Cache-Control": MUTABLE})
    for name in SUSPECTS:
        yield row(f"{name} is kept by nobody else: its hash is not that of its bytes", "8246 2",
                  OURS, f"GET {url_of('conf/' + name)}", status=200, file=f"conf/{name}",
                  has={"Cache-Control": SUSPECT})
    for key in ("proven_middle", "proven_long"):
        yield row(f"a hash in the wrong place is never immutable: {key}", "8246 2", OURS,
                  f"GET {{{key}}}", status=200, has={"Cache-Control": re.compile("^max-age=60")})
    yield row("a hash in capitals is never immutable on another's word", "8246 2", OURS,
              "GET /static/conf/a.0123456789AB.txt", status=200, file="conf/a.0123456789AB.txt",
              has={"Cache-Control": re.compile("^max-age=60")})
    for status, request, fields in ERRORS:
        yield row(f"{request[:40]} is {status} and kept by nobody", "9111 5.2.2.5", OURS, request,
                  fields, status=int(status), has={"Cache-Control": NO_STORE, **NEVER})
    for directive in DIRECTIVES:
        yield row(f"a client's Cache-Control {directive!r} changes nothing", "9111 5.2.1", SHOULD,
                  "GET {app}", {"Cache-Control": directive}, status=200,
                  has={"Cache-Control": IMMUTABLE})
    yield row("a client's Pragma changes nothing", "9111 5.4", SHOULD, "GET {app}",
              {"Pragma": "no-cache"}, status=200, has={"Cache-Control": IMMUTABLE})


TYPES = [
    ("{css}", "text/css; charset=utf-8"),
    ("{app}", "text/javascript; charset=utf-8"),
    ("{json}", "application/json"),
    ("{font}", "font/woff2"),
    ("{ten}", "text/plain; charset=utf-8"),
    ("{thousand}", "application/octet-stream"),
    ("/static/conf/no-suffix", "application/octet-stream"),
    ("/static/live/page.html", "text/html; charset=utf-8"),
    ("/static/js/module.mjs", "text/javascript; charset=utf-8"),
    ("/static/img/logo.svg", "image/svg+xml"),
    ("/static/img/dot.png", "image/png"),
    ("/static/app.wasm", "application/wasm"),
]


def described():
    for target, kind in TYPES:
        yield row(f"{target} is {kind}", "9110 8.3", SHOULD, f"HEAD {target}", status=200,
                  unknown=True, has={"Content-Type": kind, "Accept-Ranges": "bytes",
                                     "Last-Modified": DATE})


SANDBOX = re.compile(r"(?=.*default-src 'none')(?=.*\bsandbox\b(?! *allow-(scripts|same)))")
ACTIVE = [name for name in MEDIA if name.lower().endswith(("html", "svg", "xml"))]
OPEN = ["photo.png", "paper.pdf", "film.mp4"]


def disposition(name):
    """What RFC 6266 and RFC 8187 make of a name; a plain form may precede filename*."""
    name = name.rpartition("/")[2]
    if "\udcff" in name:
        return re.compile(r'^attachment; filename="[\x20-\x7e]*"$')  # RFC 8187 knows UTF-8 alone
    if re.search("%[0-9A-F]{2}", name):  # RFC 6266, appendix D: some decode it in a plain form
        return re.compile(
            rf"^attachment; (filename=\"[^%]*\"; )?filename\*=UTF-8''{extended(name)}$")
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    quoted = re.escape(f'attachment; filename="{escaped}"')
    if name.isascii():
        return re.compile(rf"^{quoted}$|^attachment; .*filename\*=UTF-8''{extended(name)}$", re.I)
    return re.compile(
        rf"^attachment; (filename=\"[\x20-\x7e]*\"; )?filename\*=UTF-8''{extended(name)}$", re.I)


def extended(name):
    """attr-char of RFC 8187, everything else percent-encoded; some may be encoded needlessly."""
    safe = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    loose = b"!#$&+-.^_`|~"
    parts = []
    for byte in name.encode():
        if byte in safe:
            parts.append(chr(byte))
        elif byte in loose:
            parts.append(f"(?:{re.escape(chr(byte))}|%{byte:02X})")
        else:
            parts.append(f"%{byte:02X}")
    return "".join(parts)


def uploads():
    for name in ACTIVE:
        target = url_of(name, "/media/")
        has = {"Content-Disposition": disposition(name), "Content-Security-Policy": SANDBOX}
        file = f"media/{name}"
        yield row(f"the upload {name} is an attachment", "6266 4.2", OURS, f"GET {target}",
                  status=200, file=file, has=has)
        yield row(f"HEAD of the upload {name} says so too", "9110 9.3.2", MUST,
                  f"HEAD {target}", status=200, file=file, has=has)
        yield row(f"a part of the upload {name} is an attachment", "9110 15.3.7", OURS,
                  f"GET {target}", {"Range": "bytes=0-1"}, status=206, file=file, part=(0, 1),
                  has=has)
        yield row(f"parts of the upload {name} are an attachment", "9110 15.3.7", OURS,
                  f"GET {target}", {"Range": "bytes=0-1,3-3"}, status=206, file=file,
                  parts=[(0, 1), (3, 3)], has=has)
    for name in OPEN:
        yield row(f"the upload {name} is shown", "6266 4.2", OURS, f"GET /media/{name}",
                  status=200, file=f"media/{name}", has={"Content-Disposition": None})
    for name in MEDIA:
        yield row(f"the upload {name} is never immutable", "8246 2", OURS,
                  f"GET {url_of(name, '/media/')}", status=200, file=f"media/{name}",
                  has={"Cache-Control": re.compile(r"^(?!.*immutable)"),
                       "X-Content-Type-Options": "nosniff", "Content-Encoding": None})
    yield row("a 304 for an active upload keeps its sandbox", "9110 15.4.5", SHOULD,
              "GET /media/page.html", {"If-None-Match": "*"}, status=304,
              has={"Content-Security-Policy": SANDBOX})
    yield row("static files are no attachments", "6266 4.2", OURS, "GET /static/live/page.html",
              status=200, unknown=True, has={"Content-Disposition": None})


ROWS = [*freshness(), *described(), *uploads()]
