"""handback.cgi under mod_cgid beside an empty CGI program: what its answers cost."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apache"))

import brotli  # noqa: E402

import fastcgi  # noqa: E402
from django_site import noise, readable, style, write  # noqa: E402
from figures import (  # noqa: E402
    Cost, Fault, NO_FIGURE, Report, WrongAnswer, cell, figure, figure_or_fault, in_turns, machine,
    ratio, table, values)
from harness import NEEDED, Apache, Workplace, defines, url_of, virtual_host  # noqa: E402
from responders import cgi  # noqa: E402
from servers import CONNECTIONS, Request, built, check, cost, release  # noqa: E402

NAMES, ROUNDS, SECONDS = (1_000, 100_000), 50, 0.2
QUICK_NAMES, QUICK_ROUNDS, QUICK_SECONDS = (50, 500), 1, 0.05
PROCESSES = 20
OF_EMPTY, OF_SMALL, READ, SIZE = 0.9, 0.95, 16, 100
SMALL, LARGE = "css/page.css", "js/page.js"
FILES = {SMALL: style(1_500)[:1_500], LARGE: noise(20_000, 1).hex().encode()}

EXPLANATION = """\
# The static CGI

{machine}
Client, Apache and programs share the machine.

Apache with mod_cgid runs a program for each request. Of `handback.cgi` and of `handback`, whose
catalog prepare has stored, these answers: a hashed file of {small:,} bytes, one whose br copy has
{large:,} bytes, If-None-Match of the first (304), its original name, a name that is not there. The
empty program, made by the same compiler with the same options, always gives the same few bytes.
Catalogs of {names} names.

{rounds} rounds, all of them in each, taking turns, {seconds:g} s each, by {connections} connections
that are kept; medians, quartiles in parentheses, ratios of the same round. Every answer's status
and length was checked.

The same programs by themselves, {processes} processes of each in a round: the time from the start
of one to its end, and the CPU time that it has spent.
"""


class Site:
    """So many names in a manifest: two files, and original names that stand for the first."""

    def __init__(self, home, names):
        self.root, self.names = home / "static", names
        self.hashed = {name: self.with_hash(name, data) for name, data in FILES.items()}

    @staticmethod
    def with_hash(name, data):
        stem, _, suffix = name.rpartition(".")
        return f"{stem}.{hashlib.md5(data).hexdigest()[:12]}.{suffix}"

    def create(self):
        for name, data in FILES.items():
            write(self.root / self.hashed[name], data)
        write(self.root / (self.hashed[LARGE] + ".br"), self.copy())
        more = {f"parts/part-{number:06d}.css": self.hashed[SMALL]
                for number in range(self.names - 2 * len(FILES))}
        manifest = json.dumps({"paths": {**self.hashed, **more}, "version": "1.0"})
        write(self.root / "staticfiles.json", manifest.encode())
        readable(self.root)
        return self

    @staticmethod
    def copy():
        return brotli.compress(FILES[LARGE], quality=5)

    @property
    def catalog(self):
        return self.root / ".handback/catalog"

    def prepare(self, program, *options):
        done = subprocess.run([program, "prepare", *options], env=self.settings(),
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done
        return self

    def settings(self):
        """The environment of a program that serves it."""
        return {"STATIC_ROOT": str(self.root), "STATIC_URL": "/static/"}

    def name(self, index):
        """Any number is the first file's."""
        return self.hashed[SMALL]

    def tag(self):
        return f'"{self.hashed[SMALL].split(".")[1]}"'

    def requests(self, host):
        """{answer: Request}"""
        def request(name, headers, status, body):
            return Request(host, url_of(name), headers, status, body)

        plain = {"Accept-Encoding": "gzip, deflate, br"}
        small, large = self.hashed[SMALL], self.hashed[LARGE]
        return {
            "304": request(small, {**plain, "If-None-Match": self.tag()}, 304, b""),
            "1.5 KB": request(small, plain, 200, FILES[SMALL]),
            "20 KB br": request(large, plain, 200, self.copy()),
            "original name": request(SMALL, plain, 200, FILES[SMALL]),
            "404": request("css/none.css", plain, 404, b"404 Not Found\n"),
        }


