"""Which coding an answer has: RFC 9110 12.5.3, and Vary after 12.5.5.

{css} has brotli, gzip and zstd variants, {app} has brotli alone, {json} has none.
"""

from itertools import combinations, product

from cases import MUST, OURS, SHOULD, row

ANY = ("br", "gzip", "zstd")

# Accept-Encoding, the coding of {css}, of several the smallest; None is identity, 406 is none.
CSS = [
    ("br alone", "br", "br"),
    ("gzip alone", "gzip", "gzip"),
    ("zstd alone", "zstd", "zstd"),
    ("x-gzip, which is gzip", "x-gzip", "gzip"),
    ("x-gzip in capitals", "X-GZIP", "gzip"),
    ("x-gzip with a weight", "x-gzip;q=0.5", "gzip"),
    ("x-gzip excluded, which excludes gzip", "x-gzip;q=0", None),
    ("names in capitals", "BR", "br"),
    ("names in mixed letters", "ZstD", "zstd"),
    ("identity alone", "identity", None),
    ("identity in capitals", "IDENTITY", None),
    ("nothing in it", "", None),
    ("commas alone", ", ,", None),
    ("what browsers send", "gzip, deflate, br, zstd", ANY),
    ("what old browsers send", "gzip, deflate", "gzip"),
    ("all three", "br, gzip, zstd", ANY),
    ("all three in another order", "zstd, gzip, br", ANY),
    ("two", "gzip, zstd", ("gzip", "zstd")),
    ("a star", "*", ANY),
    ("a star of a low weight", "*;q=0.1", ANY),
    ("a star beside identity of a higher weight", "*;q=0.5, identity", None),
    ("a star, and identity excluded", "identity;q=0, *", ANY),
    ("a star after exclusions", "br;q=0, *", ("gzip", "zstd")),
    ("a star of a higher weight than a name", "br;q=0.5, *;q=1", ("gzip", "zstd")),
    ("a star of a lower weight than a name", "zstd;q=0.9, *;q=0.1", "zstd"),
    ("a star before what it does not cover", "*;q=0.2, gzip;q=0.8", "gzip"),
    ("all others excluded by a star", "gzip, *;q=0", "gzip"),
    ("all others excluded by a star before it", "*;q=0, gzip", "gzip"),
    ("all but identity excluded", "identity, *;q=0", None),
    ("all but a faint identity excluded", "identity;q=0.001, *;q=0", None),
    ("a star and all three excluded", "br;q=0, gzip;q=0, zstd;q=0, *", None),
    ("the three excluded", "br;q=0, gzip;q=0, zstd;q=0", None),
    ("one excluded", "br;q=0", None),
    ("one excluded beside another", "br;q=0, gzip", "gzip"),
    ("one excluded by 0.0", "br;q=0.0, gzip", "gzip"),
    ("one excluded by 0.00", "br;q=0.00, gzip", "gzip"),
    ("one excluded by 0.000", "br;q=0.000, gzip", "gzip"),
    ("one excluded by a zero and a point", "br;q=0., gzip", "gzip"),
    ("a weight of 0.001", "gzip;q=0.001", "gzip"),
    ("a weight of 1", "gzip;q=1", "gzip"),
    ("a weight of one and a point", "gzip;q=1.", "gzip"),
    ("a weight of 1.0", "gzip;q=1.0", "gzip"),
    ("a weight of 1.00", "gzip;q=1.00", "gzip"),
    ("a weight of 1.000", "gzip;q=1.000", "gzip"),
    ("weights that differ in the third digit", "br;q=0.998, zstd;q=0.999", "zstd"),
    ("weights that differ in the second digit", "br;q=0.98, zstd;q=0.99", "zstd"),
    ("weights that differ in the first digit", "br;q=0.8, zstd;q=0.9", "zstd"),
    ("0.9 beside 0.10", "br;q=0.10, zstd;q=0.9", "zstd"),
    ("0.5 beside 0.499", "br;q=0.499, gzip;q=0.5", "gzip"),
    ("no weight beside 0.999", "br;q=0.999, gzip", "gzip"),
    ("a zero and a point beside a faint one", "br;q=0., zstd;q=0.001", "zstd"),
    ("an equal weight written otherwise", "zstd;q=0.50, gzip;q=0.5", ("zstd", "gzip")),
    ("a capital Q", "br;Q=0.1, gzip;Q=0.9", "gzip"),
    ("blanks around the semicolon", "br ; q=0.1, gzip ; q=0.9", "gzip"),
    ("tabs around the semicolon", "br\t;\tq=0.1, gzip\t;\tq=0.9", "gzip"),
    ("no blanks at all", "br;q=0.1,gzip;q=0.9,zstd;q=0.5", "gzip"),
    ("many blanks", "   br;q=0.1  ,   gzip;q=0.9   ", "gzip"),
    ("tabs between", "br;q=0.1\t,\tgzip;q=0.9", "gzip"),
    ("empty elements", ",, gzip ,, ,", "gzip"),
    ("identity of a higher weight", "gzip;q=0.5, identity;q=1", None),
    ("identity of a lower weight", "gzip;q=0.9, identity;q=0.5", "gzip"),
    ("identity excluded beside a coding", "gzip, identity;q=0", "gzip"),
    ("a faint coding, identity not named", "br;q=0.001", "br"),
    ("a coding that nobody has", "foo", None),
    ("deflate", "deflate", None),
    ("compress", "compress, x-compress", None),
    ("dictionary codings", "dcb, dcz", None),
    ("an unknown one before one that we have", "foo;q=1, br;q=0.1", "br"),
    ("a token that begins with gzip", "gzipx", None),
    ("a token that ends with gzip", "xgzip", None),
    ("a token that ends with br", "notbr", None),
    ("a token that begins with br", "br2", None),
    ("the long name of brotli", "brotli", None),
    ("a part of a name", "gzi, b, zst", None),
    ("a token that begins with zstd", "zstdx", None),
    ("a token with a dash", "br-x, gzip-x", None),
    ("a token that ends with x-gzip", "xx-gzip, x-x-gzip", None),
    ("x- before others, which is no alias", "x-br, x-zstd", None),
    ("two stars, which are no star", "**", None),
    ("a suffix in place of a name", "gz, zst", None),
    ("one with an excluded look-alike", "gzipx;q=0, gzip", "gzip"),
    ("one with an excluded part of it", "gzi;q=0, gzip", "gzip"),
    ("a star excluded beside a look-alike", "brx, *;q=0", 406),
    ("everything excluded", "*;q=0", 406),
    ("everything excluded by 0.000", "*;q=0.000", 406),
    ("identity excluded and nothing else named", "identity;q=0", 406),
    ("identity and a star excluded", "identity;q=0, *;q=0", 406),
    ("all four excluded", "br;q=0, gzip;q=0, zstd;q=0, identity;q=0", 406),
    ("identity excluded beside what we lack", "identity;q=0, deflate", 406),
    ("fifty unknown ones before gzip", "x1, " * 50 + "gzip", "gzip"),
]

