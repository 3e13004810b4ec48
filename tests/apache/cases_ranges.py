"""Ranges: RFC 9110 14, and 13.1.5 for If-Range."""

from itertools import product

from cases import DATE, EARLIER, LATER, MUST, OURS, SHOULD, row

TEN = "GET {ten}"
BIG = 1 << 64

# On "0123456789": the field value and the one part that it selects.
SINGLE = [
    ("the first byte", "bytes=0-0", (0, 0)),
    ("the last byte", "bytes=9-9", (9, 9)),
    ("a byte in the middle", "bytes=5-5", (5, 5)),
    ("the whole file, closed", "bytes=0-9", (0, 9)),
    ("the whole file, open", "bytes=0-", (0, 9)),
    ("the rest from the last byte", "bytes=9-", (9, 9)),
    ("the rest from the middle", "bytes=4-", (4, 9)),
    ("the last byte as a suffix", "bytes=-1", (9, 9)),
    ("the last three as a suffix", "bytes=-3", (7, 9)),
    ("all as a suffix", "bytes=-10", (0, 9)),
    ("a suffix longer than the file", "bytes=-11", (0, 9)),
    ("a last byte just beyond the end", "bytes=5-10", (5, 9)),
    ("a last byte far beyond the end", "bytes=5-99999", (5, 9)),
    ("leading zeros", "bytes=0000000000-0000000000000000000001", (0, 1)),
    ("forty leading zeros", f"bytes={'0' * 40}2-{'0' * 40}3", (2, 3)),
    ("a last byte of 2^63 - 1", f"bytes=3-{2 ** 63 - 1}", (3, 9)),
    ("a last byte of 2^63", f"bytes=3-{2 ** 63}", (3, 9)),
    ("a last byte of 2^64", f"bytes=3-{BIG}", (3, 9)),
    ("a last byte of 2^64 + 4, which does not wrap", f"bytes=3-{BIG + 4}", (3, 9)),
    ("a last byte of 20 digits", "bytes=3-99999999999999999999", (3, 9)),
    ("a last byte of 100 digits", "bytes=3-" + "9" * 100, (3, 9)),
    ("a suffix of 2^64", f"bytes=-{BIG}", (0, 9)),
    ("a suffix of 2^64 + 4, which does not wrap", f"bytes=-{BIG + 4}", (0, 9)),
    ("a suffix of 100 digits", "bytes=-" + "9" * 100, (0, 9)),
    ("the unit in capitals", "BYTES=2-3", (2, 3)),
    ("the unit in mixed letters", "ByTeS=2-3", (2, 3)),
    ("an empty element at the end", "bytes=2-3,", (2, 3)),
    ("an empty element at the start", "bytes=,2-3", (2, 3)),
    ("empty elements all around", "bytes=, ,2-3, ,,", (2, 3)),
    ("blanks at the end of the field", "bytes=2-3   ", (2, 3)),
    ("blanks at the start of the field", "   bytes=2-3", (2, 3)),
    ("one part that is there and one beyond the end", "bytes=2-3,10-11", (2, 3)),
    ("one part beyond the end and one that is there", "bytes=10-,2-3", (2, 3)),
    ("an empty suffix and a part that is there", "bytes=-0,2-3", (2, 3)),
    ("the same part twice, which is one", "bytes=2-3,2-3", (2, 3)),
    ("two that overlap, which are one", "bytes=0-3,2-5", (0, 5)),
    ("two that overlap, in the other order", "bytes=2-5,0-3", (0, 5)),
    ("two that share one byte", "bytes=0-3,3-5", (0, 5)),
    ("one within the other", "bytes=1-8,3-4", (1, 8)),
    ("one around the other", "bytes=3-4,1-8", (1, 8)),
    ("the whole and its last byte", "bytes=0-,-1", (0, 9)),
    ("three in a chain of overlaps", "bytes=0-2,6-8,2-6", (0, 8)),
    ("three of which the last joins the others", "bytes=0-1,4-5,1-4", (0, 5)),
    ("a suffix that overlaps a closed one", "bytes=5-7,-4", (5, 9)),
]

