"""Preconditions: RFC 9110 13, evaluated in the order of 13.2.2."""

from itertools import combinations, product

from cases import DATE, EARLIER, IMMUTABLE, LATER, MUST, OURS, SHOULD, row

HAS_304 = {
    "ETag": "{app.tag}", "Cache-Control": IMMUTABLE, "Vary": "Accept-Encoding",
    "Content-Type": None, "Content-Encoding": None, "Content-Range": None, "Last-Modified": None,
    "Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff",
}
HAS_412 = {
    "Cache-Control": "no-store", "Vary": "Accept-Encoding", "Content-Range": None,
    "Content-Encoding": None, "X-Content-Type-Options": "nosniff",
}
HAS = {304: HAS_304, 412: HAS_412, 200: {"ETag": "{app.tag}"}}

APP = "GET {app}"

# Field value, status, whether it is an RFC's or our own rule, and what it is.
NONE_MATCH = [
    ("our tag", "{app.tag}", 304, MUST),
    ("our tag made weak", "W/{app.tag}", 304, MUST),
    ("our tag with a lower-case w/, which is no tag", "w/{app.tag}", 200, MUST),
    ("our tag first in a list", '{app.tag}, "a", "b"', 304, MUST),
    ("our tag amid a list", '"a", {app.tag}, "b"', 304, MUST),
    ("our tag last in a list", '"a", W/"b", {app.tag}', 304, MUST),
    ("our tag weak in a list of weak ones", 'W/"a", W/{app.tag}', 304, MUST),
    ("a list without blanks", '"a",{app.tag},"b"', 304, MUST),
    ("a list with tabs around its commas", '"a"\t,\t{app.tag}', 304, MUST),
    ("a list with empty elements", ", ,{app.tag}, ,", 304, MUST),
    ("a list that begins with an empty element", ",{app.tag}", 304, MUST),
    ("a comma inside the tag before ours", '"a,b", {app.tag}', 304, MUST),
    ("commas and blanks inside other tags alone", '"a,{app.mark},b"', 200, MUST),
    ("a backslash, which escapes nothing in a tag", '"a\\", {app.tag}', 304, MUST),
    ("a tag of obs-text before ours", '"\xe9\xff", {app.tag}', 304, MUST),
    ("an empty tag before ours", '"", {app.tag}', 304, MUST),
    ("a star inside a tag", '"*"', 200, MUST),
    ("another tag", '"000000000000"', 200, MUST),
    ("another tag, weak", 'W/"000000000000"', 200, MUST),
    ("an empty tag", '""', 200, MUST),
    ("a tag that begins with ours", '"{app.mark}0"', 200, MUST),
    ("a tag that ends with ours", '"0{app.mark}"', 200, MUST),
    ("ours without quotes", "{app.mark}", 200, MUST),
    ("ours in single quotes", "'{app.mark}'", 200, MUST),
    ("ours unclosed", '"{app.mark}', 200, MUST),
    ("ours with a blank inside", '" {app.mark}"', 200, MUST),
    ("a star", "*", 304, MUST),
    ("fifty other tags before ours", '"x", ' * 50 + "{app.tag}", 304, MUST),
    ("fifty other tags", '"x", ' * 50 + '"y"', 200, MUST),
    ("the tag of another variant", "{app.br}", 200, MUST),
    ("our tag as mod_deflate marks it", '"{app.mark}-gzip"', 304, OURS),
    ("our tag as mod_brotli marks it", '"{app.mark}-br"', 304, OURS),
    ("our tag marked and made weak", 'W/"{app.mark}-gzip"', 304, OURS),
    ("our tag marked, in a list", '"a", "{app.mark}-br", "b"', 304, OURS),
    ("a mark that is longer", '"{app.mark}-gzipx"', 200, MUST),
    ("a mark in capitals", '"{app.mark}-GZIP"', 200, MUST),
    ("a mark of nothing", '"{app.mark}-"', 200, MUST),
    ("a mark before the tag", '"gzip-{app.mark}"', 200, MUST),
    ("a mark and no tag", '"-gzip"', 200, MUST),
]