APP = [
    ("br", "br", "br"),
    ("gzip, which it lacks", "gzip", None),
    ("gzip before br", "gzip, br;q=0.1", "br"),
    ("a star", "*", "br"),
    ("identity above br", "identity;q=0.5, br;q=0.1", None),
    ("gzip alone, identity excluded", "gzip, identity;q=0", 406),
    ("br excluded beside a star", "br;q=0, *", None),
]

JSON = [
    ("br", "br", None),
    ("a star", "*", None),
    ("nothing", "", None),
    ("identity excluded", "identity;q=0", 406),
    ("everything excluded", "*;q=0", 406),
    ("identity excluded beside a coding", "identity;q=0, gzip", 406),
]

# The grammar knows no such weights: the element may count or not, the bytes must be right.
NO_WEIGHTS = [
    "br;q=2", "br;q=1.001", "br;q=-1", "br;q=0.1234", "br;q=", "br;q=abc", "br;q=.5", "br;q",
    "br;q=0.5x", "br;q=1e0", "br;q=0x1", "br;q= 0.5", "br;q =0.5", 'br;q="1"', "br;", "br;;q=1",
    "br;level=5", "br;q=0.5;x=y", "br q=1", ";q=1, br", "br;q=00.5", "br;q=+1", "br/1.0", '"br"',
]


