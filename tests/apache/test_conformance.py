"""Black-box conformance: every row of the tables, through every way, written from the RFCs.

Nothing here knows how the program is made. Each way keeps one connection open for all rows, so
that an answer which leaves a byte too many or too few spoils the next.
"""

import gzip
import re
import subprocess
import time
from itertools import product

import brotli
import pytest

import cases_caching
import cases_coding
import cases_conditions
import cases_methods
import cases_ranges
import cases_targets
import harness
import judge
from cases import MUST, ConformanceSite, row
from client import Connection
from conftest import ALL_WAYS, make_way, virtual_hosts
from harness import Apache, Serve

TABLES = (cases_conditions, cases_ranges, cases_coding, cases_methods, cases_targets,
          cases_caching)
ROWS = [case for table in TABLES for case in table.ROWS]
UNDECODERS = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.fixture(scope="module")
def conformance(work):
    """A site with awkward files behind all ways, uploads included.

    The CGI ways start the release program, if there is one: under sanitizers a start takes long.
    """
    site = ConformanceSite(work)
    media = {"MEDIA_ROOT": site.media, "MEDIA_URL": "/media/"}
    serve = Serve(work, "--workers", 2, root=site.root, **media)
    hosts = virtual_hosts(serve, site.root, harness.prepare(work, site.root, **media), **media)
    with serve, Apache(work, hosts, cgi=work.release) as apache:
        yield site, apache, serve


class Talk:
    """The kept-alive connection of one way, and what was answered on it."""

    def __init__(self, way, site):
        self.way, self.site = way, site
        self.connection, self.last = None, 0

    def line(self):
        """Apache closes what was idle for two seconds."""
        if self.connection is None or time.monotonic() - self.last > 1:
            self.drop()
            self.connection = Connection(self.way.apache.port, self.way.host)
        return self.connection

    def drop(self):
        if self.connection:
            self.connection.socket.close()
        self.connection = None

    def ask(self, method, target, fields=(), **options):
        line = self.line()
        try:
            answer = line.ask(target, method=method, headers=fields, **options)
            while answer.status == 100:
                answer = line.receive()
            assert line.held == b"", f"{line.held[:80]!r} follows the answer"
            if self.closed(answer, options.get("version")):
                assert not line._more(), f"{line.held[:80]!r} follows the last answer"
                self.drop()
        except BaseException:
            self.drop()
            raise
        self.last = time.monotonic()
        judge.judge_any(method, answer)
        return answer

    @staticmethod
    def closed(answer, version):
        said = (answer["Connection"] or "").lower()
        return said == "close" or version == "1.0" and "keep-alive" not in said

    def run(self, case):
        """The answer to a row, judged by all that holds for it."""
        target, host = case.target, self.way.host
        if isinstance(target, str):
            target = self.site.fill(target, host)
        fields = [(name, self.site.fill(value, host)) for name, value in case.fields]
        options = {key: case.want[key] for key in ("body", "version") if key in case.want}
        answer = self.ask(case.method, target, fields, **options)
        wanted = case.want["status"]
        statuses = wanted if isinstance(wanted, set) else {wanted}
        assert answer.status in statuses, f"{answer.status}, not {wanted}"
        if answer.from_handback or not case.want.get("apache"):
            judge.judge_ours(case.method, answer)
        else:
            self.drop()  # Apache ends some connections that it refuses, and does not say so
        judge.judge_want(self.site, host, case, answer)
        return answer


@pytest.fixture(scope="module", params=ALL_WAYS, ids="-".join)
def talk(request, conformance):
    site, apache, serve = conformance
    made = Talk(make_way((apache, serve), site.project, *request.param), site)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def answered():
    """Status and fields by row and way, for the comparison at the end."""
    return {}


def test_no_two_rows_have_one_name_and_there_are_hundreds():
    names = [case.name for case in ROWS]
    assert len(names) > 400
    assert sorted(names) == sorted(set(names))


