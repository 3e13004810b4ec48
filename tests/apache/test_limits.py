"""Descriptors, connections and memory: what `handback serve` does at a limit."""

import contextlib
import os
import re
import resource
import subprocess
import time
from pathlib import Path

import pytest

import fastcgi
from django_site import ASSETS
from harness import Serve, as_server, wait_until

GET = fastcgi.head(fastcgi.usual("/static/data.json")) + fastcgi.record(fastcgi.STDIN)


@pytest.fixture(scope="module", autouse=True)
def many_descriptors():
    """The test's own end of a thousand connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 8192), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Links(contextlib.ExitStack):
    """Connections that are closed when the block ends."""

    def __init__(self, address):
        super().__init__()
        self.address = address

    def open(self, opener, count):
        return [self.enter_context(opener(self.address)) for _ in range(count)]


def serving(work, project, *options, workers=1):
    return Serve(work, "--workers", workers, *options, root=project.root, program=work.release)


def limited(serve, soft, hard):
    """The same `serve`, started with that limit of descriptors."""
    serve.command = ["prlimit", f"--nofile={soft}:{hard}", *serve.command]
    return serve


def ask_later(address):
    """A request that is sent, and perhaps not answered yet."""
    link = fastcgi.connect(address, 20)
    link.sendall(GET)
    return link


def is_answered(link, seconds):
    link.settimeout(seconds)
    try:
        return fastcgi.Records(link).reply().body == ASSETS["data.json"]
    except TimeoutError:
        return False


def limit_to(pid, soft):
    """Lowers or raises the limit of descriptors of a running process, as its own user may."""
    subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={soft}:"], check=True, **as_server())


def first_free(pid):
    """The number of the descriptor that the process would open next."""
    time.sleep(0.01)
    taken = set(map(int, os.listdir(f"/proc/{pid}/fd")))
    return min(set(range(len(taken) + 1)) - taken)


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Descriptors


def test_a_low_hard_limit_is_said_and_makes_the_connections_fewer(work, project):
    serve = limited(serving(work, project), 128, 128)
    with serve, Links(serve.address) as links:
        line, = [line for line in serve.stderr().splitlines() if "HB0073" in line]
        room, wanted = re.search(r"limit of 128 .* (\d+) connections, not (\d+)", line).groups()
        assert 8 <= int(room) <= 64 and wanted == "4096", line
        assert serve.status()["max_connections"] == int(room)
        # As many as it takes, each with a file open beside its connection.
        stalled = links.open(fastcgi.open_stalled, int(room))
        late = ask_later(serve.address)
        assert not is_answered(late, 0.5)
        assert "HB0063" not in serve.stderr()
        assert fastcgi.Records(stalled.pop()).reply().body == ASSETS["big.bin"]
        late.close()
        assert serve.answers_well()
        for link in stalled:
            assert fastcgi.Records(link).reply().body == ASSETS["big.bin"]
        assert serve.stderr().count("HB0073") == 1


def test_a_low_soft_limit_is_raised(work, project):
    with limited(serving(work, project), 64, 16384) as serve:
        assert serve.answers_well()
        assert "HB0073" not in serve.stderr()
        worker, = serve.workers()
        line, = re.findall(r"Max open files +(\d+)", Path(f"/proc/{worker}/limits").read_text())
        assert int(line) > 8192, "a descriptor for each connection and one for its file"


@pytest.fixture
def exhausted(work, project):
    """A worker that has no descriptor left, one connection that it keeps, and one that waits."""
    with serving(work, project, "--threads", 1) as serve, Links(serve.address) as links:
        kept = links.open(fastcgi.open_kept, 3)
        worker, = serve.workers()
        # Now and then it has a file open for a moment, to look for a new release.
        limit_to(worker, min(first_free(worker) for _ in range(10)))
        late, = links.open(ask_later, 1)
        wait_until(lambda: "HB0063" in serve.stderr(), 5, "a diagnosis")
        yield serve, worker, kept, late
        assert serve.stderr().count("HB0063") == 1
        assert "HB0013" not in serve.stderr(), "a root that is open is not given up"


def test_without_descriptors_it_waits_and_does_not_spin(exhausted):
    serve, worker, _, late = exhausted
    began = processor_seconds(worker)
    assert not is_answered(late, 2)
    assert processor_seconds(worker) - began < 0.1
    limit_to(worker, 1024)
    assert is_answered(late, 2), "the limit was raised"
    assert serve.answers_well()


def test_without_descriptors_a_connection_that_closes_makes_room(exhausted):
    serve, _, kept, late = exhausted
    assert not is_answered(late, 0.3)
    for link in kept[:2]:
        link.close()
    # Taken with the first descriptor that is free; its file may still have found none.
    late.settimeout(2)
    assert fastcgi.Records(late).reply().status[:3] in ("200", "503")
    assert serve.answers_well()


def test_without_descriptors_a_request_is_refused_for_the_moment(exhausted):
    _, worker, kept, late = exhausted
    kept[0].sendall(fastcgi.head(fastcgi.usual("/static/data.json"), keep=True)
                    + fastcgi.record(fastcgi.STDIN))
    reply = fastcgi.Records(kept[0]).reply()
    assert (reply.status[:3], reply.headers["cache-control"]) == ("503", "no-store")
    assert "retry-after" in reply.headers
    limit_to(worker, 1024)
    assert is_answered(late, 2)
    kept[1].sendall(GET)
    assert fastcgi.Records(kept[1]).reply().body == ASSETS["data.json"]


# Connections


@pytest.mark.parametrize("value", ["0", "65537", "-1", "many", ""])
def test_a_number_of_connections_that_makes_no_sense_is_refused(work, project, value):
    serve = serving(work, project, "--max-connections", value).spawn()
    assert serve.process.wait(10) == 2
    assert serve.stderr().strip()


def test_a_connection_too_many_waits_until_one_closes(work, project):
    with serving(work, project, "--max-connections", 8) as serve, Links(serve.address) as links:
        kept = links.open(fastcgi.open_kept, 8)
        ninth, tenth = links.open(ask_later, 2)
        assert not is_answered(ninth, 1.5)
        kept[0].close()
        assert is_answered(ninth, 2)
        assert is_answered(tenth, 2), "its predecessor was closed after the answer"
        for link in kept[1:]:
            link.sendall(GET)
            assert is_answered(link, 2), "those that were there have lost nothing"
        assert serve.stderr().count("HB0070") == 1


def test_silent_connections_make_room_after_a_second(work, project):
    with serving(work, project, "--max-connections", 8) as serve, Links(serve.address) as links:
        links.open(fastcgi.open_silent, 8)
        began = time.monotonic()
        ninth, = links.open(ask_later, 1)
        assert is_answered(ninth, 5)
        assert time.monotonic() - began < 3.5


def test_kept_connections_make_room_when_they_are_older_than_the_drain(work, project):
    serve = serving(work, project, "--max-connections", 8, "--drain", 2)
    with serve, Links(serve.address) as links:
        links.open(fastcgi.open_kept, 8)
        began = time.monotonic()
        ninth, = links.open(ask_later, 1)
        assert is_answered(ninth, 6)
        assert 1.5 < time.monotonic() - began < 5


def test_what_is_in_flight_makes_no_room(work, project):
    serve = serving(work, project, "--max-connections", 4, "--drain", 0)
    with serve, Links(serve.address) as links:
        stalled = links.open(fastcgi.open_stalled, 4)
        fifth, = links.open(ask_later, 1)
        assert not is_answered(fifth, 2.5)
        assert fastcgi.Records(stalled[0]).reply().body == ASSETS["big.bin"]
        assert is_answered(fifth, 2)
        for link in stalled[1:]:
            assert fastcgi.Records(link).reply().body == ASSETS["big.bin"]


def test_a_full_worker_leaves_connections_to_one_that_has_room(work, project):
    serve = serving(work, project, "--max-connections", 8, workers=2)
    with serve, Links(serve.address) as links:
        wait_until(lambda: len(serve.workers()) == 2, 5, "two workers")
        slowest = 0
        for _ in range(16):
            began = time.monotonic()
            links.open(fastcgi.open_kept, 1)
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1.5
        late, = links.open(ask_later, 1)
        assert not is_answered(late, 1), "and the seventeenth is too many"


def test_a_full_worker_does_not_spin(work, project):
    with serving(work, project, "--max-connections", 4) as serve, Links(serve.address) as links:
        links.open(fastcgi.open_kept, 4)
        worker, = serve.workers()
        links.open(ask_later, 50)
        wait_until(lambda: "HB0070" in serve.stderr(), 5, "a diagnosis")
        began = processor_seconds(worker)
        time.sleep(2)
        assert processor_seconds(worker) - began < 0.1


# Memory


def own_memory(pid):
    """Bytes that this process alone has."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) * 1024


@pytest.mark.parametrize("opener, bound", [
    (fastcgi.open_stalled, 100_000),
    (fastcgi.open_kept, 1_000),
    (fastcgi.open_silent, 1_000),
    (fastcgi.open_half, 1_000),
])
def test_a_connection_that_waits_costs_little_memory(work, project, opener, bound):
    with serving(work, project) as serve, Links(serve.address) as links:
        worker, = serve.workers()
        links.open(opener, 500)  # among them what each thread needs once
        each = []
        for _ in range(3):  # a thread may come late to its first work
            before = own_memory(worker)
            links.open(opener, 500)
            assert serve.answers_well()
            each.append((own_memory(worker) - before) / 500)
            if each[-1] < bound:
                return
        assert False, f"{each} bytes"


def test_memory_is_given_back_or_used_again(work, project):
    """Several times as many stalled readers, one after another, cost no more than once."""
    with serving(work, project) as serve, Links(serve.address) as links:
        worker, = serve.workers()
        sizes = []
        for _ in range(4):
            for link in links.open(fastcgi.open_stalled, 200):
                link.close()
            assert serve.answers_well()
            sizes.append(own_memory(worker))
        assert sizes[-1] < sizes[0] * 1.2 + 1_000_000, sizes
