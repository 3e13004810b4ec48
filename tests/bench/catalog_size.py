"""What the size of the catalog costs: a CGI's first answer, what it reads, memory of responders."""

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apache"))

from figures import (  # noqa: E402
    Fault, NO_FIGURE, Report, WrongAnswer, cell, figure, figure_or_fault, in_turns, machine, ratio,
    table, values)
from harness import Serve, Workplace, as_server, own, wait_until  # noqa: E402
from large_site import LargeSite  # noqa: E402
from pages import evict, private_memory, resident  # noqa: E402
from responders import Responder, answer_by_cgi, ask_for_some  # noqa: E402

ENTRIES, ROUNDS, EVICTIONS = (1_000, 10_000, 100_000), 1000, 1000
QUICK_ENTRIES, QUICK_ROUNDS, QUICK_EVICTIONS = (50, 500), 5, 20
ASKED_FOR = 50  # different names for the time of a CGI, all of them in the page cache
REQUESTS = 200  # to a responder, before its memory is looked at
SLOWER, READ, PRIVATE = 1.05, 16, 4
MB = 1 << 20

EXPLANATION = """\
# Catalogs of different sizes

{machine}

Each site: N entries in its manifest, which are N original and N hashed names; N small files of
different bytes, under the hashed names alone; then `handback prepare`.

- First answer: the program as a CGI, started for one GET; {names} names in turn, every other one
  hashed, all files and the catalog in the page cache. {rounds} rounds, all sites in each, taking
  turns; medians, quartiles in parentheses, ratios of the same round. The wall time is that of a
  client that starts the process, reads its answer and waits for its end, its own work included;
  the CPU time is that of the process.
- Read: the catalog is evicted from the page cache, one such request is made, and the pages of the
  catalog that are there then are counted: the most of {evictions} requests.
- Private memory: Private_Clean + Private_Dirty of a process after {requests} requests, without the
  verified copy, a memfd, that the workers of `serve` share. Of that, pages of the catalog's file,
  which are clean and the page cache's own, are given apart.

Every answer was checked.
"""


@dataclass
class Prepared:
    site: LargeSite
    seconds: float  # that `handback prepare` took
    asked_for: list

    @property
    def name(self):
        return f"{self.site.entries:,} entries"


def prepared(work, entries):
    site = LargeSite(work.fresh("site"), entries, originals=False).create()
    begin = time.monotonic()
    site.prepare(work.release)
    took = time.monotonic() - begin
    some = random.Random(entries).sample(range(entries), ASKED_FOR)
    # Hashed and original names in turn, in all sites alike.
    return Prepared(site, took, [2 * number + turn % 2 for turn, number in enumerate(some)])


def first_answers(program, places, rounds):
    """{name of the site: costs, or a Fault}"""
    def contender(place):
        turn = iter(range(sys.maxsize))
        return lambda: answer_by_cgi(
            program, place.site, place.asked_for[next(turn) % ASKED_FOR])

    for place in places:
        place.site.catalog.read_bytes()  # into the page cache
    return in_turns({place.name: contender(place) for place in places}, rounds)


def most_read(program, site, requests):
    """Bytes of the catalog that one request brought in, the most of so many for any names."""
    seen = []
    for index in random.Random(2).sample(range(site.names), requests):
        if evict(site.catalog) != 0:
            raise WrongAnswer("the file system does not let go of the catalog's pages")
        answer_by_cgi(program, site, index)
        seen.append(resident(site.catalog))
    if min(seen) == 0:
        raise WrongAnswer("an answer without the catalog")
    return max(seen)


def memory_of_responder(work, site):
    home = work.fresh("responder")
    own(home)
    with Responder(work.release, site, home, as_server()) as responder:
        ask_for_some(responder.address, site, some_names(site))
        return memory_at_rest(responder.process.pid)


def memory_of_worker(work, site):
    with Serve(work, "--workers", 1, root=site.root, program=work.release) as serve:
        ask_for_some(serve.address, site, some_names(site))
        worker, = serve.workers()
        return memory_at_rest(worker)


def memory_at_rest(pid):
    """When it does not change any more: the last answer may come before what is done behind it."""
    seen = [None]

    def settled():
        seen.append(private_memory(pid))
        return seen[-1] == seen[-2]

    wait_until(settled, what="the end of the work")
    return seen[-1]


def some_names(site):
    return random.Random(1).choices(range(site.names), k=REQUESTS)


def add_first_answers(report, places, results, read):
    least = results[places[0].name]
    rows = []
    for place in places:
        result, seen = results[place.name], read[place.name]
        rows.append([
            place.name, f"{place.site.catalog.stat().st_size / 1024:.0f}", f"{place.seconds:.1f}",
            *(cell(figure(values(result, kind)), 1000) for kind in ("wall", "cpu")),
            *(cell(ratio(result, least, kind)) for kind in ("wall", "cpu")),
            NO_FIGURE if isinstance(seen, Fault) else seen // 1024])
    report.add(*table(["site", "catalog KB", "prepare s", "first answer, wall ms", "CPU ms",
                       "wall, times the first", "CPU, times the first", "read KB"], rows))
    report.add_faults(results)
    report.add_faults(read)
    for kind in ("wall", "cpu"):
        slower = ratio(results[places[-1].name], least, kind)
        report.target(f"first answer, {kind}: {places[-1].name}, times {places[0].name}",
                      slower and slower.median, SLOWER)
    for name, seen in read.items():
        report.target(f"read of the catalog of {name}",
                      None if isinstance(seen, Fault) else seen / 1024, READ, unit=" KB")


def add_memories(report, found):
    rows = []
    for kind, memory in found.items():
        if isinstance(memory, Fault):
            private = None
            rows.append([kind, NO_FIGURE, NO_FIGURE])
        else:
            private, of_file = ((memory["all"] - memory["memfd"]) / MB, memory["catalog"] / MB)
            rows.append([kind, f"{private:.2f}", f"{of_file:.2f}"])
        report.target(f"private memory, {kind}", private, PRIVATE, unit=" MB")
    report.add(*table(["responder for the largest site", "private MB",
                       "of it pages of the catalog's file"], rows))
    report.add_faults(found)


def report_of(work, places, rounds, evictions):
    report = Report()
    report.add(EXPLANATION.format(machine=machine(work.release), names=ASKED_FOR, rounds=rounds,
                                  evictions=evictions, requests=REQUESTS))
    results = first_answers(work.release, places, rounds)
    read = {place.name: figure_or_fault(most_read, work.release, place.site, evictions)
            for place in places}
    add_first_answers(report, places, results, read)
    add_memories(report, {
        "FastCGI on descriptor 0 (mod_fcgid)":
            figure_or_fault(memory_of_responder, work, places[-1].site),
        "worker of `serve`": figure_or_fault(memory_of_worker, work, places[-1].site),
    })
    return report


def bench(work, entries, rounds, evictions):
    places = [prepared(work, count) for count in entries]
    return report_of(work, places, rounds, evictions).finish()


def main(quick):
    sizes = ((QUICK_ENTRIES, QUICK_ROUNDS, QUICK_EVICTIONS) if quick
             else (ENTRIES, ROUNDS, EVICTIONS))
    work = Workplace()
    try:
        return bench(work, *sizes)
    finally:
        work.remove()


if __name__ == "__main__":
    sys.exit(main("--quick" in sys.argv[1:]))
