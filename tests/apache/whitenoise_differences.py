"""Every intended difference between WhiteNoise's answers and ours: one row each.

A row covers the answers that its `covers` picks, and no others. Where the status differs, the
header fields and the bytes belong to two different answers, and the status alone is compared.
Run as a program, it prints the rows as examples/whitenoise.md holds them.
"""

import os
import re
from dataclasses import dataclass
from typing import Callable
from urllib.parse import quote

from media_type_differences import OTHER_THAN_WHITENOISE, NOT_IN_WHITENOISE, listed
from whitenoise_site import AFTER, GOES, GONE, LINK_OUT

BODY = ("Content-Length", "body")


@dataclass
class Pair:
    """One request and its two answers, and what is known of the file that it names."""

    request: object
    theirs: object
    ours: object
    project: object

    @property
    def statuses(self):
        return self.theirs.status, self.ours.status

    @property
    def status(self):
        """Of both; None where they differ."""
        return self.theirs.status if self.theirs.status == self.ours.status else None

    @property
    def base(self):
        return os.path.basename(self.request.name)

    def values(self, field):
        return self.theirs[field], self.ours[field]

    def is_file(self):
        return self.status in (200, 206, 304, 416)

    def is_rewritten(self):
        """Whether it is an original name, and ours is the hashed file's bytes for it."""
        name = self.request.name
        if name not in self.project.rewritten:
            return False
        whole = self.project.copy_of(name, self.ours["Content-Encoding"])
        if self.status == 200 and self.request.method == "GET":
            return self.ours.body == whole
        return self.status in (200, 206, 416) and (self.status == 416 or self.ours.body in whole)


@dataclass
class Difference:
    id: str
    what: str  # which answers, in words
    fields: tuple
    why: str
    covers: Callable[[Pair], bool]


def status(id, what, statuses, why, covers):
    pairs = statuses if isinstance(statuses, list) else [statuses]
    return Difference(id, what, ("status",), why,
                      lambda pair: pair.statuses in pairs and covers(pair))


def coded(*fields):
    """Fields that change with the coding that was chosen."""
    return ("Content-Encoding", *BODY, *fields)


def accepts(pair):
    return pair.request["Accept-Encoding"] or ""


def is_get(pair):
    return pair.request.method == "GET"


def asks_range(pair):
    return pair.request["Range"] or ""


# What the weights mean where the names alone would say something else.
WEIGHED = {
    "br;q=0, gzip": "gzip",
    "br;q=0.5, gzip;q=0.9": "gzip",
    "br;q=0": None,
    "gzip;q=0": None,
    "gzip;q=0.5, identity;q=1": None,
}
OUR_TAG = re.compile(r'"([0-9a-f]{12}|[0-9a-f]+-[0-9a-f]+)(\.br|\.gz|\.zst)?"')
THEIR_TAG = re.compile(r'"[0-9a-f]+-[0-9a-f]+"')


def has_both_tags(pair):
    theirs, ours = pair.values("ETag")
    return bool(THEIR_TAG.fullmatch(theirs) and OUR_TAG.fullmatch(ours))


def is_weighed(pair):
    asked = accepts(pair)
    return asked in WEIGHED and pair.ours["Content-Encoding"] == WEIGHED[asked]


def is_now(pair):
    """Whether ours are the bytes that the file has now."""
    name = pair.request.name
    return pair.request.method == "HEAD" or pair.ours.body == AFTER[name]


def has_type_of_the_table(pair):
    extension = pair.base.rpartition(".")[2].lower()
    theirs, ours = (value.partition(";")[0] for value in pair.values("Content-Type"))
    for key in (extension, pair.base):
        if key in OTHER_THAN_WHITENOISE and (theirs, ours) == OTHER_THAN_WHITENOISE[key][:2]:
            return True
    return theirs == "application/octet-stream" and extension in listed(NOT_IN_WHITENOISE)


def differs_in_quotes(pair):
    theirs, ours = pair.values("Content-Type")
    return 'charset="' in theirs and theirs.replace('"', "") == ours


def is_hashed_without_suffix(pair):
    return re.fullmatch(r"[^.]+\.[0-9a-f]{12}", pair.base) is not None


def is_hash_overlooked(pair):
    """WhiteNoise asks the storage for the URL of the name without what precedes the extension."""
    return (is_hashed_without_suffix(pair) or pair.request.name == pair.project.proven
            or quote(pair.base) != pair.base)


def if_none_match(pair):
    field = pair.request["If-None-Match"] or ""
    return field == "*" or field.startswith("W/") or "," in field


