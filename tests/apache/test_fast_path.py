"""Level 1 through all conformance rows: where Apache answers by itself, nobody can tell.

The same rows go through level 2, where the program decides everything. Every difference stands in
fast_path_differences.py with its reason, and each of those reasons is needed.
"""

import re

import pytest

import judge
from cases import ConformanceSite
from fast_path_differences import DIFFERENCES
from harness import Apache, Way, virtual_host
from shared_site import LINES_OF_THE_HOST, SharedSite
from test_conformance import PASSING, ROWS, Talk

# Uploads are no matter of a static root.
CASES = [case for case in ROWS if "media" not in str(case.target)]

# Apache itself answers these before it reads any rule, at both levels.
BEFORE_THE_RULES = {
    "a directory is 404": 301,
    "a prefix without its slash is refused or harmless": 301,
    "a name of 256 bytes is 404": 403,
    "a name of 1000 bytes is 404": 403,
    "a path of 4090 bytes is 404": 403,
    "a path of 6000 bytes is refused or harmless": 403,
    "a link to nothing is 404": 403,
    "a link to itself is 404": 403,
}
LEVELS = (1, 2)


@pytest.fixture(scope="module")
def site(work):
    made = ConformanceSite(work)
    (made.root / "conf/fifo.txt").unlink()  # no copy can be made of it
    return made


@pytest.fixture(scope="module")
def hosts(work, site):
    """One Apache with a virtual host for each level, over a copy of the tree each."""
    places = {level: SharedSite(work, site.root) for level in LEVELS}
    text = LINES_OF_THE_HOST
    for level, place in places.items():
        done = place.prepare("--htaccess", level)
        assert done.returncode == 0, done.stderr
        text += virtual_host(f"level{level}", place.lines())
    with Apache(work, text) as apache:
        yield apache, places


def ask(talk, case):
    """The answer to a row, as it is."""
    target = case.target
    if isinstance(target, str):
        target = talk.site.fill(target, talk.way.host)
    fields = [(name, talk.site.fill(value, talk.way.host)) for name, value in case.fields]
    options = {key: case.want[key] for key in ("body", "version") if key in case.want}
    try:
        return talk.ask(case.method, target, fields, **options)
    finally:
        if case.want.get("apache"):
            talk.drop()  # Apache ends some connections that it refuses, and does not say so


@pytest.fixture(scope="module")
def answers(hosts, site):
    """Of every row by level."""
    apache, _ = hosts
    found = {}
    for level in LEVELS:
        talk = Talk(Way(apache, f"level{level}", "cgi", "body", site.project), site)
        for case in CASES:
            found[level, case.name] = ask(talk, case)
        talk.drop()
    return found


def differing(fast, full):
    """The fields that differ, "status" and "body" among them."""
    names = {name for name, _ in fast.headers + full.headers if name.lower() not in PASSING}
    found = {name for name in names if plain(fast[name]) != plain(full[name])}
    if fast.status != full.status:
        found.add("status")
    if plain(fast.body) != plain(full.body):
        found.add("body")
    return found


def plain(value):
    """Without what is new in each answer, or the name of the virtual host."""
    if isinstance(value, bytes):
        return re.sub(rb"[0-9a-f]{16}|level[12]", b"", value)
    return re.sub(r"boundary=.*|level[12]", "", value) if value else value


def test_apache_answers_a_hashed_file_by_itself(hosts, site):
    apache, places = hosts
    program = places[1].cgi / "handback.cgi"
    program.rename(program.with_suffix(".gone"))
    try:
        answer = apache.ask(site.files["css"].url, "level1", headers={"Accept-Encoding": "br"})
        assert answer.body == site.files["css"].variants["br"]
        assert apache.ask(site.files["css_plain"].url, "level1").status == 404
    finally:
        program.with_suffix(".gone").rename(program)


def test_every_difference_from_the_program_is_known(answers):
    unknown = {}
    for case in CASES:
        fast, full = answers[1, case.name], answers[2, case.name]
        known = [row.fields for row in DIFFERENCES if row.covers(case.fields, fast, full)]
        left = differing(fast, full) - set().union(*known)
        if left:
            unknown[case.name] = left
    assert unknown == {}


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row.name)
def test_every_known_difference_is_there(answers, row):
    pairs = [(case, answers[1, case.name], answers[2, case.name]) for case in CASES]
    seen = [differing(fast, full) for case, fast, full in pairs
            if row.covers(case.fields, fast, full)]
    assert set().union(*seen) == row.fields


@pytest.mark.parametrize("level", LEVELS)
def test_no_row_asks_for_another_answer(hosts, site, answers, level):
    """The rows judge by themselves too; what is in the tables of differences is left out."""
    faults = {}
    for case in CASES:
        answer, full = answers[level, case.name], answers[2, case.name]
        try:
            judge_answer(site, f"level{level}", case, answer)
        except (AssertionError, TypeError) as fault:
            known = case.name in BEFORE_THE_RULES or any(
                row.covers(case.fields, answer, full) for row in DIFFERENCES)
            if level == 2 or not known:
                faults[case.name] = answer.status, str(fault)
    left = {name: status for name, (status, _) in faults.items()}
    expected = {} if level == 1 else {
        name: status for name, status in BEFORE_THE_RULES.items() if name in faults}
    assert left == expected, faults


def judge_answer(site, host, case, answer):
    wanted = case.want["status"]
    assert answer.status in (wanted if isinstance(wanted, set) else {wanted}), answer.status
    if answer.from_handback or not case.want.get("apache"):
        judge.judge_ours(case.method, answer)
    judge.judge_want(site, host, case, answer)