def decided(key, table, vary):
    for what, value, coding in table:
        told = "406" if coding == 406 else coding if isinstance(coding, str) else \
            "the smallest" if coding else "identity"
        want = {"status": 406} if coding == 406 else {"status": 200, "coding": coding}
        yield row(f"Accept-Encoding with {what} gets {told} of {key}", "9110 12.5.3",
                  OURS if coding == 406 else MUST, f"GET {{{key}}}", {"Accept-Encoding": value},
                  has={"Vary": vary}, **want)


# Two members of a field in all weights, against every variant.
PAIRED = list(product(combinations(("br", "gzip", "identity", "*"), 2),
                      product(("", ";q=0", ";q=0.5", ";q=1"), repeat=2)))


def preferred(weights):
    """12.5.3 in so many words, with our rule that identity comes last where it is not named."""
    def weight(coding):
        unnamed = 0.0001 if coding == "identity" else 0
        found = weights.get(coding, weights.get("*", unnamed))
        return min(found, unnamed) if coding == "identity" and coding not in weights else found

    codings = [c for c in (*ANY, "identity") if weight(c) > 0]
    best = [c for c in codings if weight(c) == max(map(weight, codings))]
    return tuple(c for c in best if c != "identity") or (None if best else 406)


def paired():
    for names, values in PAIRED:
        field = ", ".join(map("".join, zip(names, values)))
        weights = {n: float(v[3:] or 1) for n, v in zip(names, values)}
        coding = preferred(weights)
        want = {"status": 406} if coding == 406 else {"status": 200, "coding": coding}
        yield row(f"Accept-Encoding {field} is weighed", "9110 12.5.3", MUST, "GET {css}",
                  {"Accept-Encoding": field}, has={"Vary": "Accept-Encoding"}, **want)


def weights():
    for value in NO_WEIGHTS:
        yield row(f"Accept-Encoding of the malformed {value!r} does no harm", "9110 12.4.2", MUST,
                  "GET {css}", {"Accept-Encoding": value}, status=200, either=("br", None),
                  has={"Vary": "Accept-Encoding"})
        yield row(f"the malformed {value!r} does not exclude what follows it", "9110 12.4.2",
                  SHOULD, "GET {css}", {"Accept-Encoding": value + ", gzip;q=0.001"}, status=200,
                  either=("br", "gzip"))


def on_head():
    for coding in (None, "br", "gzip", "zstd"):
        fields = {"Accept-Encoding": coding} if coding else {}
        told = coding or "no coding"
        yield row(f"HEAD with {told} has the length and tag of that variant", "9110 9.3.2", MUST,
                  "HEAD {css}", fields, status=200, coding=coding)
        yield row(f"the original name with {told} has that variant of its hashed file",
                  "9110 12.5.3", OURS, "GET {css_plain}", fields, status=200, coding=coding)


# Where variants exist, every status says that the choice depended on the field.
VARY = [
    ("200", "GET {css}", {}, {"status": 200}),
    ("a coded 200", "GET {css}", {"Accept-Encoding": "br"}, {"status": 200, "coding": "br"}),
    ("206", "GET {css}", {"Range": "bytes=0-0"}, {"status": 206, "part": (0, 0)}),
    ("304", "GET {css}", {"If-None-Match": "*"}, {"status": 304}),
    ("406", "GET {css}", {"Accept-Encoding": "*;q=0"}, {"status": 406}),
    ("412", "GET {css}", {"If-Match": '"x"'}, {"status": 412}),
    ("416", "GET {css}", {"Range": "bytes={css.size}-"}, {"status": 416}),
    ("200 on HEAD", "HEAD {css}", {}, {"status": 200}),
    ("406 on HEAD", "HEAD {css}", {"Accept-Encoding": "*;q=0"}, {"status": 406}),
]