UNSATISFIABLE = [
    ("the byte after the last", "bytes=10-"),
    ("the byte after the last, closed", "bytes=10-10"),
    ("far beyond the end", "bytes=1000-2000"),
    ("a first byte of 2^64, which does not wrap", f"bytes={BIG}-"),
    ("a first byte of 2^64 + 1, which does not wrap", f"bytes={BIG + 1}-{BIG + 2}"),
    ("a first byte of 20 digits", "bytes=99999999999999999999-"),
    ("a first byte of 100 digits", f"bytes={'9' * 100}-"),
    ("an empty suffix", "bytes=-0"),
    ("an empty suffix of many zeros", "bytes=-000000"),
    ("several beyond the end", "bytes=10-11,20-,-0"),
]

IGNORED = [
    ("a last byte before the first", "bytes=5-3"),
    ("a last byte before the first, beyond the end", "bytes=20-15"),
    ("a backward part among good ones", "bytes=0-1,5-3"),
    ("a word among good ones", "bytes=0-1,x"),
    ("no numbers", "bytes=-"),
    ("nothing", "bytes="),
    ("a comma", "bytes=,"),
    ("words", "bytes=a-b"),
    ("a number alone", "bytes=5"),
    ("two dashes", "bytes=--1"),
    ("a dash in the wrong place", "bytes=0--1"),
    ("three numbers", "bytes=0-1-2"),
    ("signs", "bytes=+1-+2"),
    ("hexadecimal", "bytes=0x0-0x5"),
    ("fractions", "bytes=0.5-1.5"),
    ("junk behind", "bytes=0-1x"),
    ("a semicolon for a comma", "bytes=0-1;2-3"),
    ("a blank for a comma", "bytes=0-1 2-3"),
    ("a blank within a part", "bytes=0 - 1"),
    ("a blank before the equals sign", "bytes =0-1"),
    ("a colon for the equals sign", "bytes:0-1"),
    ("a blank for the equals sign", "bytes 0-1"),
    ("no unit", "0-1"),
    ("an empty unit", "=0-1"),
    ("the unit alone", "bytes"),
    ("another unit", "lines=0-1"),
    ("a unit that begins with ours", "bytesx=0-1"),
    ("a unit that ours begins with", "byte=0-1"),
    ("the unit none", "none=0-1"),
    ("two equals signs", "bytes==0-1"),
    ("quotes", 'bytes="0-1"'),
    ("another unit and ours", "lines=1, bytes=0-1"),
    ("a content range", "bytes 0-1/10"),
]

# On "0123456789" too, but several parts are left.
SEVERAL = [
    ("two parts", "bytes=0-1,8-9", [(0, 1), (8, 9)]),
    ("two parts with a blank after the comma", "bytes=0-1, 8-9", [(0, 1), (8, 9)]),
    ("two parts with blanks and a tab", "bytes=0-1 ,\t 8-9", [(0, 1), (8, 9)]),
    ("two parts of one byte", "bytes=0-0,-1", [(0, 0), (9, 9)]),
    ("two parts out of order, as they were asked", "bytes=8-9,0-1", [(8, 9), (0, 1)]),
    ("a suffix first", "bytes=-2,0-1", [(8, 9), (0, 1)]),
    ("an open part first", "bytes=7-,0-1", [(7, 9), (0, 1)]),
    ("three parts", "bytes=0-0,4-5,9-9", [(0, 0), (4, 5), (9, 9)]),
    ("five parts of one byte", "bytes=0-0,2-2,4-4,6-6,8-8", [(n, n) for n in (0, 2, 4, 6, 8)]),
    ("adjacent parts, which stay apart", "bytes=0-1,2-3", [(0, 1), (2, 3)]),
    ("adjacent parts out of order", "bytes=2-3,0-1", [(2, 3), (0, 1)]),
    ("an overlap beside another part", "bytes=0-3,2-5,8-9", [(0, 5), (8, 9)]),
    ("an overlap in the place of its first", "bytes=5-6,0-1,6-8", [(5, 8), (0, 1)]),
    ("an overlap that grows downwards", "bytes=5-6,0-1,4-5", [(4, 6), (0, 1)]),
    ("two overlaps", "bytes=0-1,5-6,1-2,6-7", [(0, 2), (5, 7)]),
    ("a repeated part beside another", "bytes=0-1,8-9,0-1", [(0, 1), (8, 9)]),
    ("a part beyond the end between two", "bytes=0-1,20-30,8-9", [(0, 1), (8, 9)]),
    ("empty elements between", "bytes=0-1,, ,8-9,", [(0, 1), (8, 9)]),
    ("a last part cut at the end", "bytes=0-1,8-99", [(0, 1), (8, 9)]),
    ("huge numbers cut at the end", "bytes=0-1,8-99999999999999999999", [(0, 1), (8, 9)]),
]


