"""Methods and bodies: RFC 9110 9, and the Fetch standard for other origins."""

import re

from cases import DATE, IMMUTABLE, MAY, MUST, OURS, SHOULD, row

ALLOW = re.compile(r"^(?=.*\bGET\b)(?=.*\bHEAD\b)(?=.*\bOPTIONS\b)[A-Z]+(, [A-Z]+)*$")
WITH_GET = re.compile(r"(?:^|, ?)(?:GET|\*)(?:,|$)")

KNOWN = ["POST", "PUT", "DELETE", "PATCH"]
UNKNOWN = [
    "BREW", "get", "Get", "gET", "head", "options", "GETS", "GE", "XGET", "GET-", "G3T", "A",
    "M-SEARCH", "QUERY", "VERSION-CONTROL", "x" * 64, "!#$%&'*+-.^_`|~",
]
DAV = ["PROPFIND", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "LINK", "PURGE"]


def by_method():
    for method in KNOWN:
        yield row(f"{method} on a file is 405 with Allow", "9110 15.5.6", MUST,
                  f"{method} {{app}}", status=405, body=b"a=b", has={"Allow": ALLOW})
        yield row(f"{method} without a body is 405 too", "9110 15.5.6", MUST,
                  f"{method} {{app}}", status=405, has={"Allow": ALLOW})
        yield row(f"{method} on a missing name is 404", "9110 15.5.5", OURS,
                  f"{method} /static/nothing.css", status=404, body=b"a=b")
        yield row(f"{method} on a directory is 404", "9110 15.5.5", OURS,
                  f"{method} /static/conf/", status=404, body=b"a=b")
        yield row(f"{method} on an upload is 405", "9110 15.5.6", MUST,
                  f"{method} /media/photo.png", status=405, body=b"a=b", has={"Allow": ALLOW})
    for method in UNKNOWN:
        yield row(f"the method {method:.20} is 501", "9110 15.6.2", SHOULD, f"{method} {{app}}",
                  status=501)
    for method in DAV:
        yield row(f"{method}, which RFC 9110 does not know, is 501", "9110 15.6.2", SHOULD,
                  f"{method} {{app}}", status=501)
    for method in ("OPTIONS", "HEAD", "BREW", "PROPFIND", "get"):
        yield row(f"{method} on a missing name is 404", "9110 15.5.5", OURS,
                  f"{method} /static/nothing.css", status=404)


def preflight(asked_method, asked_fields=None):
    fields = {"Origin": "https://example.org", "Access-Control-Request-Method": asked_method}
    if asked_fields:
        fields["Access-Control-Request-Headers"] = asked_fields
    return fields


CORS = [
    row("a preflight for GET is allowed", "Fetch 4.8", MUST, "OPTIONS {app}", preflight("GET"),
        status=204, has={"Access-Control-Allow-Origin": "*",
                         "Access-Control-Allow-Methods": WITH_GET}),
    row("a preflight for HEAD is allowed", "Fetch 4.8", MUST, "OPTIONS {app}", preflight("HEAD"),
        status=204, has={"Access-Control-Allow-Methods": re.compile(r"HEAD|\*")}),
    row("a preflight that names fields is allowed them", "Fetch 4.8", MUST, "OPTIONS {app}",
        preflight("GET", "range, x-requested-with"), status=204,
        has={"Access-Control-Allow-Headers": re.compile(r"\*|range.*x-requested-with", re.I)}),
    row("a preflight for PUT is not told that PUT is allowed", "Fetch 4.8", MUST,
        "OPTIONS {app}", preflight("PUT"), status={204, 405},
        has={"Access-Control-Allow-Methods": re.compile(r"^(?!.*(PUT|\*))")}),
    row("a preflight says how long it holds", "Fetch 3.3.5", SHOULD, "OPTIONS {app}",
        preflight("GET"), status=204, has={"Access-Control-Max-Age": re.compile(r"^\d+$")}),
    row("a preflight from the origin null is allowed", "Fetch 3.2", MUST, "OPTIONS {app}",
        {"Origin": "null", "Access-Control-Request-Method": "GET"}, status=204,
        has={"Access-Control-Allow-Origin": "*"}),
    row("a preflight on a missing name is 404", "9110 15.5.5", OURS,
        "OPTIONS /static/nothing.css", preflight("GET"), status=404),
    row("another origin may read a file", "Fetch 3.2", MUST, "GET {font}",
        {"Origin": "https://example.org"}, status=200, has={"Access-Control-Allow-Origin": "*"}),
    row("the origin null may read a file", "Fetch 3.2", MUST, "GET {font}", {"Origin": "null"},
        status=200, has={"Access-Control-Allow-Origin": "*"}),
    row("the answer without Origin is the same, so that caches may share it", "Fetch 3.2", MUST,
        "GET {font}", status=200, has={"Access-Control-Allow-Origin": "*"}),
    row("another origin may read a part", "Fetch 3.2", MUST, "GET {font}",
        {"Origin": "https://example.org", "Range": "bytes=0-1"}, status=206, part=(0, 1),
        has={"Access-Control-Allow-Origin": "*"}),
    row("another origin may read that a range was beyond", "Fetch 3.2", MUST, "GET {font}",
        {"Origin": "https://example.org", "Range": "bytes=3000-"}, status=416,
        has={"Access-Control-Allow-Origin": "*"}),
    row("HEAD from another origin is allowed", "Fetch 3.2", MUST, "HEAD {font}",
        {"Origin": "https://example.org"}, status=200, has={"Access-Control-Allow-Origin": "*"}),
    row("Origin does not enter Vary", "Fetch 3.2", SHOULD, "GET {app}",
        {"Origin": "https://example.org"}, status=200, has={"Vary": "Accept-Encoding"}),
    row("another origin may not send credentials for uploads", "Fetch 3.2", OURS,
        "GET /media/photo.png", {"Origin": "https://example.org"}, status=200,
        file="media/photo.png", has={"Access-Control-Allow-Credentials": None}),
]