MATCH = [
    ("our tag", "{app.tag}", 200, MUST),
    ("our tag made weak", "W/{app.tag}", 412, MUST),
    ("a star", "*", 200, MUST),
    ("our tag in a list", '"a", {app.tag}, "b"', 200, MUST),
    ("our tag after a weak one", 'W/"a", {app.tag}', 200, MUST),
    ("our tag weak among strong others", '"a", W/{app.tag}', 412, MUST),
    ("our tag weak and strong", "W/{app.tag}, {app.tag}", 200, MUST),
    ("a list with empty elements", ",, {app.tag} ,", 200, MUST),
    ("a comma inside the tag before ours", '"a,b",{app.tag}', 200, MUST),
    ("another tag", '"000000000000"', 412, MUST),
    ("other tags", '"a", "b", "c"', 412, MUST),
    ("an empty tag", '""', 412, MUST),
    ("the tag of another variant", "{app.br}", 412, MUST),
    ("our tag as mod_deflate marks it: not the same bytes", '"{app.mark}-gzip"', 412, MUST),
    ("our tag as mod_brotli marks it: not the same bytes", '"{app.mark}-br"', 412, MUST),
]

# Forms of the file's date, of a second before and of a second after it.
FORMS = {
    "as IMF-fixdate": (EARLIER, DATE, LATER),
    "as RFC 850 wrote it": tuple(
        f"Tuesday, 14-Nov-23 22:13:{s} GMT" for s in ("19", "20", "21")),
    "as asctime() writes it": tuple(f"Tue Nov 14 22:13:{s} 2023" for s in ("19", "20", "21")),
}

NO_DATES = {
    "no date at all": "yesterday",
    "a date and junk": DATE + " junk",
    "a date and a length, as old browsers sent it": DATE + "; length=100000",
    "two dates": f"{DATE}, {DATE}",
    "a zone that is not GMT": DATE.replace("GMT", "UTC"),
    "a numeric zone": DATE.replace("GMT", "+0000"),
    "no zone": DATE.replace(" GMT", ""),
    "an hour of 25": "Tue, 14 Nov 2023 25:13:20 GMT",
    "a minute of 60": "Tue, 14 Nov 2023 22:60:20 GMT",
    "a day of 32": "Tue, 32 Nov 2023 22:13:20 GMT",
    "a day of 0": "Tue, 00 Nov 2023 22:13:20 GMT",
    "an unknown month": "Tue, 14 Foo 2023 22:13:20 GMT",
    "a day of one digit": "Tue, 4 Nov 2023 22:13:20 GMT",
    "a year of two digits": "Tue, 14 Nov 23 22:13:20 GMT",
    "a year of five digits": "Tue, 14 Nov 20231 22:13:20 GMT",
    "seconds since 1970": "1700000000",
    "a minus": "-1",
    "an ISO date": "2023-11-14T22:13:20Z",
    "quotes around a date": f'"{DATE}"',
    "a date cut short": DATE[:-8],
    "an entity tag": "{app.tag}",
}

FAR_DATES = [
    ("the year 2099", "Thu, 31 Dec 2099 23:59:59 GMT", True),
    ("the year 9999", "Fri, 31 Dec 9999 23:59:59 GMT", True),
    ("a second after 2038", "Tue, 19 Jan 2038 03:14:08 GMT", True),
    ("the start of 1970", "Thu, 01 Jan 1970 00:00:00 GMT", False),
    ("the year 1900", "Mon, 01 Jan 1900 00:00:00 GMT", False),
    ("a two-digit year 94, which was 1994", "Sunday, 06-Nov-94 08:49:37 GMT", False),
    ("a two-digit year 50, which will be 2050", "Sunday, 06-Nov-50 08:49:37 GMT", True),
    ("asctime() with a blank for a digit", "Sun Nov  6 08:49:37 1994", False),
    ("a leap day", "Thu, 29 Feb 2024 00:00:00 GMT", True),
    ("a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", False),
]


def lists(field, section, table):
    for what, value, status, level in table:
        yield row(f"{field} with {what} is {status}", section, level, APP, {field: value},
                  status=status, has=HAS[status])


