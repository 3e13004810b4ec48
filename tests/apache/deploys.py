"""Deploys of a Django project under constant requests: who deploys, who asks, what was promised.

    site, promises = Site(work, project), Promises()
    site.release(promises)
    with Entrances(work, site) as ways, visits(ways, promises) as load:
        site.release(promises)
        load.wait_for(100)
    assert_kept(site, load)
"""

import hashlib
import itertools
import json
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import brotli

from django_site import Project, noise, write
from harness import (
    DELIVERIES, FRONTS, TAKEN, Apache, Load, Serve, Way, defines, url_of, virtual_host,
)

IMMUTABLE = "max-age=315360000, public, immutable"
CLOSED = "/handback-files/"
LOCAL_REDIRECT = "local-redirect"
ALL_WAYS = tuple(itertools.product(FRONTS, DELIVERIES)) + (
    ("cgi", LOCAL_REDIRECT), ("fcgid", LOCAL_REDIRECT), ("static", LOCAL_REDIRECT))

# A new catalog or a flipped link is noticed within one; the rest is for a busy machine.
NOTICED = 2.5

# Large enough that collectstatic, which rewrites each style sheet, needs several writes.
WIDE = "css/wide.css"


HEXADECIMAL = "0123456789abcdef"


def hash_of(name):
    """The twelve digits in a hashed name, None in any other."""
    parts = name.rpartition("/")[2].split(".")[1:]
    found = [part for part in parts[-2:] if len(part) == 12 and not part.strip(HEXADECIMAL)]
    return found[0] if found else None


def digest(data):
    return hashlib.md5(data).hexdigest()[:12]