CHUNKED = [("Transfer-Encoding", "chunked")]
BODIES = [
    row("a POST of 100 KB is answered and its body gone", "9112 6.3", MUST, "POST {app}",
        status=405, body=b"x" * 100_000),
    row("a chunked POST is answered and its body gone", "9112 7.1", MUST, "POST {app}", CHUNKED,
        status=405, body=b"5\r\nhello\r\n0\r\n\r\n"),
    row("a chunked POST with extensions and trailers is answered", "9112 7.1.1", MUST,
        "POST {app}", CHUNKED, status=405, body=b"5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"),
    row("a chunked PUT of 60 KB is answered", "9112 7.1", MUST, "PUT {app}", CHUNKED,
        status=405, body=b"ea60\r\n" + b"y" * 60_000 + b"\r\n0\r\n\r\n"),
    row("a POST of no bytes is answered", "9112 6.3", MUST, "POST {app}", status=405, body=b""),
    row("a body that looks like a request is not one", "9112 11.2", MUST, "POST {app}",
        status=405, body=b"GET /static/nothing.css HTTP/1.1\r\nHost: x\r\n\r\n"),
    row("GET with a body is a GET", "9110 9.3.1", MUST, "GET {app}", status=200, body=b"a=b"),
    row("GET with a chunked body is a GET", "9110 9.3.1", MUST, "GET {app}", CHUNKED,
        status=200, body=b"3\r\na=b\r\n0\r\n\r\n"),
    row("GET with a body that looks like a request is a GET", "9112 11.2", MUST, "GET {app}",
        status=200, body=b"GET /static/nothing.css HTTP/1.1\r\nHost: x\r\n\r\n"),
    row("HEAD with a body is a HEAD", "9110 9.3.2", MUST, "HEAD {app}", status=200, body=b"a=b"),
    row("OPTIONS with a body is an OPTIONS", "9110 9.3.7", MUST, "OPTIONS {app}", status=204,
        body=b"a=b"),
    row("a body on a missing name is 404 and gone", "9112 6.3", MUST,
        "POST /static/nothing.css", status=404, body=b"x" * 5000),
    row("a body of an unknown method is gone", "9112 6.3", MUST, "BREW {app}", status=501,
        body=b"x" * 5000),
    row("a 304 to a GET with a body leaves the connection whole", "9112 6.3", MUST, "GET {app}",
        {"If-None-Match": "*"}, status=304, body=b"x" * 5000),
    row("a POST that expects 100 is answered", "9110 10.1.1", MUST, "POST {app}",
        {"Expect": "100-continue"}, status=405, body=b"a=b"),
    row("a GET of an empty file with a body leaves the connection whole", "9112 6.3", MUST,
        "GET {empty}", status=200, body=b"x" * 5000),
]