def dates():
    for form, (earlier, date, later) in FORMS.items():
        for value, since, unmodified in ((earlier, 200, 412), (date, 304, 200), (later, 304, 200)):
            when = "before" if value is earlier else "after" if value is later else "of"
            yield row(f"If-Modified-Since, a date {when} the file's {form}, is {since}",
                      "9110 13.1.3", MUST, APP, {"If-Modified-Since": value},
                      status=since, has=HAS[since])
            yield row(f"If-Unmodified-Since, a date {when} the file's {form}, is {unmodified}",
                      "9110 13.1.4", MUST, APP, {"If-Unmodified-Since": value},
                      status=unmodified, has=HAS[unmodified])
    for what, value, after in FAR_DATES:
        since, unmodified = (304, 200) if after else (200, 412)
        yield row(f"If-Modified-Since {what} is {since}", "9110 13.1.3", MUST, APP,
                  {"If-Modified-Since": value}, status=since, has=HAS[since])
        yield row(f"If-Unmodified-Since {what} is {unmodified}", "9110 13.1.4", MUST, APP,
                  {"If-Unmodified-Since": value}, status=unmodified, has=HAS[unmodified])
    for what, value in NO_DATES.items():
        for field, section in (("If-Modified-Since", "13.1.3"), ("If-Unmodified-Since", "13.1.4")):
            yield row(f"{field} with {what} is ignored", f"9110 {section}", MUST, APP,
                      {field: value}, status=200)
    for field, section in (("If-Modified-Since", "13.1.3"), ("If-Unmodified-Since", "13.1.4")):
        yield row(f"{field} on two lines is no date and is ignored", f"9110 {section}", MUST, APP,
                  [(field, EARLIER), (field, DATE)], status=200)
        yield row(f"an empty {field} is ignored", f"9110 {section}", MUST, APP, {field: ""},
                  status=200)


# The states of each precondition, in the order of 13.2.2. The value, and whether it holds.
STATES = {
    "If-Match": {
        "that holds": ("{app.tag}", True), "that fails": ('"other"', False), "*": ("*", True)},
    "If-Unmodified-Since": {
        "that holds": (DATE, True), "that fails": (EARLIER, False), "of junk": ("junk", None)},
    "If-None-Match": {
        "that holds": ('"other"', True), "that fails": ("{app.tag}", False),
        "that fails by a weak tag": ("W/{app.tag}", False), "*": ("*", False)},
    "If-Modified-Since": {
        "that holds": (EARLIER, True), "that fails": (DATE, False),
        "that fails by a later date": (LATER, False), "of junk": ("junk", None)},
    "If-Range": {
        "of our tag": ("{app.tag}", True), "of another tag": ('"other"', False),
        "of our date": (DATE, True), "of another date": (LATER, False)},
    "Range": {"of ten bytes": ("bytes=0-9", True), "beyond the end": ("bytes=100000-", False)},
}


def judged(states):
    """13.2.2 in so many words: the status that fields in these states must lead to."""
    holds = {field: state[1] for field, state in states.items()}
    if holds.get("If-Match") is False:
        return 412
    if "If-Match" not in holds and holds.get("If-Unmodified-Since") is False:
        return 412
    if holds.get("If-None-Match") is False:
        return 304
    if "If-None-Match" not in holds and holds.get("If-Modified-Since") is False:
        return 304
    if "Range" not in holds or holds.get("If-Range") is False:
        return 200
    return 206 if holds["Range"] else 416


def combined(fields):
    for names in product(*(STATES[field] for field in fields)):
        states = {field: STATES[field][name] for field, name in zip(fields, names)}
        status = judged(states)
        told = " and ".join(f"{field} {name}" for field, name in zip(fields, names))
        more = {"part": (0, 9)} if status == 206 else {}
        yield row(f"{told}: {status}", "9110 13.2.2", MUST, APP,
                  {field: state[0] for field, state in states.items()},
                  status=status, has=HAS.get(status, {}), **more)


def pairs_of_fields():
    for fields in combinations(STATES, 2):
        yield from combined(fields)
    for field in ("If-Match", "If-None-Match"):
        yield from combined((field, "If-Range", "Range"))


