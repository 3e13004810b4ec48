"""Several machines behind a balancer, their deploys, and browsers that hold old pages.

A machine has files, a `handback serve` and a virtual host of its own, and code of one release:
the pages that it renders name that release's hashed files. How files come to the machines is a
layout (the classes with `build`, `give` and `flip`); in which order is the test's to say.

    with Fleet(work, project, Rsynced) as fleet, fleet.visited() as load:
        fleet.build(2)
        for machine in fleet.rotation:
            fleet.give(machine)
        fleet.wait_until_all_answer()
        for machine in fleet.rotation:
            fleet.switch(machine)
        load.wait_for(100)
"""

import os
import random
import shutil
import subprocess
import threading
import time
from typing import NamedTuple

import brotli

from deploys import IMMUTABLE, WIDE, Site, digest, hash_of, manifest
from django_site import age
from harness import (
    Apache, Load, Serve, defines, is_gone, url_of, virtual_host, wait_until)

# One of them sends the bytes itself, the others hand them back.
MACHINES = {"anna": "body", "bert": "x-sendfile", "carl": "x-sendfile"}

# What a page names: files that differ from release to release, and others.
ON_A_PAGE = (WIDE, "js/app.js", "css/site.css", "img/logo.svg", "admin/css/base.css")

THREADS = 6
PAGES = 20  # that each thread of the browsers holds


def rsync(source, target, *options):
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["rsync", "-a", *options, f"{source}/", f"{target}/"], check=True, timeout=60)


class Machine:
    def __init__(self, name, home, root, state):
        self.name, self.home, self.root, self.state = name, home, root, state
        self.release = None  # of its code
        self.serve = None

    def __repr__(self):
        return self.name

    def die(self):
        workers = self.serve.workers()
        self.serve.process.kill()
        self.serve.process.wait()
        wait_until(lambda: all(map(is_gone, workers)), what=f"{self}: dead")


class Rsynced:
    """collectstatic in place and prepare on a build machine; rsync brings the root and state."""

    shared = False  # whether what one machine has, the others have too
    releases = False  # whether each release has a directory of its own
    clear, delete = (), ()

    def __init__(self, work, project, machines=MACHINES, **settings):
        self.site = Site(work, project, state="state", **settings)
        self.home, self.state = self.site.home, self.site.state
        shutil.rmtree(self.site.root)
        (self.home / "assets/big.bin").unlink()  # three machines, three releases, two copies each
        self.machines = [self.machine(name, self.home / name) for name in machines]

    def machine(self, name, home):
        return Machine(name, home, home / "static", home / "state")

    def build(self, release):
        """Returns the manifest of the release."""
        paths = self.collect(release, self.site.root)
        self.site.prepare()
        return paths

    def collect(self, release, root):
        self.site.change(release)
        # collectstatic compares times by the second; all files here are made in a few.
        age(self.home / "assets", time.time() + 5)
        self.site.collect(*self.clear, root=root)
        self.site.compress(root)
        return manifest(root)

    def give(self, machine, release):
        """The root first: an original name is answered from what the new catalog names."""
        rsync(self.site.root, machine.root, *self.delete)
        rsync(self.state, machine.state)

    def flip(self, machine, release):
        """In place there is nothing to flip."""

    def remove(self, release):
        """And no directory that could be removed."""


class Cleared(Rsynced):
    """The roots hold nothing but one release; what was before is in the state directories."""

    clear, delete = ("--clear",), ("--delete",)


class BuiltAnew(Cleared):
    """Each release on a new build machine, whose state directory knows no other release."""

    def build(self, release):
        for former in (self.site.root, self.state):
            shutil.rmtree(former, ignore_errors=True)
        return super().build(release)


class PreparedThere(Rsynced):
    """rsync brings the root alone; each machine prepares its own."""

    def build(self, release):
        return self.collect(release, self.site.root)

    def give(self, machine, release):
        rsync(self.site.root, machine.root)
        self.site.prepare(root=machine.root, HANDBACK_STATE=machine.state)


class SharedReleases(Rsynced):
    """releases/N/static and the state on a file system that all machines mount; a link each."""

    shared = releases = True

    def machine(self, name, home):
        home.mkdir()
        return Machine(name, home, home / "current/static", self.state)

    def directory(self, release, machine=None):
        return self.home / "releases" / str(release)

    def build(self, release):
        return self.collect(release, self.directory(release) / "static")

    def give(self, machine, release):
        self.site.prepare(root=self.directory(release) / "static")

    def flip(self, machine, release):
        """As `ln -s` and `mv -T` do it: at no moment is there no link."""
        link = machine.home / "new"
        link.symlink_to(os.path.relpath(self.directory(release, machine), machine.home))
        link.replace(machine.home / "current")

    def remove(self, release):
        for machine in self.machines:
            shutil.rmtree(self.directory(release, machine), ignore_errors=True)


class SharedState(SharedReleases):
    """Releases in directories of the machine's own; only the state is shared by all."""

    def directory(self, release, machine=None):
        return (machine.home if machine else self.home) / "releases" / str(release)

    def give(self, machine, release):
        there = self.directory(release, machine) / "static"
        rsync(self.directory(release) / "static", there)
        self.site.prepare(root=there)


LAYOUTS = (Rsynced, BuiltAnew, PreparedThere, SharedReleases, SharedState)