@dataclass
class Programs:
    """Copies that the web server's user can reach."""

    empty: Path
    static: Path
    full: Path

    @classmethod
    def copied(cls, work):
        home = work.fresh("programs")
        sources = (built("empty.cgi"), release().with_name("handback.cgi"), work.release)
        return cls(*(shutil.copy(source, home / source.name) for source in sources))


def host(name, program, site):
    return virtual_host(name, f"Define HANDBACK_CGI {program}", defines("cgi", root=site.root))


def contenders(programs, sites):
    """The hosts, and {name: Request}: the empty program comes first."""
    small, large = sites
    empty = Request("empty", url_of("nothing"), {}, 200, b"empty\n")
    found = {"empty program": empty}
    for answer, request in small.requests("static").items():
        found[f"handback.cgi: {answer}"] = request
    found[f"handback.cgi: 1.5 KB, {large.names:,} names"] = large.requests("large")["1.5 KB"]
    found["handback: 1.5 KB"] = small.requests("full")["1.5 KB"]
    hosts = [host("empty", programs.empty, small), host("static", programs.static, small),
             host("large", programs.static, large), host("full", programs.full, small)]
    return "".join(hosts), found


def measured(apache, requests, rounds, seconds):
    """{name: costs, or a Fault}"""
    def contender(request):
        check(apache, request)
        return cost(apache, request, seconds)

    return in_turns({name: lambda request=request: contender(request)
                     for name, request in requests.items()}, rounds)


def add_rates(report, results):
    (_, empty), *others = results.items()
    rows = []
    for name, result in results.items():
        rate = figure([1 / seconds for seconds in values(result, "wall")])
        rows.append([name, cell(rate, 1, 0), cell(ratio(empty, result, "wall"))])
    report.add(*table(["program, answer", "requests/s", "times the empty program"], rows))
    report.add_faults(results)
    for name, result in others:
        if name.startswith("handback.cgi: "):
            found = ratio(empty, result, "wall")
            report.target(f"requests/s, {name}, times empty", found and found.median, OF_EMPTY,
                          at_least=True)


def add_size_of_catalog(report, results):
    """The same answer from a larger catalog."""
    large = next(name for name in results if name.endswith(" names"))
    found = ratio(results["handback.cgi: 1.5 KB"], results[large], "wall")
    report.target(f"requests/s, {large}, times the smaller catalog", found and found.median,
                  OF_SMALL, at_least=True)


# ---- what one process does ----


def alone(program, site, body):
    """The mean cost of a few processes that answer the first file."""
    costs = []
    for _ in range(PROCESSES):
        one, output = cgi(program, site, 0)
        if fastcgi.parse(output).body != body:
            raise WrongAnswer(f"other bytes from {program.name}")
        costs.append(one)
    return Cost(*(sum(seen) / PROCESSES for seen in
                  zip(*((one.wall, one.cpu) for one in costs))))


def add_alone(report, programs, site, rounds):
    small = FILES[SMALL]
    results = in_turns({"empty program": lambda: alone(programs.empty, site, b"empty\n"),
                        "handback.cgi: 1.5 KB": lambda: alone(programs.static, site, small),
                        "handback: 1.5 KB": lambda: alone(programs.full, site, small)}, rounds)
    empty = results["empty program"]
    report.add(*table(
        ["a process by itself", "wall µs", "CPU µs", "CPU µs more than the empty program"],
        [[name, cell(figure(values(result, "wall")), 1e6, 0),
          cell(figure(values(result, "cpu")), 1e6, 0), cell(more(result, empty), 1e6, 0)]
         for name, result in results.items()]))
    report.add_faults(results)


def more(result, other):
    """The CPU time that a round took more."""
    return figure([a - b for a, b in zip(values(result, "cpu"), values(other, "cpu"))])


