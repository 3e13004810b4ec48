"""Streams that no web server would send, each with all that must come back for it.

What comes back is a list: the status of an answer, END_REQUEST or values as below, and how it goes on.
"""

import random
import struct

from fastcgi import (
    ABORT, BEGIN, DATA, END, GET_VALUES, GET_VALUES_RESULT, PARAMS, STDERR, STDIN, STDOUT,
    UNKNOWN_TYPE, begin, get_values, head, pairs, record, stream, usual,
)

WORKERS = 2
CONNECTIONS = 500  # of each worker, in the fixture
HEAD_MAX = 131072  # as in the manual

# What comes back, beside the status of an answer.
CLOSED = "closed"
USABLE = "answers the next request"
WAITS = "waits for more"


def role(number):
    """The end of request `number`, whose role is not ours."""
    return "unknown role", number


def unknown(kind):
    """The answer to a management record of that type."""
    return "unknown type", kind


def values(**expected):
    return "values", expected


EVERY_CONNECTION = str(WORKERS * CONNECTIONS)
ALL_VALUES = values(FCGI_MAX_CONNS=EVERY_CONNECTION, FCGI_MAX_REQS=EVERY_CONNECTION,
                    FCGI_MPXS_CONNS="0")
NAMES = "FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"

# ---- streams ----

TARGET = "/static/data.json"
NO_BODY = record(STDIN)


def get(keep=False, number=1, **more):
    """A whole request as Apache would send it, with `more` parameters."""
    return head(usual(TARGET, **more), keep, number) + record(STDIN, number=number)


def given(params, keep=False, body=b""):
    """A whole request whose parameters are these bytes."""
    return begin(keep) + stream(PARAMS, params) + stream(STDIN, body)


def within(extra):
    """A request with something else in the middle of its head."""
    params = pairs(usual(TARGET))
    return begin() + record(PARAMS, params[:40]) + extra + stream(PARAMS, params[40:]) + NO_BODY


def body_of(length, *records):
    """A request that announces a body, and whose connection is kept."""
    return head(usual(TARGET, CONTENT_LENGTH=length), True) + b"".join(records)


def of_version(version):
    return bytes([version])


