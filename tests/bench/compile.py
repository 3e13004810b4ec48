"""What a responder without a catalog does at its start, beside what WhiteNoise does at its own."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apache"))

from figures import (  # noqa: E402
    Cost, Report, WrongAnswer, cell, figure, in_turns, machine, ratio, table, values)
from harness import Workplace  # noqa: E402
from large_site import LargeSite  # noqa: E402
from responders import answer_by_cgi  # noqa: E402

FILES, ROUNDS = 10_000, 30
QUICK_FILES, QUICK_ROUNDS = 1_000, 2
FASTER = 10
SCAN = Path(__file__).with_name("whitenoise_scan.py")

EXPLANATION = """\
# A site compiled from scratch

{machine}

The same root for both, in the page cache: small files, each original with its hashed file, and the
manifest; in the second root each hashed file has its copies in gzip and brotli as well.

- Handback: the program as a CGI that finds no catalog. It reads settings, manifest and tree,
  compiles them in memory, and answers a GET of a hashed name. The same request for a site of one
  entry is made in the same round, and what that took is taken off: start of the process, answer
  and end are no part of the figure. The bytes of the files are not read.
- WhiteNoise: `WhiteNoise(application, autorefresh=False)` in a fresh process of Python; the time is
  that of `add_files(root)` alone.
- {rounds} rounds, both in each, taking turns. Medians, quartiles in parentheses; the ratio is that
  of each round. Every answer was checked, WhiteNoise's after its time was taken.
- The target is judged by CPU time: neither waits for anything, so that wall time is the same where
  nobody else wants the machine.
"""


def whitenoise_scan(site, indices):
    names = [site.name(index) for index in indices]
    done = subprocess.run([sys.executable, SCAN, site.root, *names], capture_output=True, text=True)
    if done.returncode != 0:
        raise WrongAnswer(done.stderr.strip().splitlines()[-1])
    said = json.loads(done.stdout)
    for index, name in zip(indices, names):
        due = ["200", hashlib.md5(site.body(index // 2)).hexdigest()]
        if said["answers"][name] != due:
            raise WrongAnswer(f"{said['answers'][name]} for {name}")
    return Cost(said["wall"], said["cpu"])


def handback_compile(program, site, almost_empty):
    whole = answer_by_cgi(program, site, site.names - 2)
    return whole - answer_by_cgi(program, almost_empty, 0)


def compare(program, site, almost_empty, rounds):
    assert not site.catalog.exists()
    some = (0, 1, site.names - 2, site.names - 1)
    return in_turns({
        "Handback": lambda: handback_compile(program, site, almost_empty),
        "WhiteNoise": lambda: whitenoise_scan(site, some),
    }, rounds)


def rows(what, results):
    for name, result in results.items():
        times = [ratio(results["WhiteNoise"], result, kind) for kind in ("wall", "cpu")]
        yield [f"{what}: {name}",
               *(cell(figure(values(result, kind)), 1000) for kind in ("wall", "cpu")),
               *(cell(found, 1, 1) for found in times)]


def report_of(program, sites, almost_empty, rounds):
    """A Report on {what it is: LargeSite}."""
    report, lines = Report(), []
    report.add(EXPLANATION.format(machine=machine(program), rounds=rounds))
    for what, site in sites.items():
        results = compare(program, site, almost_empty, rounds)
        lines += rows(what, results)
        report.add_faults(results)
        faster = ratio(results["WhiteNoise"], results["Handback"], "cpu")
        report.target(f"{what}: times faster", faster and faster.median, FASTER, at_least=True)
    report.add(*table(["root and program", "wall ms", "CPU ms", "times faster, wall",
                       "times faster, CPU"], lines))
    return report


def bench(work, files, rounds):
    sites = {
        f"{files:,} files": LargeSite(work.fresh("plain"), files // 2),
        f"{files:,} files, half of them compressed copies":
            LargeSite(work.fresh("copies"), files // 4, ("gz", "br")),
    }
    almost_empty = LargeSite(work.fresh("empty"), 1)
    for site in (almost_empty, *sites.values()):
        site.create()
    return report_of(work.release, sites, almost_empty, rounds).finish()


def main(quick):
    work = Workplace()
    try:
        return bench(work, *((QUICK_FILES, QUICK_ROUNDS) if quick else (FILES, ROUNDS)))
    finally:
        work.remove()


if __name__ == "__main__":
    sys.exit(main("--quick" in sys.argv[1:]))