def spread(count, step=10):
    return [(n * step, n * step + 1) for n in range(count)]


def asked(parts):
    return "bytes=" + ",".join(f"{a}-{b}" for a, b in parts)


MANY = [
    row("sixteen parts are sent", "9110 14.2", OURS, "GET {thousand}",
        {"Range": asked(spread(16))}, status=206, parts=spread(16)),
    row("sixteen parts backwards are sent backwards", "9110 14.2", OURS, "GET {thousand}",
        {"Range": asked(spread(16)[::-1])}, status=206, parts=spread(16)[::-1]),
    row("seventeen parts are too many: the whole file", "9110 14.2", OURS, "GET {thousand}",
        {"Range": asked(spread(17))}, status=200),
    row("seventeen parts of which two overlap are sixteen", "9110 14.2", OURS, "GET {thousand}",
        {"Range": asked([*spread(16), (1, 3)])}, status=206, parts=[(0, 3), *spread(16)[1:]]),
    row("sixteen parts and ten beyond the end are sixteen", "9110 14.2", OURS, "GET {thousand}",
        {"Range": asked([*spread(16), *((n, n) for n in range(1000, 1010))])}, status=206,
        parts=spread(16)),
    row("ten beyond the end and sixteen parts are sixteen", "9110 14.2", OURS, "GET {thousand}",
        {"Range": asked([*((n, n) for n in range(1000, 1010)), *spread(16)])}, status=206,
        parts=spread(16)),
    row("a hundred parts that all overlap are one", "9110 14.2", OURS, "GET {thousand}",
        {"Range": asked([(n, n + 5) for n in range(100)])}, status=206, part=(0, 104)),
    row("three hundred parts are the whole file", "9110 14.2", OURS, "GET {thousand}",
        {"Range": asked(spread(300, 3))}, status=200),
    row("the same byte a thousand times is one part", "9110 14.2", OURS, "GET {thousand}",
        {"Range": "bytes=" + ",".join(["5-5"] * 1000)}, status=206, part=(5, 5)),
    row("a thousand parts beyond the end are 416", "9110 15.5.17", MUST, "GET {thousand}",
        {"Range": "bytes=" + ",".join(["1000-"] * 1000)}, status=416),
    row("one bad part after seventeen good ones spoils the field", "9110 14.2", MUST,
        "GET {thousand}", {"Range": asked(spread(17)) + ",5-3"}, status=200),
    row("large parts of a large file arrive whole", "9110 14.6", MUST, "GET {big}",
        {"Range": "bytes=0-999999,4000000-4999999"}, status=206,
        parts=[(0, 999999), (4000000, 4999999)]),
    row("small parts at both ends of a large file arrive", "9110 14.6", MUST, "GET {big}",
        {"Range": "bytes=0-0,-1"}, status=206, parts=[(0, 0), (4999999, 4999999)]),
]

