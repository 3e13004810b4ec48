"""What both are asked: every name of the tree, and a few names in hundreds of ways."""

import os
from dataclasses import dataclass
from email.utils import formatdate

from django_site import OLD
from harness import url_of

DATE, LATER, EARLIER = (formatdate(OLD + s, usegmt=True) for s in (0, 60, -60))


@dataclass(frozen=True)
class Request:
    target: str
    method: str = "GET"
    headers: tuple = ()
    name: str = ""  # below the root that is asked for, where there is a file
    site: str = "plain"
    kind: str = ""  # what it tries, for the predicates of the differences

    def __getitem__(self, field):
        return dict(self.headers).get(field)

    def __str__(self):
        fields = "".join(f" {name}: {value!r}" for name, value in self.headers)
        return f"{self.method} {self.target}{fields} ({self.site})"


def names_of(root):
    """Everything below a root as URLs spell it, in a fixed order."""
    return sorted(
        os.path.relpath(os.path.join(folder, name), root)
        for folder, _, names in os.walk(root) for name in names
    )


# What browsers, caches and tools send for one file.
CODINGS = ["br", "gzip", "zstd", "gzip, deflate, br", "gzip, deflate, br, zstd", "deflate", "",
           "identity", "*", "GZIP", "x-gzip", "br;q=0, gzip", "br;q=0", "gzip;q=0",
           "br;q=0.5, gzip;q=0.9", "gzip;q=0.5, identity;q=1", "*;q=0", "identity;q=0",
           "gzip;q=0.001", "brotli", "br , gzip"]
RANGES = ["bytes=0-0", "bytes=7-7", "bytes=0-9", "bytes=5-", "bytes=-5", "bytes=-1", "bytes=-0",
          "bytes=0-999999999", "bytes=-999999999", "bytes=999999999-", "bytes=9-0",
          "bytes=0-9,20-29", "bytes=0-9,5-14", "bytes=0-0,-1", "bytes=", "bytes=-", "bytes=a-b",
          "lines=1-2", "bytes 0-9", "BYTES=0-9", "bytes=--5", "bytes= 0-9", "bytes=0 - 9",
          "bytes=99999999999999999999-", "bytes=0-99999999999999999999"]
CONDITIONS = [
    {"If-None-Match": "{tag}"},
    {"If-None-Match": "W/{tag}"},
    {"If-None-Match": '"a", {tag}'},
    {"If-None-Match": "*"},
    {"If-None-Match": '"another"'},
    {"If-None-Match": "no tag"},
    {"If-None-Match": '"another"', "If-Modified-Since": DATE},
    {"If-None-Match": "{tag}", "If-Modified-Since": EARLIER},
    {"If-Modified-Since": DATE},
    {"If-Modified-Since": LATER},
    {"If-Modified-Since": EARLIER},
    {"If-Modified-Since": "yesterday"},
    {"If-Modified-Since": DATE + " junk"},
    {"If-Match": "{tag}"},
    {"If-Match": "*"},
    {"If-Match": '"another"'},
    {"If-Match": "W/{tag}"},
    {"If-Unmodified-Since": DATE},
    {"If-Unmodified-Since": LATER},
    {"If-Unmodified-Since": EARLIER},
    {"If-Unmodified-Since": "yesterday"},
    {"Range": "bytes=0-9", "If-Range": "{tag}"},
    {"Range": "bytes=0-9", "If-Range": '"another"'},
    {"Range": "bytes=0-9", "If-Range": DATE},
    {"Range": "bytes=0-9", "If-Range": EARLIER},
    {"Range": "bytes=0-9", "If-None-Match": "{tag}"},
    {"Range": "bytes=0-9", "If-Modified-Since": DATE},
    {"Range": "bytes=999999999-", "If-None-Match": '"another"'},
]
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "PROPFIND", "BREW"]
MISSING = ["nothing.css", "css", "css/", "css/site.css/", "css/site.css/more", "CSS/site.css", "",
           "css/site.000000000000.css", "css/site.css.zst", "css/site.css.bak", "docs", "docs/",
           "docs/chapter 1", "docs/chapter 1/", "../settings.py"]
