"""The workers of `handback serve`: replaced when they die, and when they have answered enough."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

import fastcgi
from django_site import ASSETS, noise, write
from harness import Apache, Load, Serve, asker, defines, is_gone, wait_until

CLIENTS = 12
LARGE = noise(20_000_000, 7)


@pytest.fixture(scope="module")
def large(work):
    """A root whose one file takes a stalled reader's connection many times to send."""
    root = work.fresh("root")
    write(root / "large.bin", LARGE)
    return root


def serving(work, project, *options):
    """The release build: the other one makes a report of its own when a worker is killed."""
    return Serve(work, *options, root=project.root, program=work.release)


def workers(serve, count):
    wait_until(lambda: len(serve.workers()) == count, 5, f"{count} workers")
    return serve.workers()


@pytest.mark.parametrize("count", [1, 3])
def test_it_runs_the_workers_that_were_asked_for(work, project, count):
    with serving(work, project, "--workers", count) as serve:
        first = workers(serve, count)
        assert serve.answers_well()
        time.sleep(1.2)  # the master looks around once a second
        assert serve.workers() == first


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT],
                         ids=lambda number: number.name)
def test_a_worker_that_dies_is_replaced_at_once(work, project, number):
    with serving(work, project) as serve:
        victim, other = workers(serve, 2)
        os.kill(victim, number)
        began = time.monotonic()
        wait_until(lambda: len(set(serve.workers()) - {victim}) == 2, 5, "a replacement")
        assert time.monotonic() - began < 0.5
        assert other in serve.workers()
        wait_until(lambda: f"HB0062: worker {victim} " in serve.stderr(), 5, "a diagnosis")
        assert f"signal {int(number)}" in serve.stderr()
        assert serve.answers_well()


def sockets(pid):
    """How many sockets a process has open, the listening one among them."""
    count = 0
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(fd).startswith("socket:")
    return count


def test_a_killed_worker_costs_at_most_one_request_of_each_connection(work, project, capsys):
    """The kernel closes them one after another, and Apache uses what is not closed yet."""
    serve = serving(work, project)
    apache = Apache(work, defines("proxy", serve=serve))
    ask = asker(apache, "/static/data.json", ASSETS["data.json"])
    losses = []
    with serve, apache, Load(ask, CLIENTS) as load:
        for _ in range(3):
            load.wait_for(600)
            before, victim = len(load.failures), workers(serve, 2)[0]
            connections = sockets(victim) - 1
            os.kill(victim, signal.SIGKILL)
            killed = time.monotonic()
            wait_until(lambda: is_gone(victim), 5, "its end")
            load.wait_for(600)
            lost = load.failures[before:]
            assert len(lost) <= connections
            assert all(moment - killed < 1 for moment, _ in lost), lost
            losses.append(len(lost))
    with capsys.disabled():
        print(f"\n3 workers killed: {load.answered} answered, {losses} lost")
    assert sum(losses) == len(load.failures)


def test_a_worker_that_dies_again_and_again_is_started_ever_more_slowly(work, project):
    with serving(work, project, "--workers", 1) as serve:
        delays, seen = [], set()
        for _ in range(3):
            victim, = workers(serve, 1)
            seen.add(victim)
            os.kill(victim, signal.SIGKILL)
            died = time.monotonic()
            wait_until(lambda: set(serve.workers()) - seen, 10, "the next one")
            delays.append(time.monotonic() - died)
        assert delays[0] < 0.5
        for delay, wanted in zip(delays[1:], (1, 2)):
            assert wanted - 0.5 < delay < wanted + 1.1, delays
        assert serve.stderr().count("HB0069") == 1, serve.stderr()
        assert serve.answers_well(), "the last one is left alone"


def test_a_request_that_arrives_while_no_worker_lives_waits_for_the_next_one(work, project):
    with serving(work, project, "--workers", 1) as serve:
        seen = set()
        for _ in range(2):
            victim, = workers(serve, 1)
            seen.add(victim)
            os.kill(victim, signal.SIGKILL)
            if len(seen) == 1:
                wait_until(lambda: set(serve.workers()) - seen, 5, "the next one")
        wait_until(lambda: not set(serve.workers()) - seen, 5, "nobody left")
        began = time.monotonic()
        assert serve.answers_well()
        assert time.monotonic() - began < 2.5


