"""Connections that outlive the worker which accepted them."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import fastcgi
from django_site import ASSETS
from harness import Serve, as_server, free_port, is_gone, wait_until

NOTE = fastcgi.record(fastcgi.GET_VALUES, fastcgi.pairs({"HANDBACK_CONNECTION": ""}), 0)
REQUEST = (fastcgi.head(fastcgi.usual("/static/data.json"), keep=True)
           + fastcgi.record(fastcgi.STDIN))


@pytest.fixture
def serve(work, project):
    """With a drain that no test waits for: whoever hands over does not need it."""
    with Serve(work, "--workers", 1, "--drain", 600, root=project.root) as running:
        yield running


def is_answered(link):
    return fastcgi.Records(link).reply().body == ASSETS["data.json"]


def hup_and_wait(serve):
    """Until the worker of before has ended."""
    before, = serve.workers()
    serve.process.send_signal(signal.SIGHUP)
    wait_until(lambda: is_gone(before), 20, "the end of the retired worker")
    assert before not in serve.workers()


# How much of its next request a connection has sent.
SENT = {"nothing": 0, "half a record header": 5, "half a head": 90, "a request": len(REQUEST)}


@pytest.mark.parametrize("first", [True, False], ids=["before any request", "between two"])
@pytest.mark.parametrize("sent", SENT)
def test_hup_hands_over_a_connection_with_what_has_arrived_on_it(serve, sent, first):
    with fastcgi.connect(serve.address) as link:
        if not first:
            link.sendall(REQUEST)
            assert is_answered(link)
        link.sendall(REQUEST[: SENT[sent]])
        hup_and_wait(serve)
        link.sendall(REQUEST[SENT[sent] :])
        assert is_answered(link)
        link.sendall(REQUEST)
        assert is_answered(link)


def test_a_connection_is_handed_over_when_the_end_of_its_request_has_arrived(serve):
    with fastcgi.connect(serve.address) as link:
        link.sendall(REQUEST[:-8])
        assert is_answered(link)
        before, = serve.workers()
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(serve.status()["worker_processes"]) == 2, what="a successor")
        link.sendall(REQUEST[-8:] + REQUEST)
        assert is_answered(link)
        wait_until(lambda: is_gone(before), 20, "the end of the retired worker")
        link.sendall(REQUEST)
        assert is_answered(link)


def test_hup_hands_over_hundreds_of_kept_connections(serve):
    links = [fastcgi.connect(serve.address) for _ in range(300)]
    for link in links:
        link.sendall(REQUEST)
        assert is_answered(link)
    hup_and_wait(serve)
    assert serve.status()["connections"]["idle"] == 300
    for link in links:
        link.sendall(REQUEST)
        assert is_answered(link)
        link.close()


@pytest.mark.parametrize("most", [1, 8, 60])
def test_a_successor_without_room_takes_them_all_the_same(work, project, most):
    """What carries a connection becomes it, and needs no room beside it."""
    with Serve(work, "--workers", 1, "--drain", 600, "--max-connections", most,
               root=project.root) as serve:
        links = [fastcgi.connect(serve.address) for _ in range(most)]
        for link in links:
            link.sendall(REQUEST)
            assert is_answered(link)
        hup_and_wait(serve)
        for link in links:
            link.sendall(REQUEST)
            assert is_answered(link)
            link.close()


def test_a_connection_is_handed_over_when_what_is_in_flight_has_ended(serve):
    with fastcgi.connect(serve.address) as link:
        link.sendall(fastcgi.head(fastcgi.usual("/static/big.bin"), keep=True)
                     + fastcgi.record(fastcgi.STDIN))
        wait_until(lambda: serve.status()["connections"]["sending"] == 1, what="a slow reader")
        before, = serve.workers()
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(serve.status()["worker_processes"]) == 2, what="a successor")
        link.sendall(REQUEST)  # behind the body that is still on its way
        assert fastcgi.Records(link).reply().body == ASSETS["big.bin"]
        assert is_answered(link)
        wait_until(lambda: is_gone(before), 20, "the end of the retired worker")
        link.sendall(REQUEST)
        assert is_answered(link)


class Passed:
    """A socket that is held while `serve` on it comes and goes."""

    def __init__(self, work, root):
        self.work, self.root = work, root
        self.listener = socket.socket(socket.AF_UNIX)
        self.path = work.fresh("passed") / "socket"
        self.listener.bind(str(self.path))
        self.path.chmod(0o666)
        self.listener.listen(128)

    def spawn(self):
        process = subprocess.Popen(
            [self.work.program, "serve", "--workers", "1"], stdin=self.listener,
            env={"STATIC_ROOT": str(self.root)}, stderr=subprocess.DEVNULL, **as_server())
        self.work.spawned.append(process)
        return process

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_term_leaves_connections_in_use_to_whoever_takes_the_socket_next(work, project):
    passed = Passed(work, project.root)
    first = passed.spawn()
    with fastcgi.connect(passed.path) as link:
        link.sendall(REQUEST)
        assert is_answered(link)
        passed.end(first)
        link.sendall(REQUEST)  # nobody runs now
        second = passed.spawn()
        assert is_answered(link)
    passed.end(second)
    passed.listener.close()


def test_term_closes_what_nobody_has_used_for_a_second(work, project):
    """Else a service manager would start at once again what it was told to stop."""
    passed = Passed(work, project.root)
    process = passed.spawn()
    with fastcgi.connect(passed.path) as link:
        link.sendall(REQUEST)
        assert is_answered(link)
        time.sleep(1.2)
        passed.end(process)
        assert link.recv(1) == b""
    passed.listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        passed.listener.accept()
    passed.listener.close()


def test_on_a_port_a_retiring_worker_answers_once_more_and_then_closes(work, project):
    """Descriptors pass through unix sockets only; there it is --drain that helps."""
    address = ("127.0.0.1", free_port())
    with Serve(work, "--workers", 1, "--drain", 3, listen=address, root=project.root) as serve:
        with fastcgi.connect(address) as link, fastcgi.connect(address) as unused:
            for each in (link, unused):
                each.sendall(REQUEST)
                assert is_answered(each)
            before, = serve.workers()
            serve.process.send_signal(signal.SIGHUP)
            wait_until(lambda: before not in serve.workers()[1:], what="a successor")
            link.sendall(REQUEST)
            assert is_answered(link)
            assert link.recv(1) == b""
            wait_until(lambda: is_gone(before), 20, "the end of the drain")
            assert unused.recv(1) == b""
        assert serve.answers_well()


SEND = """
import array, os, socket, sys
path, kind, note = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3])
ours, theirs = socket.socketpair()
listener = socket.socket(socket.AF_UNIX)
listener.bind(b"\\0" + os.urandom(8))
listener.listen()
datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
carrier = socket.socket(socket.AF_UNIX)
carrier.connect(path)
sent = {
    "a connection": [theirs.fileno()],
    "a file": [os.open("/etc/passwd", os.O_RDONLY)],
    "a pipe": [os.pipe()[0]],
    "a directory": [os.open("/", os.O_RDONLY)],
    "a listening socket": [listener.fileno()],
    "a datagram socket": [datagrams.fileno()],
    "itself": [carrier.fileno()],
    "two connections": [theirs.fileno(), theirs.fileno()],
    "two hundred": [theirs.fileno()] * 200,
    "with a request": [theirs.fileno()],
}[kind]
carrier.sendmsg([note], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", sent))])
carrier.close()
theirs.close()
if kind != "a connection":
    sys.exit()
ours.settimeout(10)
try:
    ours.sendall(bytes.fromhex(sys.argv[4]))
    print("answered" if b"Status: 200" in ours.recv(65536) else "closed")
except OSError:
    print("closed")
"""


def send(serve, kind, note=NOTE, user=as_server):
    command = [sys.executable, "-c", SEND, str(serve.address), kind, note.hex(), REQUEST.hex()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, cwd="/", **user())
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_connection_sent_by_a_process_of_the_same_user_is_served(serve):
    assert send(serve, "a connection") == "answered"


@pytest.mark.needs_root("to be another user")
def test_a_connection_sent_by_another_user_is_not_taken(serve):
    assert send(serve, "a connection", user=dict) == "closed"
    assert serve.answers_well()


@pytest.mark.parametrize("kind", [
    "a file", "a pipe", "a directory", "a listening socket", "a datagram socket",
    "itself", "two connections", "two hundred", "with a request"])
def test_whatever_else_is_sent_is_closed_and_leaves_nothing_behind(serve, kind):
    worker, = serve.workers()

    def descriptors():
        count = 0
        for fd in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(FileNotFoundError):
                count += "memfd:" not in os.readlink(fd)  # each thread has one when it needs it
        return count

    def is_idle():
        return sum(serve.status()["connections"].values()) == 1  # the one that asks

    wait_until(is_idle, what="no connection")
    time.sleep(0.1)  # for the one that asked
    before = descriptors()
    send(serve, kind, REQUEST if kind == "with a request" else NOTE)
    wait_until(lambda: descriptors() == before, what="as many descriptors as before")
    assert serve.answers_well()
    assert serve.workers() == [worker]
