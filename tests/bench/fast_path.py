"""Level 1 of .htaccess beside the CGI that it spares, and beside a plain Alias."""

import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apache"))

from figures import (  # noqa: E402
    Report, cell, figure, machine, ratio, table, values)
from harness import Apache, Workplace, url_of, virtual_host  # noqa: E402
from servers import CONNECTIONS, release  # noqa: E402
from static_cgi import FILES, LARGE, SMALL, Site, measured  # noqa: E402

NAMES, ROUNDS, SECONDS = 1_000, 40, 0.15
QUICK_NAMES, QUICK_ROUNDS, QUICK_SECONDS = 50, 1, 0.05
ANSWERS = ("304", "1.5 KB", "20 KB br")
TIMES_CGI, TIMES_CGI_304, OF_ALIAS = 5, 8, 0.45
MODULES = "cgid alias env headers mime rewrite setenvif".split()

FAST, CGI, REDIRECT, EMPTY, ALIAS = (
    "level 1", "the CGI", "level 2", "Alias, empty .htaccess", "Alias")

EXPLANATION = """\
# The fast path of a shared host

{machine}
Client, Apache and programs share the machine.

One Apache with mod_cgid, a virtual host for each way, which all have the same files:

- {FAST}, {REDIRECT}: the .htaccess of `handback prepare --htaccess`, under AllowOverride FileInfo;
- {CGI}: a rule in the .htaccess of the document root sends all to handback.cgi, which sends the
  bodies;
- {ALIAS}: nothing but that, without AllowOverride; and with it, and an .htaccess without a line.

Asked for: a hashed file of {small:,} bytes; one whose br copy has {large:,} bytes (of an Alias that
copy itself); the first with If-None-Match (304).

{rounds} rounds, all of them in each, taking turns, {seconds:g} s each, by {connections} connections
that are kept; medians, quartiles in parentheses, ratios of the same round. Every answer's status
and length was checked.
"""

RULE = """\
RewriteEngine On
RewriteRule ^static/ /cgi-bin/handback.cgi [END]
"""


@dataclass
class Way:
    """A directory as a shared host gives it: static files and a cgi-bin, below one Apache."""

    name: str
    home: Path
    site: Site

    @property
    def host(self):
        return self.home.name

    @property
    def is_alias(self):
        return self.name in (ALIAS, EMPTY)

    def put_in_place(self, program):
        """What its owner does."""
        cgi_bin = self.home / "cgi-bin"
        cgi_bin.mkdir()
        shutil.copy(release().with_name("handback.cgi"), cgi_bin)
        options = {FAST: ("--htaccess", "1"), REDIRECT: ("--htaccess", "2")}.get(self.name, ())
        self.site.prepare(program, "--beside", str(cgi_bin), *options)
        if self.name == CGI:
            (self.home / ".htaccess").write_text(RULE)
        if self.name == EMPTY:
            (self.site.root / ".htaccess").write_text("")

    def configuration(self):
        overrides = "None" if self.name == ALIAS else "FileInfo"
        return virtual_host(self.host, f"""
            DocumentRoot {self.home}
            Alias /static/ {self.site.root}/
            ScriptAlias /cgi-bin/ {self.home}/cgi-bin/
            SetEnv ap_trust_cgilike_cl 1
            <Directory {self.home}>
                AllowOverride {overrides}
                Options FollowSymLinks
                Require all granted
            </Directory>
        """)

    def requests(self, apache):
        """{answer: Request}; an Alias gives a tag of its own, and no copies."""
        found = self.site.requests(self.host)
        if self.is_alias:
            small = found["1.5 KB"]
            tag = apache.ask(small.target, self.host)["ETag"]
            found["304"] = replace(found["304"], headers={**small.headers, "If-None-Match": tag})
            copy = url_of(self.site.hashed[LARGE] + ".br")
            found["20 KB br"] = replace(found["20 KB br"], target=copy)
        return {answer: found[answer] for answer in ANSWERS}


def ways(work, names):
    made = []
    for number, name in enumerate((FAST, CGI, REDIRECT, EMPTY, ALIAS)):
        home = work.fresh(f"way-{number}-")
        made.append(Way(name, home, Site(home, names).create()))
        made[-1].put_in_place(work.release)
    return made


def results_of(apache, made, rounds, seconds):
    """{(way, answer): costs, or a Fault}; the ways of an answer take turns next to each other."""
    requests = {way.name: way.requests(apache) for way in made}
    return measured(apache, {(way.name, answer): requests[way.name][answer]
                             for answer in ANSWERS for way in made}, rounds, seconds)


def add_rates(report, made, results):
    rows = []
    for answer in ANSWERS:
        for way in made:
            result = results[way.name, answer]
            rate = figure([1 / seconds for seconds in values(result, "wall")])
            rows.append([f"{answer}: {way.name}", cell(rate, 1, 0),
                         *(cell(ratio(results[other, answer], result, "wall"))
                           for other in (CGI, ALIAS))])
    report.add(*table(["answer: way", "requests/s", "times the CGI", "times Alias"], rows))
    report.add_faults({f"{answer}: {way}": result for (way, answer), result in results.items()})
    for answer in ANSWERS:
        for other, limit in ((CGI, TIMES_CGI_304 if answer == "304" else TIMES_CGI),
                             (ALIAS, OF_ALIAS)):
            found = ratio(results[other, answer], results[FAST, answer], "wall")
            report.target(f"{FAST}, {answer}, times {other}", found and found.median, limit,
                          at_least=True)


def report_of(work, made, rounds, seconds):
    report = Report()
    report.add(EXPLANATION.format(
        machine=machine(work.release), small=len(FILES[SMALL]), large=len(Site.copy()),
        rounds=rounds, seconds=seconds, connections=CONNECTIONS, FAST=FAST, CGI=CGI,
        REDIRECT=REDIRECT, ALIAS=ALIAS))
    hosts = "".join(way.configuration() for way in made)
    with Apache(work, hosts, modules=MODULES) as apache:
        add_rates(report, made, results_of(apache, made, rounds, seconds))
    return report


def bench(work, names, rounds, seconds):
    return report_of(work, ways(work, names), rounds, seconds).finish()


def main(quick):
    sizes = (QUICK_NAMES, QUICK_ROUNDS, QUICK_SECONDS) if quick else (NAMES, ROUNDS, SECONDS)
    work = Workplace()
    try:
        return bench(work, *sizes)
    finally:
        work.remove()


if __name__ == "__main__":
    sys.exit(main("--quick" in sys.argv[1:]))