class Fleet:
    """The machines, one Apache with a virtual host for each, and who is asked at all."""

    def __init__(self, work, project, layout, machines=MACHINES, **settings):
        self.layout = layout(work, project, machines, **settings)
        self.machines = self.layout.machines
        self.manifests = {}  # of all releases that were built
        self.meant = {}  # original name: the hashes that the releases give it
        self.rotation = ()
        for machine in self.machines:
            # One worker: once a new catalog answers, it answers always.
            machine.serve = Serve(work, "--workers", 1, root=machine.root,
                                  program=self.layout.site.program, HANDBACK_STATE=machine.state)
        hosts = [self._host(machine, machines[machine.name]) for machine in self.machines]
        text = "KeepAliveTimeout 60\n" + "".join(hosts)
        self.apache = Apache(work, text, program=self.layout.site.program)

    @staticmethod
    def _host(machine, delivery):
        more = {"HANDBACK_STATE": f'"{machine.state}"'} if delivery == "x-sendfile" else {}
        return virtual_host(
            machine.name, defines("proxy", delivery, machine.root, serve=machine.serve, **more))

    def __enter__(self):
        """The first release, while nobody asks."""
        self.build(1)
        for machine in self.machines:
            self.give(machine)
            self.switch(machine)
            machine.serve.start()
        self.apache.start()
        self.rotation = tuple(self.machines)
        return self

    def __exit__(self, *_):
        self.apache.stop()
        for machine in self.machines:
            machine.serve.stop()
        shutil.rmtree(self.layout.home)

    def build(self, release):
        """Sources, collectstatic: what the code of this release needs to render its pages."""
        paths = self.layout.build(release)
        for name, hashed in paths.items():
            self.meant.setdefault(name, set()).add(hash_of(hashed))
        self.manifests[release] = paths
        self.release = release

    def give(self, machine):
        """What the program needs to answer for the release that was built last."""
        self.layout.give(machine, self.release)

    def switch(self, machine, release=None):
        """From now on the machine's code, and with it its pages, are of that release."""
        self.layout.flip(machine, release or self.release)
        machine.release = release or self.release

    def ask(self, machine, name, connection=None, **headers):
        connection = connection or self.apache
        headers = {"Host": machine.name, **headers}
        return connection.ask(url_of(name), headers=headers)

    def answers(self, machine, release):
        """Whether a machine has all that the pages of a release name."""
        names = [self.manifests[release][name] for name in ON_A_PAGE]
        return all(self.ask(machine, name).status == 200 for name in names)

    def wait_until_all_answer(self):
        for machine in self.rotation:
            wait_until(lambda: self.answers(machine, self.release), 5, f"{machine}: the files")

    def original_is(self, machine, release):
        """Whether the original names of the machine are those of that release."""
        names = (WIDE, "js/app.js")
        wanted = [hash_of(self.manifests[release][name]) for name in names]
        return [digest(self.ask(machine, name).body) for name in names] == wanted

    def leave(self, machine):
        """The balancer asks it no longer."""
        self.rotation = tuple(m for m in self.rotation if m is not machine)

    def join(self, machine):
        self.rotation += (machine,)

    def visited(self):
        """Browsers ask until the end of the block."""
        return Load(Browsers(self), threads=THREADS)


class Fault(NamedTuple):
    machine: str
    release: int  # of the page that names it, 0 for an original name
    status: int
    what: str


class Browsers:
    """One request of Load: now and then a new page, mostly what a page names that is held.

    Each request goes to any machine in the rotation, as a balancer without sessions sends it. One
    whose responder does not answer is left out from then on, and another one asked.
    """

    def __init__(self, fleet):
        self.fleet = fleet
        self.own = threading.local()
        self.lock = threading.Lock()
        self.passed_over = set()

    def _begin(self):
        self.own.random = random.Random(threading.get_ident())
        self.own.connection = self.fleet.apache.connect()
        # The first is held to the end.
        self.own.pages = [self._page()]

    def _page(self):
        """Of that release is the page that a machine renders."""
        return self.own.random.choice(self.fleet.rotation).release

    def __call__(self):
        own = self.own
        if not hasattr(own, "connection"):
            self._begin()
        pages, choose = own.pages, own.random
        if choose.random() < 0.2:
            pages.append(self._page())
            if len(pages) > PAGES:
                del pages[choose.randrange(1, PAGES)]
        name, release = choose.choice(ON_A_PAGE), 0
        if choose.random() < 0.9:
            release = choose.choice(pages)
            name = self.fleet.manifests[release][name]
        try:
            return self._fetch(name, release)
        except (OSError, AssertionError) as error:
            own.connection = self.fleet.apache.connect()
            return Fault("", release, 0, f"{name}: {error!r}")

    def _fetch(self, name, release):
        while True:
            machine = self.own.random.choice(self.fleet.rotation)
            coding = self.own.random.choice(("identity", "br"))
            answer = self.fleet.ask(
                machine, name, self.own.connection, **{"Accept-Encoding": coding})
            if answer["Connection"] == "close":
                self.own.connection = self.fleet.apache.connect()
            if answer.status != 503 or answer.from_handback:
                what = self.judge(name, answer)
                return what and Fault(machine.name, release, answer.status, f"{name}: {what}")
            with self.lock:
                self.fleet.leave(machine)
                self.passed_over.add(machine.name)

    def judge(self, name, answer):
        """What is wrong with the answer, None if nothing is."""
        cached = answer["Cache-Control"]
        if answer.status != 200:
            return f"{answer.status}, {cached}"
        body = answer.body
        if answer["Content-Encoding"] == "br":
            body = brotli.decompress(body)
        wanted = self.fleet.meant.get(name) or {hash_of(name)}
        if digest(body) not in wanted:
            return f"bytes of {digest(body)}"
        if name not in self.fleet.meant and cached != IMMUTABLE:
            return cached
        return None