def shown(case):
    return f"{case.name} ({case.section} {case.level})"


@pytest.mark.parametrize("case", ROWS, ids=shown)
def test_the_answer_conforms(talk, answered, case):
    answer = talk.run(case)
    answered.setdefault(case.name, {})[talk.way.host] = comparable(answer)
    if "body" in case.want and talk.connection:
        after = talk.ask("GET", talk.site.files["one"].url)
        assert (after.status, after.body) == (200, b"1"), "the connection is spoilt"


# Of all combinations of the six fields, every so many: a CGI is started for each request.
STEPS = {"cgi": 61, "fcgid": 7, "proxy": 7, "static": 31, "static-checked": 211}


def test_preconditions_are_judged_in_their_order_in_every_combination(talk):
    """RFC 9110 13.2.2, all six fields in each of their states, together."""
    states = cases_conditions.STATES
    choices = product(*([None, *found] for found in states.values()))
    combined = [dict(zip(states, chosen)) for chosen in choices]
    for chosen in combined[::STEPS[talk.way.front]]:
        found = {field: states[field][name] for field, name in chosen.items() if name}
        status = cases_conditions.judged(found)
        more = {"part": (0, 9)} if status == 206 else {}
        case = row(str(found), "9110 13.2.2", MUST, "GET {app}",
                   {field: state[0] for field, state in found.items()}, status=status,
                   has=cases_conditions.HAS.get(status, {}), **more)
        try:
            talk.run(case)
        except AssertionError as fault:
            raise AssertionError(f"{case.fields}: {fault}") from fault


# A new number each time, or said by Apache of the connection.
PASSING = {"date", "connection", "keep-alive", "server"}


def comparable(answer):
    fields = sorted((k.lower(), v) for k, v in answer.headers if k.lower() not in PASSING)
    return answer.status, [(k, re.sub("boundary=.*", "", v)) for k, v in fields]


def decoded(coding, data):
    if coding == "zstd":
        return subprocess.run(["zstd", "-dqc"], input=data, stdout=-1, check=True).stdout
    return UNDECODERS[coding](data)


def test_each_variant_has_a_strong_tag_of_its_own_and_decodes_to_the_file(talk):
    tags = set()
    for key in ("css", "css_plain", "app", "sized"):
        file = talk.site.files[key]
        for coding in file.variants:
            fields = {"Accept-Encoding": coding} if coding else {}
            answer = talk.ask("GET", file.url, fields)
            assert (answer.status, answer["Content-Encoding"]) == (200, coding)
            plain = decoded(coding, answer.body) if coding else answer.body
            assert plain == file.data
            tags.add((key.replace("_plain", ""), answer["ETag"]))
    assert len(tags) == 4 + 2 + 2
    assert len({tag for _, tag in tags}) == len(tags)


HEADS = {
    "plainly": {},
    "with a coding": {"Accept-Encoding": "br"},
    "with two codings": {"Accept-Encoding": "gzip, zstd"},
    "with a tag that holds": {"If-None-Match": "*"},
    "with a tag that fails": {"If-Match": '"x"'},
    "from another origin": {"Origin": "https://example.org"},
    "with nothing acceptable": {"Accept-Encoding": "*;q=0"},
}
TARGETS = ["css", "css_plain", "app", "json", "empty", "big", "live", "wrong", "proven",
           "media/page.html", "media/photo.png", "/static/nothing.css", "/static/", "conf/a b.txt",
           "sized", "font_plain", "media/caf\u00e9.html", "conf/caf\u00e9.txt"]


@pytest.mark.parametrize("key", TARGETS)
def test_head_has_exactly_the_fields_of_get(talk, key):
    url = key if key.startswith("/") else talk.site.files[key].url
    for how, fields in HEADS.items():
        head, get = (talk.ask(method, url, fields) for method in ("HEAD", "GET"))
        if key == "empty" and head.status == 200:
            # Apache drops a length of 0 from HEAD (RFC 9110 9.3.2 allows it).
            head.headers.append(("Content-Length", "0"))
        assert comparable(head) == comparable(get), how
        assert head.body == b""