CSS = "GET {css}"
BR = ("Accept-Encoding", "br")
OTHERS = [
    row("If-None-Match over two lines is one list", "9110 5.3", MUST, APP,
        [("If-None-Match", '"a"'), ("If-None-Match", "{app.tag}")], status=304, has=HAS_304),
    row("If-None-Match over three lines without our tag is 200", "9110 5.3", MUST, APP,
        [("If-None-Match", f'"{n}"') for n in "abc"], status=200),
    row("If-Match over two lines is one list", "9110 5.3", MUST, APP,
        [("If-Match", '"a"'), ("If-Match", "{app.tag}")], status=200),
    row("field names in odd letters are the same fields", "9110 5.1", MUST, APP,
        {"iF-nOnE-mAtCh": "{app.tag}"}, status=304, has=HAS_304),
    row("an empty If-None-Match matches nothing", "9110 13.1.2", MUST, APP,
        {"If-None-Match": ""}, status=200),
    row("If-None-Match of commas alone matches nothing", "9110 13.1.2", MUST, APP,
        {"If-None-Match": ", , ,"}, status=200),
    row("If-None-Match on HEAD is 304 as on GET", "9110 13.1.2", MUST, "HEAD {app}",
        {"If-None-Match": "{app.tag}"}, status=304, has=HAS_304),
    row("If-Modified-Since on HEAD is 304 as on GET", "9110 13.1.3", MUST, "HEAD {app}",
        {"If-Modified-Since": DATE}, status=304, has=HAS_304),
    row("If-Match that fails on HEAD is 412", "9110 13.1.1", MUST, "HEAD {app}",
        {"If-Match": '"other"'}, status=412, has=HAS_412),
    row("If-Unmodified-Since that fails on HEAD is 412", "9110 13.1.4", MUST, "HEAD {app}",
        {"If-Unmodified-Since": EARLIER}, status=412, has=HAS_412),
    row("a 304 names the tag of the variant that would be sent", "9110 15.4.5", MUST, CSS,
        [("If-None-Match", "{css.br}"), BR], status=304,
        has={"ETag": "{css.br}", "Vary": "Accept-Encoding", "Content-Encoding": None}),
    row("the tag of identity does not stand for the brotli variant", "9110 8.8.3.3", MUST, CSS,
        [("If-None-Match", "{css.tag}"), BR], status=200, coding="br"),
    row("the tag of brotli does not stand for the gzip variant", "9110 8.8.3.3", MUST, CSS,
        [("If-None-Match", "{css.br}"), ("Accept-Encoding", "gzip")], status=200, coding="gzip"),
    row("the tags of all variants hold the one that would be sent", "9110 13.1.2", MUST, CSS,
        [("If-None-Match", "{css.tag}, {css.br}, {css.gzip}, {css.zstd}"), BR], status=304,
        has={"ETag": "{css.br}"}),
    row("If-Match with the tag of the variant that would be sent holds", "9110 13.1.1", MUST, CSS,
        [("If-Match", "{css.br}"), BR], status=200, coding="br"),
    row("If-Match with the tag of identity fails for the brotli variant", "9110 13.1.1", MUST,
        CSS, [("If-Match", "{css.tag}"), BR], status=412, has=HAS_412),
    row("a 304 for the original name says its own freshness", "9110 15.4.5", MUST,
        "GET {app_plain}", {"If-None-Match": "{app.tag}"}, status=304,
        has={"Cache-Control": "max-age=60, public", "ETag": "{app.tag}"}),
    row("a 304 without validators in common is decided by date on live files", "9110 13.1.3",
        MUST, "GET {live}", {"If-Modified-Since": DATE}, status=304, has={"Content-Type": None}),
    row("another tag on a live file is 200", "9110 13.1.2", MUST, "GET {live}",
        {"If-None-Match": '"0"', "If-Modified-Since": DATE}, status=200),
    row("If-None-Match * on an empty file is 304", "9110 13.1.2", MUST, "GET {empty}",
        {"If-None-Match": "*"}, status=304),
    row("preconditions do not turn 404 into 412", "9110 13.2.1", MUST,
        "GET /static/nothing.css", {"If-Match": "*"}, status=404),
    row("preconditions do not turn 404 into 304", "9110 13.2.1", MUST,
        "GET /static/nothing.css", {"If-None-Match": "*"}, status=404),
    row("preconditions do not turn 405 into 412", "9110 13.2.1", MUST, "PUT {app}",
        {"If-Match": '"other"'}, status=405, body=b"x"),
    row("preconditions do not turn 501 into 412", "9110 13.2.1", MUST, "BREW {app}",
        {"If-Match": '"other"'}, status=501),
    row("preconditions do not turn 406 into 304", "9110 13.2.1", MUST, CSS,
        {"If-None-Match": "*", "Accept-Encoding": "*;q=0"}, status=406),
    row("preconditions do not turn 406 into 412", "9110 13.2.1", MUST, CSS,
        {"If-Match": '"other"', "Accept-Encoding": "*;q=0"}, status=406),
    row("If-None-Match on OPTIONS is ignored", "9110 13.2.1", MUST, "OPTIONS {app}",
        {"If-None-Match": "*"}, status=204),
    row("If-Match on OPTIONS is ignored", "9110 13.2.1", MUST, "OPTIONS {app}",
        {"If-Match": '"other"'}, status=204),
    row("a client that asks for no stored answer still may have a 304", "9111 5.2.1.4", SHOULD,
        APP, {"If-None-Match": "{app.tag}", "Cache-Control": "no-cache", "Pragma": "no-cache"},
        status=304, has=HAS_304),
    row("a 304 to another origin may be read by it", "Fetch 3.2", MUST, APP,
        {"If-None-Match": "{app.tag}", "Origin": "https://example.org"}, status=304,
        has={"Access-Control-Allow-Origin": "*"}),
]