class Site:
    """A project that a test may change, its root and its state directory, and how it is deployed.

    `root` and `state` are paths below the project's own directory. `steps` says what was done
    when, so that a failure can be told by its moment.
    """

    def __init__(self, work, project, root="static", state="static/.handback", **settings):
        self.steps = [(time.monotonic(), "all")]
        self.work = work
        self.project = Project(work.fresh("deployed"))
        self.home = self.project.home
        for part in ("manage.py", "example", "assets"):
            self.run("cp", "-r", project.home / part, self.home)
        self.project.root.mkdir()
        # Smaller, so that more requests are asked in the same time.
        write(self.home / "assets/big.bin", noise(500_000, 3))
        self.root, self.state = self.home / root, self.home / state
        self.settings = {key: str(value) for key, value in settings.items()}
        self.program = work.release or work.program
        self.change(1)

    @property
    def outside(self):
        """Whether the state directory is one of its own: collectstatic --clear spares it."""
        return self.root not in self.state.parents

    def environment(self, root=None):
        """What `prepare` and `serve` are told."""
        told = {"STATIC_ROOT": str(root or self.root), **self.settings}
        return told | ({"HANDBACK_STATE": str(self.state)} if self.outside else {})

    def step(self, what):
        self.steps.append((time.monotonic(), what))

    def change(self, number):
        """Makes the sources of another release: two files differ."""
        head = f"/* release {number} */\na {{ background: url(../img/dot.png) }}\n"
        rows = "".join(f".cell-{n} {{ width: {n}px }}\n" for n in range(9000))
        now = time.time()
        write(self.home / "assets" / WIDE, (head + rows).encode(), now)
        script = f"window.release = {number};\n" * 3000
        write(self.home / "assets/js/app.js", script.encode(), now)

    def spawn(self, *command, **environment):
        command = [str(part) for part in command]
        self.step(" ".join(Path(part).name for part in command))
        process = subprocess.Popen(
            command, cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"], **environment}, text=True)
        self.work.spawned.append(process)
        return process

    def finish(self, process, codes=(0,)):
        said = process.communicate(timeout=60)[0]
        self.step("the time after it")
        assert process.returncode in codes, (process.args, process.returncode, said)
        return said

    def run(self, *command, codes=(0,)):
        return self.finish(self.spawn(*command), codes)

    def collecting(self, *options, root=None):
        """Django's collectstatic, started."""
        command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0", *options]
        return self.spawn(*command, EXAMPLE_STATIC_ROOT=str(root or self.root))

    def collect(self, *options, root=None, codes=(0,)):
        return self.finish(self.collecting(*options, root=root), codes)

    def preparing(self, *options, root=None, **settings):
        """`handback prepare`, started; for the root of another release if one is given."""
        more = {key: str(value) for key, value in settings.items()}
        return self.spawn(self.program, "prepare", *options, **self.environment(root) | more)

    def prepare(self, promises=None, root=None, codes=(0,), **settings):
        """From its end on everything is promised; at the root that is served also published."""
        if promises and not root:
            promises.announce(self.root)
        said = self.finish(self.preparing(root=root, **settings), codes)
        if promises:
            promises.keep(root or self.root)
        if promises and not root:
            promises.publish()
        return said

    def release(self, promises, *options):
        """One deploy in place."""
        self.collect(*options)
        return self.prepare(promises)

    def compress(self, root=None):
        """Makes compressed copies of two files, as a deploy does before it prepares."""
        paths = manifest(root or self.root)
        for name in (WIDE, "js/app.js"):
            hashed = (root or self.root) / paths[name]
            small = brotli.compress(hashed.read_bytes(), quality=4)
            write(hashed.with_name(hashed.name + ".br"), small, time.time())

    def moment(self, when):
        """What was going on then."""
        began, what = max(step for step in self.steps if step[0] <= when)
        return f"{when - began:.3f} s after the start of {what}"


def manifest(root):
    return json.loads((root / "staticfiles.json").read_text())["paths"]


def kill_at(process, seconds):
    """Ends it as `kill -9` does, so long after now; whether it was still at work then."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return process.returncode == -signal.SIGKILL


class Promises:
    """What every answer is judged by: once prepared, a name stays whole and stays served.

    Hashed names keep their bytes for ever; an original name has those of the release published
    last, or for a moment those of the one before.
    """

    def __init__(self):
        self.hashed = {}  # name: the moment from which it is promised
        self.original = {}  # name: the hashes that it may have
        self.last = {}  # name: the one that it must have once the release is published
        self.published = 0
        self.names = ()

    def announce(self, root):
        """From now on original names may be answered from this release too."""
        paths = manifest(root)
        self.last = {name: self._hash(root, hashed) for name, hashed in paths.items()}
        self.published = math.inf
        self.original = {name: self.original.get(name, frozenset()) | {found}
                         for name, found in self.last.items()}
        self._list()

    def _hash(self, root, hashed):
        """By its bytes where nothing was promised: a name may carry a hash and have others."""
        return hash_of(hashed) if hashed in self.hashed else digest((root / hashed).read_bytes())

    def keep(self, root):
        """What has been prepared there is kept. Who does not know yet may ask for it anew."""
        begin = time.monotonic() + (NOTICED if self.hashed else 0)
        for hashed in set(manifest(root).values()) - set(self.hashed):
            if digest((root / hashed).read_bytes()) == hash_of(hashed):
                self.hashed[hashed] = begin
        self._list()

    def publish(self):
        """Within a second original names have to be those of the release announced last."""
        self.published = time.monotonic()

    def _list(self):
        # Style sheets are what collectstatic deletes and writes anew: they are asked for most.
        known = [*self.hashed, *self.original]
        self.names = tuple(known + [name for name in known if name.endswith(".css")] * 3)

    def judge(self, name, sent, answer):
        """What is wrong with the answer to a request that was sent then; None if nothing is."""
        if answer.status != 200:
            return f"{answer.status}, {answer['Cache-Control']}, {answer.body[:60]!r}"
        if answer["Content-Length"] != str(len(answer.body)):
            return f"Content-Length {answer['Content-Length']}, {len(answer.body)} bytes"
        coded = answer["Content-Encoding"] == "br"
        found = digest(brotli.decompress(answer.body) if coded else answer.body)
        if name not in self.hashed:
            return self._judge_original(name, sent, found)
        if found != hash_of(name):
            return f"{len(answer.body)} bytes of {found}"
        return None if answer["Cache-Control"] == IMMUTABLE else f"{answer['Cache-Control']}"

    def _judge_original(self, name, sent, found):
        if found not in self.original[name]:
            return f"bytes of {found}, not of {set(self.original[name])}"
        if sent > self.published + NOTICED and found != self.last[name]:
            return f"still {found} {sent - self.published:.2f} s after it was published"
        return None


class Visitor:
    """One request of Load; each thread stays with one way and keeps its connection."""

    def __init__(self, ways, promises):
        self.turns = itertools.cycle(ways)
        self.promises = promises
        self.own = threading.local()
        self.lock = threading.Lock()
        self.by_way = {way.host: 0 for way in ways}

    def _begin(self):
        with self.lock:
            self.own.way = next(self.turns)
        self.own.random = random.Random(threading.get_ident())
        self.own.connection = None

    def __call__(self):
        own = self.own
        if not hasattr(own, "way"):
            self._begin()
        name = own.random.choice(self.promises.names)
        coding = own.random.choice(("identity", "br"))
        try:
            fault = self._ask(name, coding)
        except (OSError, AssertionError) as error:
            own.connection = None
            fault = repr(error)
        with self.lock:
            self.by_way[own.way.host] += 1
        return f"{own.way.host}: {name} ({coding}): {fault}" if fault else None

    def _ask(self, name, coding):
        own = self.own
        if own.connection is None:
            own.connection = own.way.connect()
        sent = time.monotonic()
        answer = own.connection.ask(url_of(name), headers={"Accept-Encoding": coding})
        if answer["Connection"] == "close":
            own.connection = None
        promised = sent >= self.promises.hashed.get(name, 0)
        return self.promises.judge(name, sent, answer) if promised else None


def visits(ways, promises, each=1):
    """Constant requests, by `each` threads through each way, until the end of the block."""
    return Load(Visitor(ways, promises), threads=each * len(ways))


def assert_kept(site, load, least=50):
    """No request failed, and each way had its share of them."""
    failures = [f"{site.moment(when)}: {what}" for when, what in load.failures[:30]]
    count = f"{len(load.failures)} failures, {load.answered} good answers"
    assert not failures, "\n  ".join([count, *failures])
    assert min(load.ask.by_way.values()) >= least, load.ask.by_way


VARIANTS = (".br", ".gz", ".zst", ".zstd")


def assert_state_is_sound(state):
    """Whole files under final names, and nothing else."""
    parts = {"catalog", "lock", "releases.json", "manifests", "pool", ".htaccess"}
    assert {path.name for path in state.iterdir()} <= parts
    assert (state / "catalog").stat().st_size > 0
    assert json.loads((state / "releases.json").read_text())["version"] == 1
    for path in (state / "manifests").iterdir():
        assert path.name == hashlib.md5(path.read_bytes()).hexdigest() + ".json"
    for path in (path for path in (state / "pool").rglob("*") if path.is_file()):
        if path.suffix in VARIANTS:
            assert path.with_suffix("").is_file(), path
        else:
            assert hash_of(path.name) == digest(path.read_bytes()), path


class Entrances:
    """One Apache with a virtual host for each way to a site, and one `serve` for the proxies."""

    def __init__(self, work, site, ways=ALL_WAYS, **settings):
        self.site = site
        told = site.environment() | {key: str(value) for key, value in settings.items()}
        self.told = {key: told[key] for key in told if key != "STATIC_ROOT"}
        self.serve = None
        if any(front == "proxy" for front, _ in ways):
            self.serve = Serve(work, "--workers", 2, root=site.root, program=site.program,
                               **self.told)
        hosts = [virtual_host(f"{front}-{delivery}", self._lines(front, delivery))
                 for front, delivery in ways]
        # The visitors are slow where a machine is busy; their connections stay open meanwhile.
        text = "KeepAliveTimeout 60\n" + "".join(hosts)
        self.apache = Apache(work, text, program=site.program)
        self.ways = [Way(self.apache, f"{front}-{delivery}", front, delivery, site.project,
                         self.serve if front == "proxy" else None) for front, delivery in ways]

    def _lines(self, front, delivery):
        command = {"fcgid": "FcgidInitialEnv", "cgi": "SetEnv", "static": "SetEnv"}.get(front)
        lines = [f'{command} {key} "{value}"' for key, value in self.told.items()
                 if command and key != "HANDBACK_STATE" and (front != "static" or key in TAKEN)]
        more = {}
        if delivery == LOCAL_REDIRECT:
            more["HANDBACK_LOCAL_REDIRECT"] = CLOSED
        if self.site.outside and (front != "proxy" or delivery == "x-sendfile"):
            more["HANDBACK_STATE"] = f'"{self.site.state}"'
        shipped = defines(front, delivery, self.site.root, serve=self.serve, **more)
        return "\n".join([*lines, shipped])

    def diagnoses(self):
        return self.apache.log() + (self.serve.stderr() if self.serve else "")

    def __enter__(self):
        if self.serve:
            self.serve.start()
        self.apache.start()
        return self.ways

    def __exit__(self, *_):
        self.apache.stop()
        if self.serve:
            self.serve.stop()
