"""How long the catalog takes to find a name, in catalogs of different sizes."""

import os
import random
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apache"))

from figures import (  # noqa: E402
    Fault, Report, WrongAnswer, cell, figure, figure_or_fault, machine, table)
from harness import REPOSITORY, Workplace  # noqa: E402
from large_site import LargeSite  # noqa: E402

ENTRIES, LOOKUPS, ROUNDS = (1_000, 10_000, 100_000), 200_000, 15
QUICK_ENTRIES, QUICK_LOOKUPS, QUICK_ROUNDS = (50, 500), 2_000, 2
MICROSECOND = 1000  # in nanoseconds

EXPLANATION = """\
# Names looked up in the catalog

{machine}

Each site: N entries in its manifest, which are N original and N hashed names; then
`handback prepare`. Its catalog was opened twice in one process that does nothing else:

- verified: a copy in memory, verified as a whole, as `serve` has it;
- read: the file, of which the pages that tell are read and checked at each lookup, as a CGI and
  mod_fcgid have it.

All names in random order, {lookups:,} lookups in a round, {rounds} rounds, both forms in each.
CPU time of one lookup: medians, quartiles in parentheses. The file that each name gives was checked
before.
"""


def built():
    """The program beside the release of the program."""
    program = os.environ.get("HANDBACK_PROGRAM_RELEASE")
    build = Path(program).parents[1] if program else REPOSITORY / "build/release"
    return build / "tests/bench/lookup"


def write_names(site, path):
    lines = [f"{site.name(index)}\n{site.path(index)}\n" for index in range(site.names)]
    random.Random(site.entries).shuffle(lines)
    path.write_text("".join(lines))
    return path


def look_up(site, names, lookups, rounds):
    """[(verified, read)] in nanoseconds, one pair for each round."""
    done = subprocess.run([built(), site.catalog, names, str(lookups), str(rounds)],
                          capture_output=True, text=True)
    if done.returncode == 1:
        raise WrongAnswer(done.stderr.strip())
    done.check_returncode()
    return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]


def figures(found):
    """The two of the pairs."""
    if isinstance(found, Fault):
        return [None, None]
    return [figure([pair[form] for pair in found]) for form in (0, 1)]


def report_of(work, sites, lookups, rounds):
    report, rows = Report(), []
    report.add(EXPLANATION.format(machine=machine(work.release), lookups=lookups, rounds=rounds))
    for site in sites:
        names = write_names(site, work.fresh("names") / "names")
        found = figure_or_fault(look_up, site, names, lookups, rounds)
        what = f"{site.entries:,} entries"
        verified, read = figures(found)
        rows.append([what, cell(verified, 1, 0), cell(read, 1, 0)])
        report.add_faults({what: found})
        report.target(f"{what}, verified", verified and verified.median, MICROSECOND, unit=" ns")
    report.add(*table(["site", "verified ns", "read ns"], rows))
    return report


def bench(work, entries, lookups, rounds):
    sites = [LargeSite(work.fresh("site"), count, originals=False).create().prepare(work.release)
             for count in entries]
    return report_of(work, sites, lookups, rounds).finish()


def main(quick):
    sizes = (QUICK_ENTRIES, QUICK_LOOKUPS, QUICK_ROUNDS) if quick else (ENTRIES, LOOKUPS, ROUNDS)
    work = Workplace()
    try:
        return bench(work, *sizes)
    finally:
        work.remove()


if __name__ == "__main__":
    sys.exit(main("--quick" in sys.argv[1:]))
