"""What long use leaves behind in a worker: nothing.

How long the second test lasts is HANDBACK_SOAK_SECONDS, 120 unless it is set.
"""

import hashlib
import json
import os
import shutil
import signal
import statistics
import time
from collections import Counter, defaultdict
from contextlib import suppress

import pytest

import soak
from django_site import ASSETS, Project, readable, write
from harness import Apache, Serve, defines, url_of, wait_until

SECONDS = int(os.environ.get("HANDBACK_SOAK_SECONDS", "120"))
HOSTILE = 100_000
THREADS = 4
WARM = 20_000  # of these, until every thread has had all that it keeps


@pytest.fixture
def told(capsys):
    """Prints a line of figures among the dots."""
    def tell(line):
        with capsys.disabled():
            print(f"\n{line}", end="", flush=True)
    return tell


def test_a_hundred_thousand_hostile_connections_leave_nothing_behind(work, project, told):
    assert work.release, "no release program: build it, or name it by HANDBACK_PROGRAM_RELEASE"
    with Serve(work, "--workers", 1, "--threads", 4, root=project.root,
               program=work.release) as serve:
        wait_until(lambda: len(serve.workers()) == 1, 5, "a worker")
        worker, = serve.workers()

        def attack(count):
            """By two processes. All of them are over, and what they held is given back."""
            halves = [soak.spawn("hostile", address=serve.address, count=count // 2, seed=seed)
                      for seed in (1, 2)]
            faults = [result["faults"] for result in soak.results(halves, 300)]
            assert faults == [[], []]
            wait_until(lambda: soak.descriptor_kinds(worker)["socket"] == 1, 40,
                       "closing what was left open")
            assert serve.answers_well()
            wait_until(lambda: soak.descriptor_kinds(worker)["socket"] == 1, 5, "closing ours")

        began = time.monotonic()
        attack(WARM)
        descriptors, memory = soak.descriptor_kinds(worker), soak.private_memory(worker)
        attack(HOSTILE - WARM)
        grown = soak.private_memory(worker) - memory
        told(f"{HOSTILE} hostile connections in {time.monotonic() - began:.0f} s: "
             f"{sum(descriptors.values())} descriptors before and after, "
             f"{memory} KB and {grown:+} KB")
        assert soak.descriptor_kinds(worker) == descriptors
        assert grown < 1024
        assert serve.workers() == [worker]
        status = serve.status()
        assert status["accepted"] >= HOSTILE and status["workers_died"] == 0


# ---- a steady mix ----

HOSTILE_RATE = 150  # connections a second, each of two processes
WARM_PART, LAST_PART = 0.25, 0.25  # of the time that the last workers live


def cases_of(project):
    """What is asked for through Apache, and what must come back."""
    name = project.manifest()["css/site.css"]
    hashed, tag = url_of(name), '"' + name.split(".")[-2] + '"'
    style, app = project.bytes_of("css/site.css"), ASSETS["js/app.js"]
    big, immutable = ASSETS["big.bin"], "max-age=315360000, public, immutable"
    rows = [
        (200, hashed, style, ("Cache-Control", immutable), {}),
        (200, hashed, b"", ("Content-Length", str(len(style))), {}, "HEAD"),
        (304, hashed, b"", ("ETag", tag), {"If-None-Match": tag}),
        (304, hashed, b"", ("ETag", tag), {"If-None-Match": tag}, "HEAD"),
        (206, url_of("js/app.js"), app[1000:50000],
         ("Content-Range", f"bytes 1000-49999/{len(app)}"), {"Range": "bytes=1000-49999"}),
        (416, url_of("js/app.js"), None, ("Content-Range", f"bytes */{len(app)}"),
         {"Range": "bytes=500000-"}),
        (200, url_of("big.bin"), big, ("Content-Length", str(len(big))), {}),
        (200, url_of("data.json"), ASSETS["data.json"], ("Content-Type", "application/json"), {}),
        (404, url_of("nothing.css"), None, ("Cache-Control", "no-store"), {}),
        (405, url_of("data.json"), None, ("Allow", "GET, HEAD, OPTIONS"), {}, "DELETE"),
    ]
    return [case(*row) for row in rows]


def case(status, target, body, field, headers, method="GET"):
    """As soak.judge wants it."""
    return {"status": status, "target": target, "method": method, "headers": headers,
            "field": field, "digest": None if body is None else soak.digest(body)}


class Deploys:
    """What collectstatic does to a root: a new file, its hashed copy, and the manifest anew."""

    def __init__(self, project, apache):
        self.project, self.apache, self.count = project, apache, 0

    def deploy(self):
        root, paths = self.project.root, self.project.manifest()
        self.count += 1
        text = b"/* %d */\n" % self.count
        name = f"css/new{self.count % 3}.css"
        former = paths.get(name)
        paths[name] = name.replace(".css", f".{hashlib.md5(text).hexdigest()[:12]}.css")
        write(root / paths[name], text)
        readable(root / "css")
        (root / "staticfiles.json").unlink()
        write(root / "staticfiles.json", json.dumps({"paths": paths, "version": "1.0"}).encode(),
              time.time())
        wait_until(lambda: self.apache.ask(url_of(name)).body == text, 10, "the new release")
        if former:
            (root / former).unlink()


class Samples:
    """The private memory of every worker and of the master, by the second."""

    def __init__(self, serve):
        self.serve = serve
        self.memory = defaultdict(list)  # by process: moments and KB

    def take(self):
        now = time.monotonic()
        for pid in [self.serve.process.pid, *self.serve.workers()]:
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                self.memory[pid].append((now, soak.private_memory(pid)))

    def levels(self, pid):
        """After the warm-up and at the end, in KB."""
        values = [kilobytes for _, kilobytes in self.memory[pid]]
        part = max(1, int(len(values) * WARM_PART))
        return statistics.median(values[part : 2 * part]), statistics.median(values[-part:])


def reloads_at(seconds):
    """When HUP is sent: in the first half, so that the workers of the second live long enough to
    be compared with themselves."""
    count = max(2, seconds // 60)
    return [0.45 * seconds * (n + 1) / count for n in range(count)]


def soak_it(project, serve, apache, seconds):
    """Everything at once, for so long. Returns the samples, and what the clients have to say."""
    cases, secret = cases_of(project), serve.work.path.name
    clients = {
        "ordinary": [soak.spawn("ordinary", port=apache.port, cases=cases, seconds=seconds,
                                threads=3, secret=secret, seed=seed) for seed in (1, 2)],
        "slow": [soak.spawn("ordinary", port=apache.port, cases=[cases[6]], seconds=seconds,
                            threads=8, secret=secret, pause=(4_000_000, 6))],
        "hostile": [soak.spawn("hostile", address=serve.address, rate=HOSTILE_RATE, seed=seed,
                               count=HOSTILE_RATE * seconds) for seed in (1, 2)],
    }
    samples, deploys = Samples(serve), Deploys(project, apache)
    began = time.monotonic()
    reloads, next_deploy = reloads_at(seconds), 3
    while (now := time.monotonic() - began) < seconds:
        samples.take()
        if reloads and now >= reloads[0]:
            reloads.pop(0)
            serve.process.send_signal(signal.SIGHUP)
        if now >= next_deploy:
            deploys.deploy()
            next_deploy = now + 5
        time.sleep(max(0, began + int(now) + 1 - time.monotonic()))
    results = {kind: soak.results(processes, 90) for kind, processes in clients.items()}
    return samples, deploys, results


def own_project(work, project):
    """A copy that may be changed."""
    home = work.fresh("soak")
    shutil.copytree(project.home, home, dirs_exist_ok=True)
    return Project(home)


def lasting(pid):
    """The descriptors of a worker that has no connection, but for those of its threads."""
    kinds = soak.descriptor_kinds(pid)
    assert kinds.pop("/memfd:head (deleted)", 0) <= THREADS
    return kinds


def summary(results):
    total = Counter()
    for result in results:
        total.update(result["requests"])
    return f"{sum(total.values())} ({', '.join(f'{n} of {s}' for s, n in sorted(total.items()))})"


@pytest.mark.parametrize("seconds", [SECONDS], ids=lambda seconds: f"{seconds} s")
def test_under_a_steady_mix_memory_and_descriptors_stay_level(work, project, told, seconds):
    assert work.release, "no release program: build it, or name it by HANDBACK_PROGRAM_RELEASE"
    own = own_project(work, project)
    serve = Serve(work, "--workers", 2, "--threads", THREADS, "--drain", 15, root=own.root,
                  program=work.release)
    with serve, Apache(work, defines("proxy", serve=serve), program=work.release) as apache:
        wait_until(lambda: len(serve.workers()) == 2, 5, "workers")
        first = serve.workers()
        assert serve.answers_well()
        for pid in first:
            wait_until(lambda: soak.descriptor_kinds(pid)["socket"] == 1, 5, "an idle worker")
        before = lasting(first[0])
        samples, deploys, results = soak_it(own, serve, apache, seconds)
        last = serve.workers()
        told(f"{seconds} s: {summary(results['ordinary'] + results['slow'])} requests, "
             f"{sum(r['connections'] for r in results['hostile'])} hostile connections, "
             f"{deploys.count} deploys; KB after the warm-up and at the end: "
             + ", ".join(f"{'%.0f %.0f' % samples.levels(pid)}"
                         for pid in [serve.process.pid, *last]))
        faults = {kind: [f for r in found for f in r["faults"]] for kind, found in results.items()}
        assert faults == {"ordinary": [], "slow": [], "hostile": []}
        assert len(last) == 2 and not set(last) & set(first), "those that were replaced have ended"
        status = serve.status()
        assert status["reloads"] == len(reloads_at(seconds)) and status["workers_died"] == 0
        for pid in [serve.process.pid, *last]:
            warm, end = samples.levels(pid)
            assert end - warm < 512, "KB"
        apache.stop()
        for pid in last:
            wait_until(lambda: lasting(pid) == before, 40, f"{before} in place of {lasting(pid)}")
    assert serve.process.returncode == 0