@pytest.mark.parametrize("key", ["live", "wrong", "proven", "sized", "media/page.html",
                                 "media/photo.png", "conf/a b.txt"])
def test_the_tag_of_a_live_file_serves_in_every_field(talk, key):
    file = talk.site.files[key]
    tag = talk.ask("GET", file.url)["ETag"]

    def status(**fields):
        return talk.ask("GET", file.url, harness.header_names(fields)).status

    assert status(If_None_Match=tag) == 304
    assert status(If_None_Match=f"W/{tag}") == 304
    assert status(If_None_Match='"x"') == 200
    assert status(If_Match=tag) == 200
    assert status(If_Match=f"W/{tag}") == 412
    assert status(If_Range=tag, Range="bytes=1-2") == 206
    assert status(If_Range=f"W/{tag}", Range="bytes=1-2") == 200
    assert status(If_Range='"x"', Range="bytes=1-2") == 200


def test_pieces_fetched_one_by_one_make_the_whole(talk):
    for key, coding in (("css", None), ("css", "br"), ("sized", "gzip")):
        file = talk.site.files[key]
        whole, accept = file.variants[coding], {"Accept-Encoding": coding or "identity"}
        tag = talk.ask("GET", file.url, accept)["ETag"]
        step = len(whole) // 5 + 1
        pieces = []
        for first in range(0, len(whole), step):
            fields = {**accept, "Range": f"bytes={first}-{first + step - 1}", "If-Range": tag}
            answer = talk.ask("GET", file.url, fields)
            assert (answer.status, answer["ETag"]) == (206, tag)
            assert answer["Content-Encoding"] == coding
            pieces.append(answer.body)
        assert b"".join(pieces) == whole


def test_a_boundary_is_new_in_every_answer(talk):
    url = talk.site.files["ten"].url
    kinds = {talk.ask("GET", url, {"Range": "bytes=0-1,8-9"})["Content-Type"] for _ in range(4)}
    assert all(judge.BYTERANGES.fullmatch(kind) for kind in kinds), kinds
    assert len(kinds) == 4


def test_requests_sent_ahead_are_answered_in_their_order(talk):
    """RFC 9112 9.3.2: none may be lost, none may take another's body."""
    one, ten = (talk.site.files[key].url for key in ("one", "ten"))
    host = talk.way.host
    asked = [
        ("GET", one, "", 200, b"1"),
        ("HEAD", ten, "", 200, b""),
        ("GET", ten, "Range: bytes=2-3\r\n", 206, b"23"),
        ("POST", ten, "Content-Length: 3\r\n", 405, None),
        ("GET", ten, "If-None-Match: *\r\n", 304, b""),
        ("OPTIONS", ten, "", 204, b""),
        ("GET", one, "", 200, b"1"),
    ]
    text = "".join(f"{method} {url} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"
                   + ("a=b" if method == "POST" else "") for method, url, more, *_ in asked)
    with Connection(talk.way.apache.port, host) as line:
        line.request = text.encode()
        line.socket.sendall(line.request)
        for method, _, _, status, body in asked:
            line.method = method
            answer = line.receive()
            assert answer.status == status
            assert body is None or answer.body == body
        assert line.held == b""


def test_every_way_gave_the_same_answer_to_every_row(answered):
    """Status and fields, of the rows that ran: what a way adds or loses is a fault of that way."""
    apart = {}
    for case in ROWS:
        ways = answered.get(case.name, {})
        if case.want.get("apache") or len(ways) < 2:
            continue
        first = next(iter(ways.values()))
        others = [host for host, answer in ways.items() if answer != first]
        if others:
            apart[case.name] = [(first, host, ways[host]) for host in others[:1]]
    assert apart == {}