OTHERS = [
    row("GET is answered", "9110 9.3.1", MUST, "GET {app}", status=200,
        has={"Cache-Control": IMMUTABLE, "Last-Modified": DATE}),
    row("HEAD is answered without a body", "9110 9.3.2", MUST, "HEAD {app}", status=200,
        has={"Cache-Control": IMMUTABLE, "Last-Modified": DATE}),
    row("OPTIONS says what is allowed", "9110 9.3.7", SHOULD, "OPTIONS {app}", status=204,
        has={"Allow": ALLOW, "Content-Type": None}),
    row("OPTIONS on an upload says what is allowed", "9110 9.3.7", SHOULD,
        "OPTIONS /media/photo.png", status=204, has={"Allow": ALLOW}),
    row("OPTIONS * is the server's own, and does not name us", "9110 9.3.7", MUST, "OPTIONS *",
        status={200, 204, 400, 404}, apache=True),
    # Apache answers TRACE itself on CGI ways; the proxy passes it on.
    row("TRACE is Apache's own or refused, and never a file", "9110 9.3.8", MUST, "TRACE {app}",
        status={200, 405, 501}, apache=True, unknown=True,
        has={"Cache-Control": (None, "no-store")}),
    row("TRACE does not repeat what is secret of the server", "9110 9.3.8", MUST,
        "TRACE /static/nothing.css", status={200, 404, 405, 501}, apache=True),
    row("CONNECT to a name and port is refused", "9110 9.3.6", MUST, "CONNECT example.org:443",
        status={400, 403, 404, 405, 501}, apache=True),
    row("CONNECT on a file is refused", "9110 9.3.6", MUST, "CONNECT {app}",
        status={400, 403, 405, 501}, apache=True),
    row("X-HTTP-Method-Override overrides nothing", "9110 9.1", MUST, "GET {app}",
        {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "PUT"}, status=200),
    row("HTTP/1.0 is answered", "9112 3.2", SHOULD, "GET {app}", status=200,
        version="1.0"),
    row("HTTP/1.0 with HEAD is answered", "9110 9.3.2", MUST, "HEAD {app}", status=200,
        version="1.0"),
    row("HTTP/1.0 may keep the connection", "9112 9.3", SHOULD, "GET {app}",
        {"Connection": "keep-alive"}, status=200, version="1.0"),
    row("HTTP/1.0 gets 405 with Allow", "9110 15.5.6", MUST, "POST {app}", status=405,
        version="1.0", body=b"a=b", has={"Allow": ALLOW}),
    row("Expect of something else is ignored or 417", "9110 10.1.1", SHOULD, "GET {app}",
        {"Expect": "a-pony"}, status={200, 417}, apache=True),
    # Apache's proxy refuses GET with 0, though 7.6.2 speaks of TRACE and OPTIONS alone.
    row("Max-Forwards of a GET is no matter of the file", "9110 7.6.2", MAY, "GET {app}",
        {"Max-Forwards": "9"}, status=200),
    row("Max-Forwards of 0 is answered by somebody", "9110 7.6.2", MAY, "GET {app}",
        {"Max-Forwards": "0"}, status={200, 400, 502}, apache=True),
    row("Upgrade is ignored", "9110 7.8", MUST, "GET {app}",
        {"Upgrade": "websocket", "Connection": "Upgrade"}, status=200),
    row("HTTP2-Settings are ignored", "9110 7.8", MUST, "GET {app}",
        {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAA"},
        status=200),
    row("fields that name themselves after CGI variables decide nothing", "3875 4.1.18", MUST,
        "GET {app}", {"Request-Uri": "/etc/passwd", "Script-Name": "/x", "Path-Info": "/y",
                      "Document-Root": "/", "Static-Root": "/etc", "X-Sendfile": "/etc/passwd",
                      "Handback-Delivery": "x-sendfile", "Handback-State": "/"}, status=200),
    row("a Proxy field decides nothing", "3875 4.1.18", MUST, "GET {app}",
        {"Proxy": "http://example.org:1/"}, status=200),
    row("X-Original-URL and X-Rewrite-URL name no other file", "9110 7.1", MUST, "GET {app}",
        {"X-Original-URL": "/static/conf/.env", "X-Rewrite-URL": "/static/conf/.env"},
        status=200),
    row("Authorization and Cookie change nothing", "9111 3.5", MUST, "GET {app}",
        {"Authorization": "Basic YTpi", "Cookie": "sessionid=1"}, status=200,
        has={"Cache-Control": IMMUTABLE, "Vary": "Accept-Encoding"}),
    row("a field of 7 KB is borne", "9110 5.4", SHOULD, "GET {app}", {"Cookie": "c" * 7000},
        status=200),
    row("sixty fields are borne", "9110 5.4", SHOULD, "GET {app}",
        {f"X-Field-{n}": "x" for n in range(60)}, status=200),
]

ROWS = [*by_method(), *CORS, *BODIES, *OTHERS]