OTHERS = [
    row("no Accept-Encoding gets identity", "9110 12.5.3", SHOULD, "GET {css}", status=200,
        has={"Vary": "Accept-Encoding", "Content-Encoding": None}),
    row("Accept-Encoding over two lines is one list", "9110 5.3", MUST, "GET {css}",
        [("Accept-Encoding", "br;q=0.5"), ("Accept-Encoding", "gzip")], status=200,
        coding="gzip"),
    row("an exclusion on the second line counts", "9110 5.3", MUST, "GET {css}",
        [("Accept-Encoding", "*"), ("Accept-Encoding", "br;q=0"),
         ("Accept-Encoding", "zstd;q=0")], status=200, coding="gzip"),
    row("an empty line before a full one does not empty it", "9110 5.3", MUST, "GET {css}",
        [("Accept-Encoding", ""), ("Accept-Encoding", "gzip")], status=200, coding="gzip"),
    row("a variant has its own tag, strong", "9110 8.8.3.3", MUST, "GET {css}",
        {"Accept-Encoding": "zstd"}, status=200, coding="zstd", has={"ETag": "{css.zstd}"}),
    row("a variant keeps the media type of the file", "9110 8.4", MUST, "GET {css}",
        {"Accept-Encoding": "gzip"}, status=200, coding="gzip",
        has={"Content-Type": "text/css; charset=utf-8"}),
    row("a file without variants does not vary", "9110 12.5.5", SHOULD, "GET {json}",
        status=200, has={"Vary": None}),
    row("a live file has the sibling beside it", "9110 12.5.3", OURS, "GET {sized}",
        {"Accept-Encoding": "gzip"}, status=200, coding="gzip", has={"Vary": "Accept-Encoding"}),
    row("a sibling older than its file is not sent", "9110 8.4", OURS,
        "GET /static/conf/stale.css", {"Accept-Encoding": "br"}, status=200,
        file="conf/stale.css", has={"Content-Encoding": None}),
    row("a sibling larger than its file is not sent", "9110 8.4", OURS,
        "GET /static/conf/larger.css", {"Accept-Encoding": "gzip"}, status=200,
        file="conf/larger.css", has={"Content-Encoding": None}),
    row("a compressed file of its own is content, not a coding", "9110 8.4", MUST,
        "GET /static/conf/plain.gz", {"Accept-Encoding": "gzip"}, status=200,
        file="conf/plain.gz", has={"Content-Encoding": None, "Content-Type": "application/gzip"}),
    row("a compressed file of its own goes to who excludes gzip", "9110 8.4", MUST,
        "GET /static/conf/plain.gz", {"Accept-Encoding": "gzip;q=0"}, status=200,
        file="conf/plain.gz"),
    row("uploads have no variants", "9110 12.5.3", OURS, "GET /media/with-sibling.css",
        {"Accept-Encoding": "br"}, status=200, file="media/with-sibling.css",
        has={"Content-Encoding": None}),
    row("a missing name is 404 whatever is acceptable", "9110 15.5.5", MUST,
        "GET /static/nothing.css", {"Accept-Encoding": "*;q=0"}, status=404),
    row("Accept does not choose: the type is the file's", "9110 12.5.1", MUST, "GET {css}",
        {"Accept": "image/png"}, status=200, has={"Content-Type": "text/css; charset=utf-8"}),
    row("Accept-Charset and Accept-Language do not choose", "9110 12.5.4", MUST, "GET {css}",
        {"Accept-Charset": "utf-7", "Accept-Language": "tlh"}, status=200,
        has={"Content-Type": "text/css; charset=utf-8", "Content-Language": None}),
    row("TE does not choose a content coding", "9110 10.1.4", MUST, "GET {css}",
        {"TE": "gzip", "Connection": "TE"}, status=200, has={"Content-Encoding": None}),
]

ROWS = [
    *decided("css", CSS, "Accept-Encoding"),
    *decided("app", APP, "Accept-Encoding"),
    *decided("json", [entry for entry in JSON if entry[2] != 406], None),
    *(row(f"Accept-Encoding with {what} gets 406 of a file without variants", "9110 12.5.3",
          OURS, "GET {json}", {"Accept-Encoding": value}, status=406)
      for what, value, coding in JSON if coding == 406),
    *weights(),
    *paired(),
    *on_head(),
    *(row(f"Vary is there on {what}", "9110 12.5.5", MUST, request, fields,
          has={"Vary": "Accept-Encoding"}, **want) for what, request, fields, want in VARY),
    *OTHERS,
]