def test_max_requests_replaces_the_workers_by_and_by_and_loses_nothing(work, project, capsys):
    serve = serving(work, project, "--max-requests", 300)
    apache = Apache(work, defines("proxy", serve=serve))
    ask = asker(apache, "/static/data.json", ASSETS["data.json"])
    seen = set()

    def enough():
        seen.update(serve.workers())
        return len(seen) >= 6

    with serve, apache:
        with Load(ask) as load:
            wait_until(enough, 15, "four replacements")
            load.wait_for(300)
        # Nobody has asked for a while: nobody is replaced.
        time.sleep(1.5)
        rest = set(serve.workers())
        time.sleep(1.5)
        assert set(serve.workers()) <= rest
        assert "HB0062" not in serve.stderr()
    with capsys.disabled():
        print(f"\n{len(seen) - 2} workers replaced: {load.answered} answered, "
              f"lost {len(load.failures)}")
    assert load.failures == []
    assert load.answered > 1000


def test_without_max_requests_no_worker_is_replaced(work, project):
    with serving(work, project) as serve:
        before = workers(serve, 2)
        with Load(lambda: None if serve.answers_well() else "wrong", 4) as load:
            load.wait_for(1500)
        time.sleep(1.2)
        assert serve.workers() == before
    assert load.failures == []


def test_a_worker_that_dies_while_it_retires_is_said_and_counted(work, project, large):
    serve = Serve(work, "--workers", 1, root=large, program=work.release).start()
    retiring, = workers(serve, 1)
    with fastcgi.open_stalled(serve.address, "/static/large.bin"):
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(serve.workers()) == 2, 5, "a successor")
        os.kill(retiring, signal.SIGKILL)
        wait_until(lambda: "HB0062" in serve.stderr(), 5, "a line")
    assert serve.status()["workers_died"] == 1
    serve.stop()


def test_workers_are_replaced_though_deaths_were_ignored_before(work, project):
    """Whoever starts it may ignore SIGCHLD, and a program inherits that."""
    serve = Serve(work, "--workers", 1, root=project.root)
    python = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN);" \
             "os.execv(sys.argv[1], sys.argv[1:])"
    serve.command = [sys.executable, "-c", python, *serve.command]
    with serve:
        victim, = workers(serve, 1)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: serve.workers() not in ([], [victim]), 5, "a replacement")
        assert serve.answers_well()
    assert serve.process.returncode == 0


def listens(serve):
    """Whether it has said that it listens; a connection alone might be its predecessor's."""
    assert serve.process.poll() is None, serve.stderr()
    return "HB0068" in serve.stderr()


def test_when_the_master_is_killed_its_workers_finish_what_is_in_flight(work, project, large):
    serve = Serve(work, "--workers", 1, root=large, program=work.release).start()
    orphan, = workers(serve, 1)
    with fastcgi.open_stalled(serve.address, "/static/large.bin") as link:
        serve.process.kill()
        serve.process.wait()
        # The socket file is free at once, while the orphan still sends.
        successor = Serve(work, listen=serve.address, root=project.root, program=work.release)
        try:
            successor.spawn()
            wait_until(lambda: listens(successor), 5, "the successor: listening")
            assert successor.answers_well()
            assert not is_gone(orphan)
            assert fastcgi.Records(link).reply().body == LARGE
            wait_until(lambda: is_gone(orphan), 5, "the orphan's end")
            assert successor.answers_well()
        finally:
            successor.stop()


def test_when_the_master_is_killed_idle_workers_end(work, project):
    serve = serving(work, project).start()
    orphans = workers(serve, 2)
    with fastcgi.open_kept(serve.address) as kept, fastcgi.open_silent(serve.address):
        serve.process.kill()
        serve.process.wait()
        wait_until(lambda: all(map(is_gone, orphans)), 3, "the orphans' end")
        assert kept.recv(1) == b""