IF_RANGE = [
    ("our tag", "{ten.tag}", 206, MUST),
    ("our tag made weak", "W/{ten.tag}", 200, MUST),
    ("another tag", '"000000000000"', 200, MUST),
    ("an empty tag", '""', 200, MUST),
    ("a star", "*", 200, MUST),
    ("a list that holds our tag", '"a", {ten.tag}', 200, MUST),
    ("our tag without quotes", "{ten.mark}", 200, MUST),
    ("our tag as mod_deflate marks it", '"{ten.mark}-gzip"', 200, MUST),
    ("our tag and junk", "{ten.tag}x", 200, MUST),
    ("the file's date", DATE, 206, MUST),
    ("an earlier date", EARLIER, 200, MUST),
    ("a later date, which is not the same", LATER, 200, MUST),
    ("the file's date as RFC 850 wrote it", "Tuesday, 14-Nov-23 22:13:20 GMT", 206, MUST),
    ("the file's date as asctime() writes it", "Tue Nov 14 22:13:20 2023", 206, MUST),
    ("the file's date and junk", DATE + "; x", 200, MUST),
    ("the file's date in another zone", DATE.replace("GMT", "UTC"), 200, MUST),
    ("junk", "junk", 200, MUST),
    ("a date far in the future", "Fri, 31 Dec 9999 23:59:59 GMT", 200, MUST),
]


def if_range():
    for what, value, status, level in IF_RANGE:
        more = {"part": (2, 3)} if status == 206 else {}
        yield row(f"If-Range with {what} is {status}", "9110 13.1.5", level, TEN,
                  {"Range": "bytes=2-3", "If-Range": value}, status=status, **more)
        later = {"parts": [(0, 1), (8, 9)]} if status == 206 else {}
        yield row(f"If-Range with {what} on several ranges is {status}", "9110 13.1.5", level,
                  TEN, {"Range": "bytes=0-1,8-9", "If-Range": value}, status=status, **later)


def simple():
    for what, value, part in SINGLE:
        yield row(f"a range of {what} is 206", "9110 14.1.2", MUST, TEN, {"Range": value},
                  status=206, part=part)
    for what, value in UNSATISFIABLE:
        yield row(f"a range of {what} is 416", "9110 15.5.17", MUST, TEN, {"Range": value},
                  status=416)
    for what, value in IGNORED:  # 14.2: a unit must be ignored, bad syntax may also be refused
        yield row(f"a range with {what} is ignored", "9110 14.2",
                  MUST if "unit" in what else OURS, TEN, {"Range": value}, status=200)
    for what, value, parts in SEVERAL:
        yield row(f"ranges, {what}, are multipart", "9110 14.6", MUST, TEN, {"Range": value},
                  status=206, parts=parts)


HEADS = {
    "one range": "bytes=0-1", "several ranges": "bytes=0-1,8-9", "a range beyond": "bytes=10-",
    "a range that is none": "bytes=x", "an empty suffix": "bytes=-0",
}


def on_head():
    for what, value in HEADS.items():
        yield row(f"HEAD with {what} has the head of the whole file", "9110 14.2", MUST,
                  "HEAD {ten}", {"Range": value}, status=200, has={"Content-Range": None})


def of_variants():
    for coding in ("br", "gzip", "zstd"):
        accept = ("Accept-Encoding", coding)
        yield row(f"a range of the {coding} variant is of its own bytes", "9110 14.1.2", MUST,
                  "GET {css}", [("Range", "bytes=5-24"), accept], status=206, coding=coding,
                  part=(5, 24))
        yield row(f"a suffix of the {coding} variant is of its own bytes", "9110 14.1.2", MUST,
                  "GET {css}", [("Range", "bytes=-7"), accept], status=206, coding=coding,
                  part=(-7, -1))
        yield row(f"several ranges of the {coding} variant are of its own bytes", "9110 14.6",
                  MUST, "GET {css}", [("Range", "bytes=0-4,20-24"), accept], status=206,
                  coding=coding, parts=[(0, 4), (20, 24)])
        yield row(f"a range beyond the {coding} variant is 416 with its length", "9110 14.4",
                  SHOULD, "GET {css}", [("Range", "bytes=19999-"), accept], status=416,
                  coding=coding)
        yield row(f"If-Range with the tag of identity is the whole {coding} variant",
                  "9110 13.1.5", MUST, "GET {css}",
                  [("Range", "bytes=5-24"), ("If-Range", "{css.tag}"), accept], status=200,
                  coding=coding)
        yield row(f"If-Range with the tag of {coding} is a part of it", "9110 13.1.5", MUST,
                  "GET {css}",
                  [("Range", "bytes=5-24"), ("If-Range", f"{{css.{coding}}}"), accept],
                  status=206, coding=coding, part=(5, 24))
        yield row(f"If-Range with the tag of {coding} is no part of identity", "9110 13.1.5",
                  MUST, "GET {css}",
                  [("Range", "bytes=5-24"), ("If-Range", f"{{css.{coding}}}")], status=200)


