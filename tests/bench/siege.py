"""How long new requests take, quiet and under siege, in alternating rounds."""

import datetime
import math
import os
import platform
import subprocess
import sys
from pathlib import Path

# At the front: this file's own directory has a siege too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apache"))

from django_site import Project  # noqa: E402
from harness import Workplace, wait_until  # noqa: E402
from siege import (  # noqa: E402
    APACHE_THREADS, LARGE, WAYS, Numbers, Place, Siege, new_requests)

ROUNDS, SECONDS = 6, 3.0
QUICK_ROUNDS, QUICK_SECONDS = 1, 0.5
NUMBERS = Numbers()

EXPLANATION = """\
# New requests under siege

{date}, {program}, {cores} cores, Linux {kernel}.
Client, Apache and program share the machine.

- The program: one `handback serve` of one worker with four threads.
- New requests: by one client, one after another, each on a new connection, in turn directly by
  FastCGI (unix socket) and to Apache, which goes on by mod_proxy_fcgi as shipped. GET of a hashed
  file of {small} bytes, the same with If-None-Match (304), a name that is not there (404), HEAD.
- The time: from before connect to after the last byte, the client's own work included. Every answer
  was checked.
- The siege: {n.idle} idle connections that are kept, {n.silent} that never sent a byte, {n.half}
  half-sent heads, {n.slow} POSTs to Apache that announce a body and send one byte of it,
  {n.dripping} POSTs by FastCGI whose body drips (a byte each 0.2 s, from the client's process),
  {n.stalled} readers of {large} bytes that do not read. In each round it was seen to stand before
  and after the measuring; then everybody went on, and got all that was due.
- Rounds: {rounds}, each {seconds:g} s quiet (Apache alone keeps connections, from the round
  before), then {seconds:g} s under siege.
"""


def measure(place):
    """The seconds of each request, by way and state."""
    took = {(way, state): [] for way in WAYS for state in ("quiet", "siege")}

    def keep(state, times):
        for way in WAYS:
            took[way, state] += times[way]

    new_requests(place, 0.2)  # all that is started once, is started
    for _ in range(rounds):
        keep("quiet", new_requests(place, seconds))
        with Siege(place, NUMBERS) as siege:
            keep("siege", new_requests(place, seconds))
            siege.check_it_stands()
            siege.lift()
        wait_until(lambda: is_quiet(place.serve.status()["connections"]), what="quiet")
    return took


def is_quiet(connections):
    """Only what Apache keeps is left, at most one for each of its threads."""
    return sum(connections.values()) <= APACHE_THREADS


def percentile(times, percent):
    return sorted(times)[math.ceil(len(times) * percent / 100) - 1]


def rows(took):
    yield "| way | state | requests | p50 ms | p99 ms | max ms | p99, times quiet |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    for (way, state), times in took.items():
        figures = [percentile(times, percent) * 1000 for percent in (50, 99, 100)]
        ratio = percentile(times, 99) / percentile(took[way, "quiet"], 99)
        cells = [way, state, len(times), *(f"{figure:.2f}" for figure in figures), f"{ratio:.2f}"]
        yield "| " + " | ".join(map(str, cells)) + " |"


def main():
    work = Workplace()
    try:
        project = Project(work.fresh("project")).create()
        with Place(work, project, program=work.release) as place:
            took = measure(place)
        version = subprocess.run([work.release, "--version"], capture_output=True, text=True)
        print(EXPLANATION.format(
            date=datetime.date.today(), program=version.stdout.strip(), n=NUMBERS, large=LARGE,
            cores=len(os.sched_getaffinity(0)), kernel=platform.release(),
            small=len(place.cases[0].body), rounds=rounds, seconds=seconds))
        print("\n".join(rows(took)))
    finally:
        work.remove()


quick = "--quick" in sys.argv[1:]
rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
main()
