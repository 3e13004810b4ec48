"""The benches of tests/bench/ work: each gives its table, and no figure to who answers wrongly.

How fast anything is, no test says: the machine that runs the tests has other things to do.
"""

import functools
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from harness import NEEDED, REPOSITORY, Apache

BENCH = REPOSITORY / "tests/bench"
# At the end: a siege lies there too.
sys.path.append(str(BENCH))

import catalog_size  # noqa: E402
import compile as compiling  # noqa: E402
import fast_path  # noqa: E402
import lookup  # noqa: E402
import static_cgi  # noqa: E402
from figures import NO_FIGURE, Fault, WrongAnswer  # noqa: E402
from large_site import LargeSite  # noqa: E402
from servers import cost  # noqa: E402

BENCHES = ("catalog-size", "compile", "lookup", "static-cgi", "fast-path")
A_FIGURE = re.compile(r"\d")


def rows_of(text):
    """The lines of all tables, cut into cells."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


def targets_of(rows):
    """{what: whether it is met} of the last table."""
    head = next(i for i, row in enumerate(rows) if row[0] == "target")
    return {what: met == "yes" for what, _, _, met in rows[head + 2:]}


@functools.cache
def quick(name):
    """As the runner starts it, which also installs and builds. On a disk, as there."""
    command = [sys.executable, BENCH / f"{name.replace('-', '_')}.py", "--quick"]
    return subprocess.run(command, env={**os.environ, "TMPDIR": "/var/tmp"}, capture_output=True,
                          text=True, timeout=120)


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_fills_its_table_and_its_exit_code_is_0_only_if_all_targets_are_met(name):
    done = quick(name)
    assert done.stderr == ""
    rows = rows_of(done.stdout)
    assert NO_FIGURE not in [cell for row in rows for cell in row], done.stdout
    targets = targets_of(rows)
    assert targets and done.returncode == (0 if all(targets.values()) else 1), done.stdout


def test_what_a_cgi_reads_of_the_catalog_and_the_memory_of_responders_are_within_their_targets():
    targets = targets_of(rows_of(quick("catalog-size").stdout))
    kept = {what: met for what, met in targets.items() if what.startswith(("read", "private"))}
    assert len(kept) == 4 and all(kept.values()), targets


def test_the_static_cgi_reads_as_little_of_any_catalog_and_is_as_small_as_its_targets_say():
    targets = targets_of(rows_of(quick("static-cgi").stdout))
    kept = {what: met for what, met in targets.items() if what.startswith(("read", "size"))}
    assert len(kept) == 3 and all(kept.values()), targets


def test_the_runner_names_every_bench_and_refuses_what_is_none():
    usage = subprocess.run([BENCH / "run", "--help"], capture_output=True, text=True, check=True)
    assert all(re.search(rf"^  {name} ", usage.stdout, re.M) for name in BENCHES), usage.stdout
    for arguments in ([], ["nothing"], ["--quick"]):
        refused = subprocess.run([BENCH / "run", *arguments], capture_output=True, text=True)
        assert (refused.returncode, refused.stdout) == (2, ""), refused


# ---- wrong answers: files that are not what their names say ----


def spoil(site, index):
    """Other bytes, as many as before, in the file of a name and in the object that is kept of it,
    which may be the same file."""
    other = site.body(index // 2).swapcase()
    for folder in (site.root, site.root / ".handback/pool"):
        path = folder / site.path(index)
        if path.exists():
            path.write_bytes(other)


def tables_of(report, capsys):
    """{first cell: the others} before the targets, the targets, and all that is printed."""
    assert report.finish() == 1
    text = capsys.readouterr().out
    rows = rows_of(text)
    last = next(i for i, row in enumerate(rows) if row[0] == "target")
    return {row[0]: row[1:] for row in rows[:last]}, targets_of(rows), text


def has_figures(cells):
    """All of them, or none: a part would be a mistake."""
    missing = [cell == NO_FIGURE for cell in cells]
    assert any(missing) == all(missing), cells
    return not any(missing)


@pytest.mark.parametrize("spoilt, wrong", [("site", "WhiteNoise"), ("empty", "Handback")])
def test_who_compiles_and_then_answers_wrongly_gets_no_figure(work, capsys, spoilt, wrong):
    site, empty = (LargeSite(work.fresh(), count).create() for count in (20, 1))
    # Handback is asked for a name of each site, WhiteNoise for several of the larger one.
    spoil({"site": site, "empty": empty}[spoilt], 0)
    report = compiling.report_of(work.release, {"site": site}, empty, 1)
    rows, targets, text = tables_of(report, capsys)
    assert rows[f"site: {wrong}"] == [NO_FIGURE] * 4, text
    right, = {"WhiteNoise", "Handback"} - {wrong}
    assert all(A_FIGURE.search(cell) for cell in rows[f"site: {right}"][:2]), text
    assert f"- {wrong}: " in text and not any(targets.values())


def test_a_site_that_a_cgi_answers_wrongly_gets_no_figure(work, capsys):
    places = [catalog_size.prepared(work, entries) for entries in (60, 70)]
    for index in places[1].asked_for:
        spoil(places[1].site, index)
    report = catalog_size.report_of(work, places, 1, 20)
    rows, targets, text = tables_of(report, capsys)
    # Before them stands what prepare made, behind them what was read: of no file in memory.
    times = {name: rows[name][2:6] for name in ("60 entries", "70 entries")}
    assert has_figures(times["60 entries"]) and not has_figures(times["70 entries"]), text
    assert text.count("- 70 entries: ") == 2 and not has_figures(rows["worker of `serve`"])
    assert not any(met for what, met in targets.items() if "60 entries" not in what), text


def test_a_catalog_that_knows_other_names_gets_no_figure(work, capsys):
    small, large = (LargeSite(work.fresh(), count).create().prepare(work.release)
                    for count in (50, 60))
    large.catalog.write_bytes(small.catalog.read_bytes())
    report = lookup.report_of(work, [small, large], 100, 1)
    rows, targets, text = tables_of(report, capsys)
    assert has_figures(rows["50 entries"]) and not has_figures(rows["60 entries"]), text
    assert "- 60 entries: not found" in text and not targets["60 entries, verified"]


def test_a_cgi_that_answers_with_other_bytes_or_another_length_gets_no_figure(work, capsys):
    sites = [static_cgi.Site(work.fresh(), names).create().prepare(work.release) for names in (50, 60)]
    programs = static_cgi.Programs.copied(work)
    hosts, requests = static_cgi.contenders(programs, sites)
    name, request = list(requests.items())[2]
    wrong = {f"{name}, {what}": replace(request, **change) for what, change in (
        ("bytes", {"body": request.body.swapcase()}), ("length", {"body": request.body + b"."}),
        ("status", {"status": 206}))}
    with Apache(work, hosts, modules=NEEDED["cgi"], cgi=programs.static) as apache:
        checked = static_cgi.measured(apache, {name: request, **wrong}, 1, 0.02)
        for request in list(wrong.values())[1:]:
            with pytest.raises(WrongAnswer):
                cost(apache, request, 0.02)
    assert {name for name, found in checked.items() if isinstance(found, Fault)} == set(wrong)


def test_a_fast_path_that_answers_with_other_bytes_gets_no_figure(work, capsys):
    made = fast_path.ways(work, 50)
    for path in made[0].site.root.rglob("page.*.css"):  # the pool's too, which may be the same
        path.write_bytes(static_cgi.FILES[static_cgi.SMALL].swapcase())
    report = fast_path.report_of(work, made, 1, 0.02)
    rows, targets, text = tables_of(report, capsys)
    assert not has_figures(rows["1.5 KB: level 1"]) and "- 1.5 KB: level 1: " in text
    right = rows["20 KB br: level 1"], rows["1.5 KB: Alias"]
    assert all(A_FIGURE.search(cells[0]) for cells in right), text
    assert not any(met for what, met in targets.items() if ", 1.5 KB, " in what), text
