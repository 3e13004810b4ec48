"""Old kernels and sandboxes: where openat2 is refused, every answer is what it is elsewhere.

Apache and `serve` run where openat2 is answered ENOSYS or EPERM, and what they start inherits it.
"""

import hashlib
import json
import os
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

import cases_targets
from cases import ConformanceSite
from conftest import WAYS, make_way
from django_site import write
from harness import (
    FRONTS, STATIC, Apache, Serve, defines, prepare, settings_lines, url_of, virtual_host,
    wait_until,
)
from same_answers import comparable
from test_conformance import Talk

REFUSALS = ("ENOSYS", "EPERM")
KERNELS = ("openat2", *REFUSALS)

SECRET = b"what no client may have\n"
FILES = {"a.txt": b"a\n", "dir/b.txt": b"b\n", "dir/deep/c.txt": b"c\n"}
FOLLOWED = {"x.txt": b"x\n", "sub/y.txt": b"y\n"}

# {root} is served, {app} may be reached by links of the static mount, {out} by none. Each is
# made at the top and below dir/, so that the relative ones mean two things.
TARGETS = [
    "a.txt", "../a.txt", "dir/b.txt", "dir/../a.txt", "./deep/../b.txt", "dir/deep/../../a.txt",
    "missing/../a.txt", "a.txt/../a.txt", "a.txt/", "dir/", "dir", "deep", ".", "..", "../..",
    "missing", "a.txt/more", "loop", "fifo", "../fifo", "{root}", "{root}/a.txt", "{root}/dir",
    "{root}/dir/../a.txt", "../{root.name}/a.txt", "../../{root.name}/a.txt", "{root}-not/a.txt",
    "{app}/x.txt", "{app}", "{app}/sub", "{app}/../{app.name}/x.txt", "{app}/../secret.txt",
    "{app}/out", "{app}/back", "../{app.name}/x.txt", "../../{app.name}/sub", "{out}/secret.txt",
    "{out}", "../{out.name}/secret.txt", "../{out.name}", "../../{out.name}", "{out}/back", "/",
    "/etc/hostname", "/etc", "../../../../../../../../etc", "/dev/zero", "/dev/tty",
    "/proc/self/exe", "/proc/self/root", "/proc/self/root{root}/a.txt", "/proc/self/status",
]
BELOW = ["a.txt", "b.txt", "x.txt", "secret.txt", "etc/hostname"]


class Links:
    """A root full of links, and what Python finds behind each of them."""

    def __init__(self, work):
        home = work.fresh("links")
        self.root, self.app, self.out = (home / name for name in ("static", "app", "out"))
        for name, data in FILES.items():
            write(self.root / name, data)
        for name, data in FOLLOWED.items():
            write(self.app / name, data)
        for secret in (home, self.out, home / "static-not"):
            write(secret / "secret.txt", SECRET)
            write(secret / "a.txt", SECRET)
        os.mkfifo(self.root / "fifo")
        (self.app / "out").symlink_to(self.out / "secret.txt")
        (self.app / "back").symlink_to(self.root / "a.txt")
        (self.out / "back").symlink_to(self.root / "a.txt")
        (self.root / "loop").symlink_to("loop")
        self.names, self.magic = [*FILES, "fifo", "loop"], set()
        for number, target in enumerate(TARGETS):
            target = target.format(root=self.root, app=self.app, out=self.out)
            for name, end in ((f"l{number}", target), (f"dir/l{number}", target),
                              (f"chain{number}", f"dir/l{number}")):
                self._link(name, end)
                if target.startswith("/proc/"):
                    self.magic.add(name)

        self._write_manifest()

    def _write_manifest(self):
        """Of hashed names that are a file, a link inside, one that is followed, and one out."""
        ends = {"file": None, "inside": self.root / "a.txt", "followed": self.app / "x.txt",
                "outside": self.out / "secret.txt"}
        paths = {}
        for name, end in ends.items():
            data = end.read_bytes() if end else b"of its own\n"
            hashed = f"{name}.{hashlib.md5(data).hexdigest()[:12]}.txt"
            paths[f"{name}.txt"] = hashed
            if end:
                (self.root / hashed).symlink_to(end)
            else:
                write(self.root / hashed, data)
        self.names += paths.values()
        write(self.root / "staticfiles.json",
              json.dumps({"version": "1.1", "hash": "", "paths": paths}).encode())

    def _link(self, name, target):
        (self.root / name).symlink_to(target)
        below = [f"{name}/{file}" for file in BELOW]
        self.names += [name, *(path for path in below if (self.root / path).is_file())]

    def content(self, name, *allowed):
        """The bytes that a client may have, None for none."""
        path = self.root / name
        if name in self.magic or not path.is_file():
            return None
        end = path.resolve()
        return path.read_bytes() if any(end.is_relative_to(place) for place in allowed) else None