def head_of(size):
    """A whole request whose head, the empty end of its body aside, has exactly this many bytes."""
    long = pairs(usual(TARGET))
    records = 16 + 8  # FCGI_BEGIN_REQUEST, and the empty FCGI_PARAMS
    while len(long) + records + 8 * (len(long) // 65535 + 1) < size:
        left = size - records - len(long) - 8 * ((size - records) // 65543 + 1)
        fill = min(left, 60000)
        fill = fill - 50 if 0 < left - fill < 50 else fill
        long += bytes([1]) + struct.pack(">I", fill - 6 | 1 << 31) + b"X" + b"v" * (fill - 6)
    whole = begin() + stream(PARAMS, long)
    assert len(whole) == size
    return whole + NO_BODY


def without(*names):
    return pairs({k: v for k, v in usual(TARGET).items() if k not in names})


def noise(seed):
    return random.Random(seed).randbytes(3000)


CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + noise(0)[:195]
WIDE = struct.pack  # the length of a name or a value in four bytes
USUAL = pairs(usual(TARGET))
SPLIT = USUAL + b"\x04\x80\x00\x00\x03NAMEabc"

STREAMS = {
    # ---- another protocol ----
    "an HTTP request": (b"GET /static/data.json HTTP/1.1\r\nHost: a\r\n\r\n", [CLOSED]),
    "an HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [CLOSED]),
    "a TLS ClientHello": (CLIENT_HELLO, [CLOSED]),
    "a uwsgi packet": (b"\x00\x10\x00\x00\x06\x00METHOD\x03\x00GET", [CLOSED]),
    "an SCGI request": (b"24:CONTENT_LENGTH\x000\x00SCGI\x001\x00,", [CLOSED]),
    "the words of a mailer": (b"EHLO example.org\r\n", [CLOSED]),
    "zeros": (bytes(5000), [CLOSED]),
    "ones": (b"\xff" * 5000, [CLOSED]),
    "first bytes of the right version and then noise": (b"\x01" + noise(7), [CLOSED]),
    **{f"noise of seed {seed}": (noise(seed), [CLOSED]) for seed in range(1, 7)},

    # ---- records that do not belong where they are ----
    **{f"version {version} in the first record": (of_version(version) + get()[1:], [CLOSED])
       for version in (0, 2, 255)},
    **{f"version {version} within a head": (within(record(PARAMS, version=version)), [CLOSED])
       for version in (0, 2, 255)},
    "version 2 behind a head": (head(usual(TARGET)) + record(STDIN, version=2), [CLOSED]),
    **{f"a first record of type {kind}": (record(kind, b"12345678") + get(), [CLOSED])
       for kind in (0, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, 12, 255)},
    **{f"a record of type {kind} within a head": (within(record(kind, b"12345678")), [CLOSED])
       for kind in (0, BEGIN, ABORT, END, STDIN, STDOUT, STDERR, DATA, GET_VALUES, 12, 255)},
    "the body before the parameters": (
        begin() + NO_BODY + stream(PARAMS, USUAL) + NO_BODY, [CLOSED]),
    "the end of the body of another request": (
        head(usual(TARGET), number=1) + record(STDIN, number=2), [CLOSED]),
    "FCGI_DATA in place of the body": (head(usual(TARGET)) + record(DATA), [CLOSED]),

    # ---- the beginning of a request ----
    "a request of id 0": (get(number=0), [CLOSED]),
    "a request of id 65535": (get(True, number=65535), ["200", USABLE]),
    "a beginning twice": (begin() + get(), [CLOSED]),
    "two requests whose records alternate": (
        begin(True, 1) + begin(True, 2) + stream(PARAMS, USUAL, 1) + stream(PARAMS, USUAL, 2)
        + record(STDIN, b"", 1) + record(STDIN, b"", 2), [CLOSED]),
    "parameters of two requests": (
        begin(True, 1) + record(PARAMS, USUAL, 1) + stream(PARAMS, USUAL, 2), [CLOSED]),
    "a beginning and never parameters, but the next beginning": (begin(True) * 2, [CLOSED]),
    **{f"a beginning of {size} bytes": (record(BEGIN, b"\0\1\1" + bytes(size)) + get(), [CLOSED])
       for size in (1, 4, 6, 5000)},
    "an empty beginning": (record(BEGIN) + get(), [CLOSED]),
    "a beginning whose reserved bytes are set": (
        record(BEGIN, b"\0\1\1\xff\xff\xff\xff\xff") + get()[16:], ["200", USABLE]),
    "a beginning with unknown flags": (
        record(BEGIN, b"\0\1\xfe\0\0\0\0\0") + get()[16:], ["200", CLOSED]),
    "every record padded with 255 bytes": (
        record(BEGIN, b"\0\1\1\0\0\0\0\0", padding=255) + record(PARAMS, USUAL, padding=255)
        + record(PARAMS, padding=255) + record(STDIN, padding=255), ["200", USABLE]),

    # ---- roles ----
    **{f"role {number}": (begin(True, 7, number) + get(True, 7)[16:], [role(7), CLOSED])
       for number in (0, 2, 3, 4, 256, 65535)},
    "role 2 and a body of 3 MB": (
        begin(role=2) + stream(PARAMS, USUAL) + stream(STDIN, bytes(3 << 20)), [role(1), CLOSED]),
    "role 2 and nothing more": (begin(role=2), [role(1), CLOSED]),
    "role 2 behind a request": (get(True) + begin(True, 9, 2), ["200", role(9), CLOSED]),
    "role 2 of id 0": (begin(True, 0, 2), [CLOSED]),

    # ---- parameters ----
    "no parameters at all": (given(b"", True), ["400", USABLE]),
    "no REQUEST_METHOD": (given(without("REQUEST_METHOD"), True), ["501", USABLE]),
    "an empty REQUEST_METHOD": (get(True, REQUEST_METHOD=""), ["501", USABLE]),
    "a REQUEST_METHOD of 60 KB": (get(True, REQUEST_METHOD="G" * 60000), ["501", USABLE]),
    "no REQUEST_URI and no SCRIPT_NAME": (
        given(without("REQUEST_URI", "SCRIPT_NAME"), True), ["400", USABLE]),
    "a REQUEST_URI of 60 KB": (get(True, REQUEST_URI="/static/" + "a" * 60000), ["414", USABLE]),
    "a REQUEST_URI of every byte": (
        get(True, REQUEST_URI=b"/static/" + bytes(range(1, 256))), ["400", USABLE]),
    "an HTTP_RANGE of 60 KB": (
        get(True, HTTP_RANGE="bytes=" + "0-0," * 15000 + "0-0"), ["206", USABLE]),
    "an HTTP_RANGE of 50 KB, almost all beyond the end": (
        get(True, HTTP_RANGE="bytes=" + ",".join(f"{n}-{n}" for n in range(0, 10000, 2))),
        ["206", USABLE]),
    "an HTTP_IF_NONE_MATCH of 60 KB": (
        get(True, HTTP_IF_NONE_MATCH='"a",' * 15000 + '"b"'), ["200", USABLE]),
    "an HTTP_ACCEPT_ENCODING of 60 KB": (
        get(True, HTTP_ACCEPT_ENCODING="br;q=0.5," * 6600), ["200", USABLE]),
    "a parameter twice": (given(USUAL + pairs({"REQUEST_METHOD": "POST"}), True), ["200", USABLE]),
    "10,000 parameters": (
        given(USUAL + b"".join(pairs({f"P{n}": "v"}) for n in range(10000)), True),
        ["200", USABLE]),
    "20,000 parameters without name and value": (given(USUAL + bytes(40000), True),
                                                ["200", USABLE]),
    "parameters of one byte a record": (
        begin(True) + b"".join(record(PARAMS, USUAL[i : i + 1]) for i in range(len(USUAL)))
        + record(PARAMS) + NO_BODY, ["200", USABLE]),
    "a length that is cut by the end of its record": (
        begin(True) + record(PARAMS, SPLIT[: len(USUAL) + 3])
        + stream(PARAMS, SPLIT[len(USUAL) + 3 :]) + NO_BODY, ["200", USABLE]),
    "a small length in four bytes": (
        given(USUAL + WIDE(">II", 1 << 31 | 1, 1 << 31) + b"A", True), ["200", USABLE]),
    "a name of 2^31 - 1 bytes": (given(WIDE(">IB", 0xFFFFFFFF, 1) + b"ab"), [CLOSED]),
    "a value of 2^31 - 1 bytes": (given(WIDE(">BI", 1, 0xFFFFFFFF) + b"ab"), [CLOSED]),
    "a name and a value of 2^31 - 1 bytes": (given(b"\xff" * 8 + b"ab"), [CLOSED]),
    "a name and a value that sum up to 2^32": (given(WIDE(">II", 1 << 31, 0xFFFFFFFF)), [CLOSED]),
    "a name that is longer than what is there": (given(USUAL + b"\x06\x00abcde"), [CLOSED]),
    "a value that is longer than what is there": (given(USUAL + b"\x01\x05Xabcd"), [CLOSED]),
    "a length of which only one byte is there": (given(USUAL + b"\x80"), [CLOSED]),
    "a length of which three bytes are there": (given(USUAL + b"\x01\x80\0\0"), [CLOSED]),
    "a name and no length of a value": (given(USUAL + b"\x01"), [CLOSED]),
    "a NUL in a name": (get(**{"A\0B": "v"}), [CLOSED]),
    "a NUL in a value": (get(REQUEST_METHOD="GET\0"), [CLOSED]),
    "a head of 128 KB": (head_of(HEAD_MAX), ["200", CLOSED]),
    "a head of 128 KB less a byte": (head_of(HEAD_MAX - 1), ["200", CLOSED]),
    "a head of 128 KB and a byte": (head_of(HEAD_MAX + 1), [CLOSED]),
    "a head of 128 KB and an END": (head_of(HEAD_MAX + 8), [CLOSED]),
    "parameters that never end": (begin() + record(PARAMS, USUAL + bytes(60000)) * 40, [CLOSED]),
    "empty records that never end": (begin() + record(ABORT) * 100_000, [CLOSED]),

    # ---- the body ----
    "a body that was not announced": (
        head(usual(TARGET), True) + stream(STDIN, b"body"), ["200", USABLE]),
    "a body bigger than announced": (body_of("3", stream(STDIN, bytes(300_000))),
                                     ["200", USABLE]),
    "a body smaller than announced": (body_of("300000", stream(STDIN, b"abc")), ["200", USABLE]),
    "a body of many small records": (
        body_of("20000", record(STDIN, b"x", padding=7) * 20000, NO_BODY), ["200", USABLE]),
    "a body whose records have other ids": (
        body_of("9", record(STDIN, b"abc", 5), record(STDIN, b"def", 6), NO_BODY),
        ["200", USABLE]),
    "FCGI_DATA beside the body": (
        body_of("9", record(DATA, b"abc"), record(STDIN, b"def"), record(DATA), NO_BODY),
        ["200", USABLE]),
    "records of unknown types in the body": (
        body_of("9", record(12, b"abc"), record(255, b"def"), record(0), NO_BODY),
        ["200", USABLE]),
    "a body that the next request cuts off": (
        body_of("9", record(STDIN, b"abc")) + get(True), ["200", "200", USABLE]),
    "an abort in the middle of the body": (
        body_of("9", record(STDIN, b"abc"), record(ABORT)) + get(True), ["200", "200", USABLE]),
    **{f"a CONTENT_LENGTH of {length!r}": (body_of(length, NO_BODY), ["200", USABLE])
       for length in ("99999999999999999999", "18446744073709551615", "-1", "-99999999999999999999",
                      "text", "0x10", "", " 0", "1e9", "5, 5", "\u0665")},

    # ---- aborts ----
    "an abort before anything": (record(ABORT), [USABLE]),
    "a thousand aborts": (record(ABORT) * 1000, [USABLE]),
    "an abort with content and padding": (record(ABORT, b"why", padding=9), [USABLE]),
    "an abort of id 0": (record(ABORT, number=0), [CLOSED]),
    "an abort between beginning and parameters": (begin() + record(ABORT), [CLOSED]),
    "an abort behind a request": (get(True) + record(ABORT), ["200", USABLE]),
    "an abort of another request": (get(True) + record(ABORT, number=99), ["200", USABLE]),

    # ---- pipelining ----
    "two requests at once": (
        get(True) + get(False, 2, REQUEST_URI="/static/nothing"), ["200", "404", CLOSED]),
    "a hundred requests at once": (
        (get(True) + get(True, 9, REQUEST_URI="/static/nothing")) * 50,
        ["200", "404"] * 50 + [USABLE]),
    "a request and half of the next": (get(True) + get()[:50], ["200", WAITS]),
    "a request behind one whose connection is not kept": (get() + get(), ["200", CLOSED]),
    "a request and noise": (get(True) + noise(1), ["200", CLOSED]),

    # ---- management records ----
    "all values": (get_values(*NAMES), [ALL_VALUES, USABLE]),
    "some values": (get_values("FCGI_MPXS_CONNS"), [values(FCGI_MPXS_CONNS="0"), USABLE]),
    "known and unknown values": (
        get_values("FCGI_MAX_PIPES", "FCGI_MPXS_CONNS", ""),
        [values(FCGI_MPXS_CONNS="0"), USABLE]),
    "unknown values": (get_values("X", "fcgi_max_conns", "FCGI_MAX_CONNSX"), [values(), USABLE]),
    "no values": (get_values(), [values(), USABLE]),
    "300 names of values": (
        get_values(*(f"NAME_{n}" for n in range(300)), *NAMES), [ALL_VALUES, USABLE]),
    "names with values": (
        record(GET_VALUES, pairs({"FCGI_MPXS_CONNS": "1", "X": "y" * 500}), 0),
        [values(FCGI_MPXS_CONNS="0"), USABLE]),
    "values with padding": (get_values(*NAMES, padding=255), [ALL_VALUES, USABLE]),
    "values twice": (get_values(*NAMES) * 2, [ALL_VALUES, ALL_VALUES, USABLE]),
    "values before a request": (get_values(*NAMES) + get(), [ALL_VALUES, "200", CLOSED]),
    "values between requests": (
        get(True) + get_values(*NAMES) + get(), ["200", ALL_VALUES, "200", CLOSED]),
    "a hundred questions for values at once": (
        get_values(*NAMES) * 100, [ALL_VALUES] * 100 + [USABLE]),
    "values before the role of an authorizer": (
        get_values(*NAMES) + begin(role=2), [ALL_VALUES, role(1), CLOSED]),
    "a question for values in the middle of a head": (within(get_values(*NAMES)), [CLOSED]),
    "an unknown management record in the middle of a head": (
        within(record(77, number=0)), [CLOSED]),
    **{f"a management record of type {kind}": (record(kind, b"abc", 0, 5), [unknown(kind), USABLE])
       for kind in (0, 12, 99, 255)},
    # What is itself an answer is not answered: two of us would talk for ever.
    **{f"a management record of type {kind}, which is an answer": (record(kind, b"", 0), [CLOSED])
       for kind in (GET_VALUES_RESULT, UNKNOWN_TYPE)},
    "a management record of 65535 bytes": (
        record(200, bytes(65535), 0, 255), [unknown(200), USABLE]),
    "a record of id 0 that is none of management": (record(PARAMS, USUAL, 0) + get(), [CLOSED]),
    "a NUL in a name of a value": (get_values("FCGI_MPXS_CONNS\0", *NAMES), [ALL_VALUES, USABLE]),
    **{f"a question for values with {what}": (record(GET_VALUES, broken, 0), [CLOSED])
       for what, broken in {
           "a length that lies": b"\x7f\x00FCGI_MPXS_CONNS",
           "a length of 2^31 - 1": b"\xff\xff\xff\xff\x00FCGI_MPXS_CONNS",
           "a length that is cut": pairs({"FCGI_MPXS_CONNS": ""}) + b"\x80\x00"}.items()},
    "half of a question for values": (get_values(*NAMES)[:20], [WAITS]),
}