SPELLINGS = {
    "a query": "/static/css/site.css?v=1",
    "an empty query": "/static/css/site.css?",
    "a query that looks like a path": "/static/css/site.css?/../x.js",
    "two slashes": "/static//css///site.css",
    "a dot": "/static/./css/site.css",
    "two dots": "/static/js/../css/site.css",
    "two dots out of the root": "/static/../static/css/site.css",
    "coded letters": "/%73tatic/css/%73ite.css",
    "coded dots": "/static/js/%2e%2e/css/site.css",
    "a coded slash": "/static/css%2Fsite.css",
    "a coded null": "/static/css/site.css%00",
    "a percent sign alone": "/static/css/100%",
    "coded twice": "/static/css/%2573ite.css",
    "a backslash": "/static/css\\site.css",
    "a whole URL": "http://localhost/static/css/site.css",
    "a semicolon": "/static/css/site.css;x=1",
    "a plus": "/static/notes/read+me.txt",
    "without the slash": "/static",
}


def of_files(root, site="plain"):
    """Every name, by GET as curl sends it, by GET as a browser does, and by HEAD."""
    for name in names_of(root):
        for method, headers in (("GET", ()), ("GET", (("Accept-Encoding", "gzip, deflate, br"),)),
                                ("HEAD", ())):
            yield Request(url_of(name), method, headers, name, site, "file")


def of_one(name, site="plain"):
    """All variations of one name; {tag} is each half's own."""
    def made(kind, method="GET", **headers):
        fields = tuple((k.replace("_", "-"), v) for k, v in headers.items())
        return Request(url_of(name), method, fields, name, site, kind)

    for coding in CODINGS:
        yield made("coding", Accept_Encoding=coding)
        yield made("coding", "HEAD", Accept_Encoding=coding)
    for asked in RANGES:
        for more in ({}, {"Accept_Encoding": "gzip"}):
            yield made("range", Range=asked, **more)
            yield made("range", "HEAD", Range=asked, **more)
    for condition in CONDITIONS:
        for more in ({}, {"Accept_Encoding": "br"}):
            for method in ("GET", "HEAD"):
                yield made("condition", method, **condition, **more)
    for method in METHODS:
        yield made("method", method)
    yield made("preflight", "OPTIONS", Origin="https://example.org",
               Access_Control_Request_Method="GET")
    yield made("origin", Origin="https://example.org")
    yield made("navigation", Sec_Fetch_Dest="document", Cookie="sessionid=1")


def of_spellings(site="plain"):
    for name in MISSING:
        for method in ("GET", "HEAD", "POST"):
            yield Request(url_of(name), method, (), "", site, "missing")
    for kind, target in SPELLINGS.items():
        yield Request(target, "GET", (), "css/site.css", site, kind)


def of_names(names, site="plain", kind="missing", prefix="/static/", methods=("GET", "HEAD")):
    for name in names:
        for method in methods:
            yield Request(url_of(name, prefix), method, (), name, site, kind)


QUERIES = ["/static/docs/index.html?v=1", "/static/docs?v=1", "/static/docs/?v=1"]
INDEXED = ["docs", "docs/", "docs/index.html", "docs/chapter 1", "docs/chapter 1/",
           "docs/chapter 1/index.html", "docs/nothing/", "css", "css/", "", "docs//"]


def of_indexes():
    """Where WHITENOISE_INDEX_FILE and index_file are set."""
    yield from of_names(INDEXED, "configured", "index")
    yield from of_names(["docs/", "docs", "docs/index.html", "css"], "configured", "index",
                        methods=("POST", "OPTIONS", "BREW"))
    for target in QUERIES:
        yield Request(target, "GET", (), "docs/index.html", "configured", "index")
    fields = CONDITIONS[:12] + [{"Accept-Encoding": coding} for coding in CODINGS[:5]]
    for name in ("docs/", "docs/chapter 1/"):
        for sent in fields:
            yield Request(url_of(name), "GET", tuple(sent.items()), name, "configured", "index")


def of_root(root):
    """Where WHITENOISE_ROOT and HANDBACK_ROOT are set: the files of that directory, at /."""
    names = [*names_of(root), "help", "help/", "nothing.txt", "", "nothing/at all"]
    yield from of_names(names, "configured", "root", "/", ("GET", "HEAD", "POST"))