DIFFERENCES = [
    # Methods.
    status("options", "`OPTIONS`", (405, 204),
           "RFC 9110 9.3.7. It also answers the preflight of a cross-origin request.",
           lambda pair: pair.request.method == "OPTIONS"),
    status("unknown-method", "a method that RFC 9110 and RFC 5789 do not define", (405, 501),
           "RFC 9110 9.1: 501 for a method that is not known, 405 for one that is not allowed.",
           lambda pair: pair.request.method in ("PROPFIND", "BREW")),
    Difference("method-refused", "a method that is not allowed",
               ("Allow", "Access-Control-Allow-Origin", "Cache-Control", "Content-Type", "Vary",
                "Transfer-Encoding", *BODY),
               "`Allow` names OPTIONS too. Errors are `no-store`, with one line of text.",
               lambda pair: pair.status == 405
               and pair.values("Allow") == ("GET, HEAD", "GET, HEAD, OPTIONS")),
    # Names.
    Difference("not-found", "a name that does not exist",
               ("Content-Type", "Cache-Control", "Transfer-Encoding", *BODY),
               "Theirs is Django's 404 page. Ours is one line and `no-store`: the application is"
               " not asked, and a name that a deploy is about to bring is not remembered as"
               " missing.",
               lambda pair: pair.status == 404 and pair.ours["Cache-Control"] == "no-store"
               and pair.theirs["Content-Type"] == "text/html"),
    status("dot-names", "names with a segment that begins with a dot",
           [(200, 404), (405, 404)],
           "`.git`, `.env` and the like are never served (`.well-known/` below the root of the"
           " site excepted).",
           lambda pair: re.search(r"(^|/)\.(?!well-known/)", pair.request.name) is not None),
    status("manifest", "the manifest itself", (200, 404),
           "It names every file of the site, those of former releases too.",
           lambda pair: pair.base == "staticfiles.json"),
    status("zstd-by-name", "a copy in Zstandard, asked for by its own name", (200, 404),
           "A compressed copy is a form of its file. WhiteNoise knows `.br` and `.gz` alone.",
           lambda pair: pair.base.endswith(".zst")),
    status("links-out", "a symbolic link that leaves the root", (200, 404),
           "What lies outside the root is served only from directories that `follow` lists.",
           lambda pair: pair.request.name == LINK_OUT),
    status("control-characters", "a name with a control character", (200, 400),
           "No such name is served: it could split lines in logs and header fields.",
           lambda pair: "%0A" in pair.request.target),
    status("not-utf-8", "a name that is not UTF-8", (404, 200),
           "The bytes of the URL are the bytes of the name; nothing is recoded.",
           lambda pair: "%FF" in pair.request.target),
    status("unreadable", "a file that the server may not read", [(500, 403), (200, 403)],
           "RFC 9110 15.5.4, and a diagnosis in the log. WhiteNoise opens it for GET alone.",
           lambda pair: pair.base == "closed.txt"),
    status("original-gone", "an original name of which the hashed file alone is kept", (404, 200),
           "Original names are answered from the hashed file that the manifest names, also after"
           " WHITENOISE_KEEP_ONLY_HASHED_FILES has deleted them.",
           lambda pair: pair.request.name == GONE),
    # Changes after the start.
    status("new-file", "a file that is written after the start", (404, 200),
           "The tree is looked at while serving; WhiteNoise reads it at its start.",
           lambda pair: pair.request.kind == "late" and pair.request.name == "late/new.css"),
    Difference("changed-file", "a file that changes after the start",
               ("Last-Modified", *BODY),
               "WhiteNoise announces the length and date that the file had at the start.",
               lambda pair: pair.status == 200 and pair.request.kind == "late" and is_now(pair)),
    status("deleted-file", "a file that is deleted after the start", [(500, 404), (200, 404)],
           "WhiteNoise remembers it: GET is an error of the server, HEAD a success.",
           lambda pair: pair.request.kind == "late" and pair.request.name == GOES),
    # Contents.
    Difference("original-bytes", "an original name whose hashed file has other bytes",
               coded("Content-Range"),
               "Django rewrites the URLs in hashed style sheets. The original name is answered"
               " from the same file, so a page never mixes the contents of two releases.",
               lambda pair: pair.is_rewritten()),
    # Validators and preconditions.
    Difference("etag", "every file", ("ETag",),
               "Ours comes from the content: the same on every machine and after every copy, and"
               " another one for each compressed copy (RFC 9110 8.8.3.3). Theirs is time and size"
               " of the uncompressed file, for all copies.",
               lambda pair: pair.status in (200, 206, 304) and has_both_tags(pair)),
    Difference("no-date", "a file whose time is 0 or 1", ("Last-Modified",),
               "Image builders set it: it is no date.",
               lambda pair: pair.is_file() and pair.ours["Last-Modified"] is None
               and pair.base == "dateless.txt"),
    status("if-none-match", "`If-None-Match` with a list, a weak tag or `*`", (200, 304),
           "RFC 9110 13.1.2. Caches send weak tags, and lists.",
           if_none_match),
    status("junk-date", "`If-Modified-Since` with something behind the date", (304, 200),
           "RFC 9110 13.1.3: a field that is no date is ignored.",
           lambda pair: (pair.request["If-Modified-Since"] or "").endswith(" junk")),
    status("preconditions", "`If-Match` and `If-Unmodified-Since` that fail", (200, 412),
           "RFC 9110 13.1.1 and 13.1.4. WhiteNoise does not read them.",
           lambda pair: bool(pair.request["If-Match"] or pair.request["If-Unmodified-Since"])),
    Difference("not-modified", "304", ("Access-Control-Allow-Origin", "X-Robots-Tag"),
               "The policy of the file is repeated: a cache updates what it holds from a 304"
               " (RFC 9111 3.2).",
               lambda pair: pair.status == 304 and not (
                   pair.theirs["Access-Control-Allow-Origin"] or pair.theirs["X-Robots-Tag"])),
    # Ranges.
    status("if-range", "`If-Range` that does not hold", [(206, 200), (416, 200)],
           "RFC 9110 13.1.5: the whole file. WhiteNoise does not read it, and a download that is"
           " resumed after a change gets parts of two files.",
           lambda pair: is_get(pair) and bool(pair.request["If-Range"])),
    status("head-range", "`HEAD` with `Range`", [(206, 200), (416, 200)],
           "RFC 9110 14.2: Range is defined for GET alone.",
           lambda pair: pair.request.method == "HEAD" and bool(asks_range(pair))),
    status("one-byte", "a range of one byte", (416, 206),
           "RFC 9110 14.1.2: `bytes=0-0` is the first byte. WhiteNoise 6.0 refuses it.",
           lambda pair: is_get(pair) and pair.ours["Content-Length"] == "1"),
    status("suffix-of-none", "`bytes=-0`", (206, 416),
           "RFC 9110 14.1.2: a suffix of no bytes cannot be satisfied. WhiteNoise sends all.",
           lambda pair: is_get(pair) and asks_range(pair) == "bytes=-0"),
    status("suffix-of-empty", "the last bytes of an empty file", (416, 200),
           "RFC 9110 14.1.2: a suffix longer than the file is all of it, here nothing.",
           lambda pair: is_get(pair) and re.match("bytes=-[1-9]", asks_range(pair)) is not None
           and pair.ours.body == b""),
    status("no-range", "a range that is none, as `bytes=9-0`", [(416, 200), (206, 200)],
           "RFC 9110 14.2: a Range field that is not valid is ignored.",
           lambda pair: is_get(pair) and asks_range(pair) in ("bytes=9-0", "bytes=--5",
                                                              "bytes=0 - 9")),
    status("range-unit", "`BYTES=0-9`", [(200, 206), (200, 416)],
           "RFC 9110 14.1: the names of units do not distinguish case.",
           lambda pair: is_get(pair) and asks_range(pair) == "BYTES=0-9"),
    status("several-ranges", "several ranges", [(200, 206), (200, 416)],
           "RFC 9110 14.2 and 15.3.7. WhiteNoise ignores the field and sends the whole file.",
           lambda pair: is_get(pair) and "," in asks_range(pair)),
    Difference("accept-ranges", "files", ("Accept-Ranges",),
               "RFC 9110 14.3: says beforehand that parts can be asked for.",
               lambda pair: pair.status in (200, 206) and pair.values("Accept-Ranges")
               == (None, "bytes")),
    Difference("unsatisfiable", "416",
               ("Accept-Ranges", "Access-Control-Allow-Origin", "Cache-Control", "Content-Type",
                "Content-Length", "ETag", "Last-Modified", "Transfer-Encoding", "Vary",
                "X-Robots-Tag", "body"),
               "Ours has the validators and the policy of the file beside its length, and"
               " `no-store`.",
               lambda pair: pair.status == 416),
    # Codings.
    Difference("weights", "`Accept-Encoding` with weights", coded(),
               "RFC 9110 12.4.2 and 12.5.3: `br;q=0` excludes, and the highest weight wins."
               " WhiteNoise looks for the name alone.",
               lambda pair: pair.status == 200 and is_weighed(pair)),
    status("not-acceptable", "`Accept-Encoding` that accepts nothing", (200, 406),
           "RFC 9110 12.5.3: `identity;q=0` or `*;q=0` excludes the plain bytes.",
           lambda pair: accepts(pair) in ("*;q=0", "identity;q=0")),
    Difference("any-coding", "`Accept-Encoding: *`", coded(),
               "RFC 9110 12.5.3: any coding is acceptable, so the smallest copy is sent.",
               lambda pair: pair.status == 200 and accepts(pair) == "*"
               and pair.values("Content-Encoding") == (None, "br")),
    Difference("coding-case", "`Accept-Encoding: GZIP`", coded(),
               "RFC 9110 8.4.1: names of codings do not distinguish case.",
               lambda pair: pair.status == 200 and accepts(pair) == "GZIP"
               and pair.values("Content-Encoding") == (None, "gzip")),
    Difference("zstd", "a file with a copy in Zstandard", coded(),
               "`.zst` copies are sent to those who accept `zstd` (RFC 8878).",
               lambda pair: pair.status == 200 and "zstd" in accepts(pair)
               and pair.ours["Content-Encoding"] == "zstd"),
    Difference("stale-copy", "a compressed copy that is older than its file", coded("Vary"),
               "It is the copy of another content, so it is not used.",
               lambda pair: pair.status == 200 and pair.base == "stale.css"
               and pair.ours["Content-Encoding"] is None),
    Difference("larger-copy", "a compressed copy that is not smaller", ("Vary",),
               "It is never sent, so nothing varies.",
               lambda pair: pair.status == 200 and pair.base == "larger.css"
               and pair.values("Vary") == ("Accept-Encoding", None)),
    # Media types.
    Difference("charset-quotes", "text", ("Content-Type",),
               "`charset=utf-8` for `charset=\"utf-8\"`: the same to RFC 9110 5.6.6.",
               lambda pair: pair.status in (200, 206) and differs_in_quotes(pair)),
    Difference("media-types", "some extensions", ("Content-Type",),
               "Ours has today's registered types, and many extensions more, such as fonts,"
               " source maps, web manifests and calendars.",
               lambda pair: pair.status in (200, 206) and has_type_of_the_table(pair)),
    Difference("type-of-the-original", "a hashed name whose original has no extension",
               ("Content-Type",),
               "The hash is no extension: the type is that of the original name.",
               lambda pair: pair.status in (200, 206) and is_hashed_without_suffix(pair)
               and pair.theirs["Content-Type"] == "application/octet-stream"),
    # Caching.
    Difference("hash-proven", "a hash in a name that the bytes prove, which WhiteNoise overlooks",
               ("Cache-Control",),
               "Immutable is what has the md5 that its name carries: also files without an"
               " extension, with characters that URLs quote, and those of former releases that no"
               " manifest names any more.",
               lambda pair: pair.is_file()
               and pair.ours["Cache-Control"] == "max-age=315360000, public, immutable"
               and is_hash_overlooked(pair)),
    Difference("hash-disproved", "a hash in a name that the bytes disprove", ("Cache-Control",),
               "`private`, for a short time: no shared cache keeps these bytes under a name that"
               " promises others.",
               lambda pair: pair.is_file() and "private" in pair.ours["Cache-Control"]
               and pair.base == "wrong.0123456789ab.css"),
    # Index files.
    Difference("redirect-not-stored", "a redirect to or from an index file", ("Cache-Control",),
               "`no-store`: a redirect that is cached outlives the directory that it is about.",
               lambda pair: pair.status == 302 and pair.ours["Cache-Control"] == "no-store"),
    Difference("redirect-text", "a redirect to or from an index file",
               ("Content-Length", "Content-Type", "Transfer-Encoding", "body"),
               "One line of text, as on errors (RFC 9110 15.4.3).",
               lambda pair: pair.status == 302 and pair.theirs.body == b""
               and pair.ours["Content-Type"] == "text/plain; charset=utf-8"),
    Difference("redirect-query", "a redirect of a URL with a query", ("Location",),
               "The query is kept.",
               lambda pair: pair.status == 302 and pair.ours["Location"] ==
               pair.theirs["Location"] + "?" + pair.request.target.partition("?")[2]),
    status("redirect-method", "another method than GET and HEAD to a name that redirects",
           [(302, 405), (302, 204), (302, 501)],
           "The method is judged first: nothing is gained by sending a POST elsewhere.",
           lambda pair: pair.request.method not in ("GET", "HEAD")),
    status("root-index", "index files below the root of the site (`WHITENOISE_ROOT`)",
           [(200, 404), (302, 404), (302, 200), (405, 404)],
           "The files that exist there have their own names alone; every other URL, `/` and those"
           " of directories too, is the application's.",
           lambda pair: pair.request.kind == "root" and "help" in pair.request.target),
    # What is not WhiteNoise's own.
    Difference("security-middleware", "every answer", ("Referrer-Policy",),
               "Django's SecurityMiddleware, which stands before WhiteNoise's, adds it; it also"
               " adds Strict-Transport-Security where that is set. Ours do not pass through"
               " Django: say them in Apache (`Header set`) or in `headers`.",
               lambda pair: pair.values("Referrer-Policy") == ("same-origin", None)),
]


def markdown(row):
    fields = ", ".join(row.fields)
    return f"| `{row.id}` | {row.what} | {fields} | {row.why} |"


if __name__ == "__main__":
    print("\n".join(map(markdown, DIFFERENCES)))