CALL_ON_CATALOG = re.compile(r"^(\w+)\(.*\d+<[^>]*/catalog>.* = (\d+)$", re.M)


def traced(work, program, site, request):
    """The system calls of a CGI process, by the lines of strace."""
    lines = work.fresh("trace") / "lines"
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value
               for name, value in request.headers.items()}
    environment = {**site.settings(), **fastcgi.usual(request.target, **headers)}
    done = subprocess.run(["strace", "-qq", "-y", "-o", lines, program], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True)
    reply = fastcgi.parse(done.stdout)
    if (reply.status[:3], reply.body) != (str(request.status), request.body):
        raise WrongAnswer(f"{reply.status} with {len(reply.body)} bytes for {request.target}")
    return lines.read_text()


def read_of_catalog(trace):
    """Bytes that were read of the catalog's file, which is not mapped."""
    calls = CALL_ON_CATALOG.findall(trace)
    if "mmap" in dict(calls):
        raise WrongAnswer("the catalog is mapped: what is read of it nobody tells")
    return sum(int(got) for call, got in calls if call in ("read", "pread64"))


def calls_and_bytes(work, program, site, request):
    trace = traced(work, program, site, request)
    return len(trace.splitlines()), read_of_catalog(trace)


def add_processes(report, work, program, sites):
    found = {(answer, site.names): figure_or_fault(calls_and_bytes, work, program, site, request)
             for site in sites for answer, request in site.requests("").items()}
    rows = []
    for answer in sites[0].requests(""):
        cells = [found[answer, site.names] for site in sites]
        rows.append([answer, *([NO_FIGURE] * 2 if isinstance(one, Fault) else one
                               for one in cells)])
    head = [f"{what}, {site.names:,} names" for site in sites
            for what in ("system calls", "bytes read of the catalog")]
    report.add(*table(["answer of handback.cgi", *head],
                      [[answer, *sum(map(list, cells), [])] for answer, *cells in rows]))
    report.add_faults({f"{answer}, {names:,} names": one
                       for (answer, names), one in found.items()})
    for site in sites:
        seen = [found[answer, site.names] for answer in site.requests("")]
        broken = any(isinstance(one, Fault) for one in seen)
        report.target(f"read of a catalog of {site.names:,} names, at most",
                      None if broken else max(got for _, got in seen) / 1024, READ, unit=" KB")


def add_sizes(report, programs):
    found = {"handback.cgi": programs.static, "empty program": programs.empty,
             "handback": programs.full}
    report.add(*table(["file", "bytes"], [[name, f"{path.stat().st_size:,}"]
                                          for name, path in found.items()]))
    report.target("size of handback.cgi", programs.static.stat().st_size / 1000, SIZE, unit=" KB")


def report_of(work, sites, rounds, seconds):
    report, programs = Report(), Programs.copied(work)
    report.add(EXPLANATION.format(
        machine=machine(work.release), small=len(FILES[SMALL]), large=len(Site.copy()),
        names=" and ".join(f"{site.names:,}" for site in sites), rounds=rounds, seconds=seconds,
        connections=CONNECTIONS, processes=PROCESSES))
    hosts, requests = contenders(programs, sites)
    with Apache(work, hosts, modules=NEEDED["cgi"], cgi=programs.static) as apache:
        results = measured(apache, requests, rounds, seconds)
    add_rates(report, results)
    add_size_of_catalog(report, results)
    add_alone(report, programs, sites[0], rounds)
    add_processes(report, work, programs.static, sites)
    add_sizes(report, programs)
    return report


def bench(work, names, rounds, seconds):
    sites = [Site(work.fresh("site"), count).create().prepare(work.release) for count in names]
    return report_of(work, sites, rounds, seconds).finish()


def main(quick):
    sizes = (QUICK_NAMES, QUICK_ROUNDS, QUICK_SECONDS) if quick else (NAMES, ROUNDS, SECONDS)
    work = Workplace()
    try:
        return bench(work, *sizes)
    finally:
        work.remove()


if __name__ == "__main__":
    sys.exit(main("--quick" in sys.argv[1:]))