class Machine:
    """Servers of every way under one kernel: of the conformance site, and of the links."""

    def __init__(self, work, kernel, site, links):
        under = [] if kernel == "openat2" else work.without_openat2(kernel)
        media = {"MEDIA_ROOT": site.media, "MEDIA_URL": "/media/"}
        follow, top = {"HANDBACK_FOLLOW": links.app}, {"HANDBACK_ROOT": links.root}
        self.serve = Serve(work, root=site.root, under=under, **media)
        self.linked = Serve(work, root=links.root, under=under, **follow, **top)
        state = self._prepare(work, links, under, **follow, **top)
        site_state = prepare(work, site.root, **media)
        hosts = []
        for front, delivery in WAYS:
            own, linked = ({"HANDBACK_STATE": place} if front in STATIC else {}
                           for place in (site_state, state))
            hosts.append(virtual_host(
                f"{front}-{delivery}",
                defines(front, delivery, site.root, serve=self.serve, **media, **own)))
            hosts.append(virtual_host(
                f"links-{front}-{delivery}", "ErrorLog links.log",
                "" if front == "proxy" else settings_lines(front, follow),
                defines(front, delivery, links.root, serve=self.linked, **top, **linked)))
        hosts.append(virtual_host("status", own_status(work)))
        self.apache = Apache(work, "".join(hosts), cgi=work.release, under=under)

    def _prepare(self, work, links, under, **settings):
        state = work.fresh("state")
        environment = {"STATIC_ROOT": links.root, "HANDBACK_STATE": state, **settings}
        done = subprocess.run([*under, work.program, "prepare", "--json"], env=environment,
                              capture_output=True, text=True, timeout=60)
        self.prepared = done.returncode, done.stdout.replace(state.name, "state")
        self.pool = sorted(path.relative_to(state) for path in state.glob("pool/**/*"))
        return state

    def __enter__(self):
        for server in (self.serve, self.linked, self.apache):
            server.start()
        return self

    def __exit__(self, *_):
        for server in (self.apache, self.linked, self.serve):
            server.stop()

    def diagnoses(self):
        """Their numbers, of the links."""
        said = (self.apache.home / "links.log").read_text() + self.linked.stderr()
        return set(re.findall(r"handback: (HB\d{4}): ", said))


def own_status(work):
    """A CGI that tells what the kernel says of it."""
    script = work.fresh("script") / "status"
    script.write_text("#!/bin/sh\necho Content-Type: text/plain\necho\ncat /proc/$$/status\n")
    script.chmod(0o755)
    return (f'ScriptAlias /status "{script}"\n<Directory {script.parent}>\nRequire all granted\n'
            "</Directory>")


@pytest.fixture(scope="module")
def links(work):
    return Links(work)


@pytest.fixture(scope="module")
def conformance(work):
    return ConformanceSite(work)


@pytest.fixture(scope="module")
def machines(work, conformance, links):
    with ExitStack() as started:
        yield {kernel: started.enter_context(Machine(work, kernel, conformance, links))
               for kernel in KERNELS}


def descendants(pid):
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = [int(c) for task in tasks for c in (task / "children").read_text().split()]
    return children + [below for child in children for below in descendants(child)]


def is_filtered(status):
    return re.search(r"^Seccomp:\s*2$", status, re.M) is not None


@pytest.mark.parametrize("kernel", KERNELS)
def test_all_that_the_servers_start_runs_under_the_filter(machines, kernel):
    machine = machines[kernel]
    machine.apache.ask("/static/a.txt", "links-fcgid-body")
    mains = [machine.serve.process.pid, int((machine.apache.home / "pid").read_text())]
    running = [*mains, *(pid for main in mains for pid in descendants(main))]
    names = {Path(f"/proc/{pid}/comm").read_text().strip() for pid in running}
    assert {"apache2", "handback"} <= names
    told = [Path(f"/proc/{pid}/status").read_text() for pid in running]
    told.append(machine.apache.ask("/status", "status").body.decode())
    assert [is_filtered(status) for status in told] == [kernel != "openat2"] * len(told)


@pytest.mark.parametrize("through, kernel", [
    *((way, "ENOSYS") for way in WAYS), *(((front, "body"), "EPERM") for front in FRONTS),
], ids=lambda value: value if isinstance(value, str) else "-".join(value))
def test_a_target_is_answered_as_the_tables_say(machines, conformance, through, kernel):
    machine = machines[kernel]
    way = make_way((machine.apache, machine.serve), conformance.project, *through)
    talk, wrong = Talk(way, conformance), {}
    for case in cases_targets.ROWS:
        try:
            talk.run(case)
        except AssertionError as fault:
            wrong[case.name] = str(fault)
    talk.drop()
    assert wrong == {}


@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_a_link_leads_where_it_may_with_and_without_openat2(machines, links, through):
    """The static mount follows links into another directory, the mount at the top none."""
    mounts = {"/static/": (links.root, links.app), "/": (links.root,)}
    host, wrong, served = "links-" + "-".join(through), [], 0
    lines = {kernel: machine.apache.connect(host) for kernel, machine in machines.items()}
    for prefix, allowed in mounts.items():
        # A CGI starts slowly: there every third name stands for all.
        for name in links.names[:: 3 if through[0] in ("cgi", "static") else 1]:
            wanted = links.content(name, *allowed)
            served += wanted is not None
            answers = {k: line.ask(url_of(name, prefix)) for k, line in lines.items()}
            for kernel, answer in answers.items():
                found = answer.body if answer.status == 200 else None
                if found != wanted or comparable(answer) != comparable(answers["openat2"]):
                    wrong.append((kernel, prefix, name, answer.status, wanted))
    for line in lines.values():
        line.socket.close()
    assert wrong == []
    assert served > 20
    if through[0] not in ("cgi", "static"):  # whose words are in the log of all sites
        said = {kernel: machine.diagnoses for kernel, machine in machines.items()}
        wait_until(lambda: "HB0049" in said["openat2"](), what="a link is said to leave")
        wait_until(lambda: len({frozenset(numbers()) for numbers in said.values()}) == 1,
                   what="the same is said everywhere")


def test_prepare_keeps_and_says_the_same(machines):
    found = {kernel: (machine.prepared, machine.pool) for kernel, machine in machines.items()}
    code, report = machines["openat2"].prepared
    assert code == 1 and "HB0087: outside." in report
    assert len(machines["openat2"].pool) == 3
    assert found["ENOSYS"] == found["EPERM"] == found["openat2"]