# Pairs of these, in both orders and with themselves, on the ten bytes.
MEMBERS = ["0-0", "0-4", "3-6", "5-", "-3", "9-9", "10-", "-0", "8-20"]


def extent(member):
    """First and last byte of one member on ten bytes, None when there is none."""
    first, _, last = member.partition("-")
    if not first:
        return (max(0, 10 - int(last)), 9) if int(last) else None
    return (int(first), min(int(last or 9), 9)) if int(first) < 10 else None


def united(one, other):
    if one[1] < other[0] or other[1] < one[0]:
        return [one, other]
    return [(min(one[0], other[0]), max(one[1], other[1]))]


def pairs_of_members():
    for members in product(MEMBERS, repeat=2):
        found = [extent(member) for member in members]
        left = [part for part in found if part]
        parts = united(*left) if len(left) == 2 else left
        want = ({"status": 416} if not parts else {"status": 206, "part": parts[0]}
                if len(parts) == 1 else {"status": 206, "parts": parts})
        value = "bytes=" + ",".join(members)
        yield row(f"the ranges {value} of ten bytes", "9110 14.1.2", MUST, TEN, {"Range": value},
                  **want)


OTHERS = [
    row("a range of a file of no bytes is 416", "9110 14.1.2", MUST, "GET {empty}",
        {"Range": "bytes=0-0"}, status=416),
    row("an open range of a file of no bytes is 416", "9110 14.1.2", MUST, "GET {empty}",
        {"Range": "bytes=0-"}, status=416),
    row("a suffix of a file of no bytes is 416 or the whole", "9110 14.1.2", MUST, "GET {empty}",
        {"Range": "bytes=-5"}, status={200, 416}),
    row("several ranges of a file of no bytes are 416", "9110 14.1.2", MUST, "GET {empty}",
        {"Range": "bytes=0-0,5-"}, status=416),
    row("a range of the only byte is 206", "9110 14.1.2", MUST, "GET {one}",
        {"Range": "bytes=0-0"}, status=206, part=(0, 0)),
    row("a range after the only byte is 416", "9110 14.1.2", MUST, "GET {one}",
        {"Range": "bytes=1-"}, status=416),
    row("a range of a live file is 206", "9110 14.2", MUST, "GET {live}",
        {"Range": "bytes=5-7"}, status=206, part=(5, 7)),
    row("several ranges of a live file are multipart", "9110 14.6", MUST, "GET {live}",
        {"Range": "bytes=5-7,9-9"}, status=206, parts=[(5, 7), (9, 9)]),
    row("a range of a name with a blank is 206", "9110 14.2", MUST, "GET /static/conf/a%20b.txt",
        {"Range": "bytes=1-3"}, status=206, file="conf/a b.txt", part=(1, 3)),
    row("several ranges of a name with a blank are multipart", "9110 14.6", MUST,
        "GET /static/conf/a%20b.txt", {"Range": "bytes=1-3,5-5"}, status=206,
        file="conf/a b.txt", parts=[(1, 3), (5, 5)]),
    row("a range in the middle of a large file is exact", "9110 14.2", MUST, "GET {big}",
        {"Range": "bytes=1234567-2345678"}, status=206, part=(1234567, 2345678)),
    row("If-Range without Range is ignored", "9110 13.1.5", MUST, TEN,
        {"If-Range": "{ten.tag}"}, status=200),
    row("If-Range with another tag without Range is ignored", "9110 13.1.5", MUST, TEN,
        {"If-Range": '"0"'}, status=200),
    row("If-Range that holds leaves 416 to a range beyond the end", "9110 13.1.5", MUST, TEN,
        {"If-Range": "{ten.tag}", "Range": "bytes=10-"}, status=416),
    row("If-Range that fails makes a range beyond the end 200", "9110 13.1.5", MUST, TEN,
        {"If-Range": '"0"', "Range": "bytes=10-"}, status=200),
    row("If-Range that holds does not mend a range that is none", "9110 14.2", MUST, TEN,
        {"If-Range": "{ten.tag}", "Range": "bytes=5-3"}, status=200),
    row("If-Range on HEAD is ignored", "9110 13.1.5", MUST, "HEAD {ten}",
        {"If-Range": "{ten.tag}", "Range": "bytes=0-1"}, status=200),
    row("a range on a missing name is 404", "9110 14.2", MUST, "GET /static/nothing.css",
        {"Range": "bytes=0-1"}, status=404),
    row("a range on POST is ignored: 405", "9110 14.2", MUST, "POST {ten}",
        {"Range": "bytes=0-1"}, status=405, body=b""),
    row("a range on OPTIONS is ignored: 204", "9110 14.2", MUST, "OPTIONS {ten}",
        {"Range": "bytes=0-1"}, status=204),
    row("a range where nothing is acceptable is 406", "9110 14.2", MUST, "GET {css}",
        {"Range": "bytes=0-1", "Accept-Encoding": "*;q=0"}, status=406),
    row("a blank after the equals sign is a range or none", "9110 14.1.1", MUST, TEN,
        {"Range": "bytes= 2-3"}, status={200, 206}, part=(2, 3)),
    row("20 digits before 20 smaller ones are ignored or beyond the end", "9110 14.1.1", MUST,
        TEN, {"Range": "bytes=99999999999999999999-99999999999999999998"}, status={200, 416}),
    row("two Range lines are no range, or all of them", "9110 5.3", MUST, TEN,
        [("Range", "bytes=2-3"), ("Range", "bytes=5-6")], status=200),
    row("an old client's Request-Range is no Range", "9110 14.2", MUST, TEN,
        {"Request-Range": "bytes=0-1"}, status=200),
    row("HTTP/1.0 may ask for a range", "9110 14.2", SHOULD, TEN, {"Range": "bytes=2-3"},
        status=206, part=(2, 3), version="1.0"),
    row("a range of the original name keeps its freshness", "9110 15.3.7", MUST,
        "GET {ten_plain}", {"Range": "bytes=2-3"}, status=206, part=(2, 3),
        has={"Cache-Control": "max-age=60, public"}),
    row("a 206 holds what a 200 would have held", "9110 15.3.7", MUST, "GET {css}",
        {"Range": "bytes=2-3"}, status=206, part=(2, 3),
        has={"ETag": "{css.tag}", "Vary": "Accept-Encoding", "Access-Control-Allow-Origin": "*",
             "Cache-Control": "max-age=315360000, public, immutable"}),
    row("a multipart 206 holds what a 200 would have held", "9110 15.3.7", MUST, "GET {css}",
        {"Range": "bytes=2-3,8-9"}, status=206, parts=[(2, 3), (8, 9)],
        has={"ETag": "{css.tag}", "Vary": "Accept-Encoding", "Access-Control-Allow-Origin": "*",
             "Cache-Control": "max-age=315360000, public, immutable"}),
    row("a 416 holds the fields that describe the file", "9110 15.5.17", OURS, "GET {css}",
        {"Range": "bytes={css.size}-"}, status=416,
        has={"Vary": "Accept-Encoding", "ETag": "{css.tag}", "Accept-Ranges": "bytes",
             "Access-Control-Allow-Origin": "*", "Content-Range": "bytes */{css.size}"}),
]

ROWS = [*simple(), *pairs_of_members(), *MANY, *if_range(), *on_head(), *of_variants(), *OTHERS]
