"""The same site from the real WhiteNoise and from Handback: what is equal, and each difference."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from whitenoise import middleware, storage

import whitenoise_requests as requests
from django_site import write
from harness import REPOSITORY
from whitenoise_differences import DIFFERENCES, Pair, markdown
from whitenoise_site import AFTER, GOES, GONE, WhiteNoiseProject, both

PAGE = REPOSITORY / "examples/whitenoise.md"
# Apache's own, or about the connection.
NOT_COMPARED = {"date", "server", "keep-alive", "connection"}


@pytest.fixture(scope="module")
def tree(work, project):
    return WhiteNoiseProject(work.fresh("whitenoise"), project).create()


def wanted(tree):
    """All requests before anything changes."""
    hashed = tree.manifest()
    names = ["css/site.css", hashed["css/site.css"], hashed["js/app.js"], "data.json",
             "empty.txt", "files/one", "live/third.css"]
    yield from requests.of_files(tree.root)
    yield from requests.of_names([GONE])
    for name in names:
        yield from requests.of_one(name)
    yield from requests.of_spellings()
    yield from requests.of_files(tree.root, "configured")
    yield from requests.of_one(hashed["js/app.js"], "configured")
    yield from requests.of_one("files/long.txt", "configured")
    yield from requests.of_indexes()
    yield from requests.of_root(tree.home / "root")


def send(half, request):
    """A request whose {tag} is the one that this half gave for the same coding."""
    headers = list(request.headers)
    if any("{tag}" in value for _, value in headers):
        coding = [pair for pair in headers if pair[0] == "Accept-Encoding"]
        tag = half.ask(request.target, headers=coding)["ETag"] or '"none"'
        headers = [(name, value.replace("{tag}", tag)) for name, value in headers]
    return half.ask(request.target, method=request.method, headers=headers)


def change(tree):
    """What happens to a tree while it is served."""
    for name, data in AFTER.items():
        write(tree.root / name, data, mtime=time.time())
    (tree.root / GOES).unlink()


@pytest.fixture(scope="module")
def pairs(work, tree):
    """Every request with its two answers."""
    with both(work, tree) as sites:
        def ask(request):
            theirs, ours = (send(half, request) for half in sites[request.site])
            return Pair(request, theirs, ours, tree)

        found = [ask(request) for request in wanted(tree)]
        change(tree)
        found += [ask(request) for request in requests.of_names([*AFTER, GOES], kind="late")]
    return found


def differing(pair):
    """The names of the fields that differ: the status alone where it does."""
    if pair.status is None:
        return ["status"]
    names = {name.title() for answer in (pair.theirs, pair.ours) for name, _ in answer.headers}
    fields = sorted(name for name in names if name.lower() not in NOT_COMPARED
                    and len(set(pair.values(name))) > 1)
    return fields + ["body"] * (pair.theirs.body != pair.ours.body)


@pytest.fixture(scope="module")
def judged(pairs):
    """Which rows cover which fields, and what no row covers."""
    used, uncovered = set(), []
    for pair in pairs:
        for field in differing(pair):
            rows = [row.id for row in DIFFERENCES if covers(row, pair, field)]
            used.update((row, field) for row in rows)
            if not rows:
                uncovered.append((pair, field))
    return used, uncovered


def covers(row, pair, field):
    return field in fields_of(row) and row.covers(pair)


def fields_of(row):
    return [name if name in ("status", "body") else name.title() for name in row.fields]


def shown(pair, field):
    halves = (("WhiteNoise", pair.theirs), ("Handback", pair.ours))
    lines = [f"{field} of {pair.request}"]
    for name, answer in halves:
        head = answer.head.decode("latin-1").strip().replace("\r\n", "\n    ")
        lines.append(f"  {name}: {head}\n    {len(answer.body)} bytes {answer.body[:60]!r}")
    return "\n".join(lines)


def test_every_difference_is_a_row_of_the_table(judged):
    _, uncovered = judged
    kinds = {}
    for pair, field in uncovered:
        kinds.setdefault((field, pair.request.site, pair.statuses), (pair, field))
    report = "\n".join(shown(*first) for first in kinds.values())
    assert not uncovered, f"{len(uncovered)} differences of {len(kinds)} kinds:\n{report}"


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row.id)
def test_every_field_of_every_row_is_a_difference(judged, row):
    used, _ = judged
    assert [field for field in fields_of(row) if (row.id, field) not in used] == []


def test_every_name_of_the_tree_was_asked_of_both(pairs, tree):
    asked = {pair.request.name for pair in pairs if pair.request.kind == "file"}
    assert set(requests.names_of(tree.root)) - {"late/new.css"} <= asked
    assert len(pairs) > 5000
    assert sum(pair.status == 200 for pair in pairs) > 2000, "most are files in both"


def test_hashed_files_are_the_same_bytes_in_the_same_coding(pairs, tree):
    hashed = set(tree.manifest().values())
    compared = [pair for pair in pairs if pair.request.name in hashed
                and pair.request.kind == "file" and pair.request.method == "GET"]
    assert len(compared) > 500
    for pair in compared:
        assert pair.theirs.body == pair.ours.body, pair.request
        assert len(set(pair.values("Content-Encoding"))) == 1, pair.request


# ---- the page ----


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text()


def test_the_page_has_the_rows_of_the_table(page):
    section = page[page.index("## Differences"):]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [markdown(row) for row in DIFFERENCES]


def settings_of_whitenoise():
    """From the package itself: what the middleware reads, and what is named anywhere else."""
    named = {f"WHITENOISE_{name.upper()}" for name in middleware.WhiteNoiseMiddleware.config_attrs}
    for file in Path(middleware.__file__).parent.rglob("*.py"):
        named.update(re.findall(r"WHITENOISE_[A-Z_]*[A-Z]", file.read_text()))
    return named


def test_the_page_has_every_setting_of_the_installed_whitenoise(page):
    section = page[page.index("## Settings"):page.index("## Differences")]
    in_table = set(re.findall(r"^\| `(WHITENOISE_[A-Z_]+)`", section, re.M))
    assert in_table == settings_of_whitenoise()


def test_the_page_has_every_storage_of_the_installed_whitenoise(page):
    own = re.findall(r"^class (\w+(?:Storage|Mixin))\(?", Path(storage.__file__).read_text(), re.M)
    assert own and [name for name in own if f"`{name}`" not in page] == []


def test_the_page_has_every_option_of_the_compress_command(page):
    command = [sys.executable, "-m", "whitenoise.compress", "--help"]
    usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"--[a-z-]+", usage)) - {"--help"}
    assert options and [name for name in options if f"`{name}`" not in page] == []


def test_the_page_names_no_setting_of_ours_that_the_manual_lacks(page):
    manual = (REPOSITORY / "src/handback.1").read_text()
    section = page[page.index("## Settings"):page.index("## Differences")]
    ours = set(re.findall(r"`(HANDBACK_[A-Z_]+)`", section))
    assert ours and [name for name in ours if name not in manual] == []