def timed(name, has=None, fields=(), status=200, **want):
    return {"request": f"GET /static/conf/{name}", "fields": fields, "status": status,
            "file": f"conf/{name}", "has": has or {}, **want}


# 0 and 1 are what package builds write: they say nothing of when a file changed.
TIMED = [
    ("a file of the time 0 has no date", timed("time-0.txt", {"Last-Modified": None})),
    ("a file of the time 1 has no date", timed("time-1.txt", {"Last-Modified": None})),
    ("a file of the time 2 has one",
     timed("time-2.txt", {"Last-Modified": "Thu, 01 Jan 1970 00:00:02 GMT"})),
    ("a date cannot be since that of a file without one",
     timed("time-1.txt", fields={"If-Modified-Since": LATER})),
    ("a date cannot be before that of a file without one",
     timed("time-1.txt", fields={"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"})),
    ("a date cannot be that of a file without one",
     timed("time-1.txt", fields={"If-Range": "Thu, 01 Jan 1970 00:00:01 GMT",
                                 "Range": "bytes=0-1"})),
    ("a file without a date has parts",
     timed("time-1.txt", {"Last-Modified": None}, {"Range": "bytes=0-1"}, 206, part=(0, 1))),
    ("a file without a date has a tag",
     timed("time-0.txt", {"Last-Modified": None}, {"If-None-Match": "*"}, 304)),
    ("a file from before 1970 is served", timed("time-before-1970.txt")),
    # 8.8.2.1 forbids a Last-Modified later than Date, which is Apache's: so none at all.
    ("a file from the future has no date", timed("time-ahead.txt", {"Last-Modified": None})),
    ("a part of a file from the future has no date",
     timed("time-ahead.txt", {"Last-Modified": None}, {"Range": "bytes=1-2"}, 206, part=(1, 2))),
    ("a time between two seconds is told as the first", timed("time-between.txt",
                                                              {"Last-Modified": DATE})),
    ("a time between two seconds is not since the first",
     timed("time-between.txt", {}, {"If-Modified-Since": DATE}, 304)),
    ("a time between two seconds is still unmodified since the first",
     timed("time-between.txt", {}, {"If-Unmodified-Since": DATE})),
]

ROWS = [
    *lists("If-None-Match", "9110 13.1.2", NONE_MATCH),
    *lists("If-Match", "9110 13.1.1", MATCH),
    *dates(),
    *pairs_of_fields(),
    *OTHERS,
    *(row(what, "9110 8.8.2", MUST, **want) for what, want in TIMED),
]
