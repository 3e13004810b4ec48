"""`handback serve --status`: every number of it, and a clear word when there is nobody."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

import fastcgi
from django_site import write
from harness import Serve, free_port, own, wait_until

STATES = {"idle", "head", "answer", "sending", "lingering"}
NOTHING = dict.fromkeys(STATES, 0)


@pytest.fixture
def serve(work, project):
    with Serve(work, "--workers", 2, root=project.root, program=work.release) as running:
        wait_until(lambda: len(running.workers()) == 2, 5, "two workers")
        yield running


def ask_status(work, where, *options):
    return subprocess.run([work.program, "serve", "--status", where, *options],
                          capture_output=True, text=True, timeout=20)


def get(address, target="/static/data.json", **more):
    return fastcgi.ask(address, fastcgi.usual(target, **more)).status[:3]


def difference(after, before):
    """What was counted meanwhile, without what was not."""
    found = {name: after[name] - before.get(name, 0) for name in after}
    return {name: count for name, count in found.items() if count}


# What it says


def test_it_says_who_serves_and_what(work, project, serve):
    version = subprocess.run([work.program, "--version"], capture_output=True, text=True).stdout
    status = serve.status()
    assert version.split() == ["handback", status["version"]]
    assert status["pid"] == serve.process.pid
    assert 0 <= status["uptime"] < 60
    processes = status["worker_processes"]
    assert {process["pid"] for process in processes} == set(serve.workers())
    assert {process["state"] for process in processes} == {"serving"}
    assert all(0 <= process["uptime"] <= status["uptime"] for process in processes)
    assert all(set(process["connections"]) == STATES for process in processes)
    assert status["max_connections"] == 2 * 4096
    assert (status["workers_died"], status["reloads"]) == (0, 0)
    assert (status["refused"], status["late"]) == (0, 0)
    assert [mount["url"] for mount in status["mounts"]] == ["/static/"]
    assert status["mounts"][0]["root"] is True
    assert status["mounts"][0]["release"]
    assert status["catalog"]["names"] >= len(project.manifest())
    assert status["catalog"]["releases"] == 1


def test_the_text_says_the_same(work, serve):
    for _ in range(3):
        assert get(serve.address) == "200"
    assert get(serve.address, "/static/nothing") == "404"
    status = serve.status()
    done = ask_status(work, f"unix:{serve.address}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 5
    words = done.stdout.replace(",", " ").replace(":", " ").split()
    for word in [status["version"], status["pid"], *serve.workers(), "200", "404", "/static/",
                 status["max_connections"], "idle", "sending", "serving"]:
        assert str(word) in words or str(word) in done.stdout.split(), word


def test_it_takes_whatever_listen_takes(work, project):
    with Serve(work, listen=("127.0.0.1", free_port()), root=project.root) as serve:
        assert serve.status()["pid"] == serve.process.pid
    with Serve(work, root=project.root) as serve:
        for where in (f"unix:{serve.address}", str(serve.address)):
            done = ask_status(work, where, "--json")
            assert json.loads(done.stdout)["pid"] == serve.process.pid
            assert done.stdout.endswith("}\n")


def test_requests_are_counted_by_their_status(serve):
    before = serve.status()
    for _ in range(5):
        assert get(serve.address) == "200"
    for _ in range(2):
        assert get(serve.address, HTTP_IF_NONE_MATCH="*") == "304"
    assert get(serve.address, HTTP_RANGE="bytes=0-1") == "206"
    assert get(serve.address, HTTP_RANGE="bytes=99-") == "416"
    assert get(serve.address, "/static/nothing") == "404"
    assert get(serve.address, REQUEST_METHOD="POST") == "405"
    after = serve.status()
    wanted = {"200": 5, "304": 2, "206": 1, "416": 1, "404": 1, "405": 1}
    assert difference(after["requests"], before["requests"]) == wanted
    # And one connection of `--status` itself.
    assert after["accepted"] - before["accepted"] == 11 + 1
    by_worker = [sum(process["requests"] for process in status["worker_processes"])
                 for status in (before, after)]
    assert by_worker[1] - by_worker[0] == 11


def test_requests_on_one_connection_are_counted_each(serve):
    before = serve.status()
    with fastcgi.open_kept(serve.address) as link:
        for _ in range(9):
            link.sendall(fastcgi.head(fastcgi.usual("/static/data.json"), True)
                         + fastcgi.record(fastcgi.STDIN))
            assert fastcgi.Records(link).reply().status[:3] == "200"
        after = serve.status()
    assert difference(after["requests"], before["requests"]) == {"200": 10}
    assert after["accepted"] - before["accepted"] == 2


OPENED = {
    "idle": [fastcgi.open_kept, fastcgi.open_kept, fastcgi.open_silent],
    "head": [fastcgi.open_half, fastcgi.open_half],
    "sending": [fastcgi.open_stalled] * 4,
    "lingering": [fastcgi.open_posting],
}


def test_connections_are_counted_by_their_state(serve):
    before = serve.status()["connections"]
    with contextlib.ExitStack() as stack:
        for openers in OPENED.values():
            for opener in openers:
                stack.enter_context(opener(serve.address))
        wanted = {state: len(openers) for state, openers in OPENED.items()}
        wait_until(lambda: difference(serve.status()["connections"], before) == wanted, 3,
                   "the states")
        status = serve.status()
        summed = {state: sum(process["connections"][state]
                             for process in status["worker_processes"]) for state in STATES}
        assert summed == status["connections"]
    wait_until(lambda: difference(serve.status()["connections"], before) == {}, 3, "nobody left")


def test_what_is_no_request_is_counted_as_refused(serve):
    before = serve.status()
    for _ in range(3):
        with fastcgi.connect(serve.address) as link:
            link.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert link.recv(1) == b""
    after = serve.status()
    assert (after["refused"] - before["refused"], after["late"]) == (3, 0)
    assert difference(after["requests"], before["requests"]) == {}


def test_what_was_closed_to_make_room_is_counted_as_late(work, project):
    with Serve(work, "--workers", 1, "--max-connections", 2, root=project.root) as serve:
        with fastcgi.open_silent(serve.address) as first, fastcgi.open_silent(serve.address):
            assert serve.answers_well()
            assert first.recv(1) == b""
            after = serve.status()
        assert after["refused"] == 0
        assert after["late"] in (1, 2)


def test_a_worker_that_dies_takes_no_numbers_with_it(serve):
    for _ in range(20):
        assert get(serve.address) == "200"
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(fastcgi.open_kept(serve.address))
        before = serve.status()
        victims = serve.workers()
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(set(serve.workers()) - set(victims)) == 2, 5, "replacements")
        after = serve.status()
    assert after["requests"] == before["requests"] == {"200": 30}
    assert after["workers_died"] == 2
    assert {process["pid"] for process in after["worker_processes"]} == set(serve.workers())
    assert after["connections"] == before["connections"] | {"idle": before["connections"]["idle"]
                                                            - 10}
    assert after["accepted"] == before["accepted"] + 1


def test_after_hup_those_that_retire_are_shown(serve):
    with fastcgi.open_stalled(serve.address) as link:
        old = set(serve.workers())
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "HB0066" in serve.stderr(), 5, "the reload")

        def states():
            return {process["pid"]: process["state"]
                    for process in serve.status()["worker_processes"]}

        # The one without a connection goes at once, the other one has a reader who does not read.
        wait_until(lambda: len(states()) == 3, 5, "one that retires")
        shown = states()
        retiring = {pid for pid, state in shown.items() if state == "retiring"}
        assert len(retiring) == 1 and retiring < old
        assert set(shown) - retiring == set(serve.workers()) - old
        status = serve.status()
        assert (status["reloads"], status["workers_died"]) == (1, 0)
        assert status["max_connections"] == 2 * 4096, "those that retire take none"
        link.close()
        wait_until(lambda: len(states()) == 2, 5, "its end")
        assert serve.status()["workers_died"] == 0
        assert "HB0062" not in serve.stderr()


def test_a_hup_that_fails_is_no_reload(work, project):
    path = work.fresh("config") / "handback.json"
    write(path, json.dumps({"root": str(project.root)}).encode())
    with Serve(work, HANDBACK_CONFIG=path) as serve:
        write(path, b"{", time.time())
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "HB0002" in serve.stderr(), 5, "a diagnosis")
        assert serve.status()["reloads"] == 0


def test_max_connections_are_those_of_all_workers(work, project):
    with Serve(work, "--workers", 3, "--max-connections", 10, root=project.root) as serve:
        wait_until(lambda: len(serve.workers()) == 3, 5, "three workers")
        wait_until(lambda: serve.status()["max_connections"] == 30, 3, "three times ten")


def test_mounts_show_their_roots_and_releases(work):
    home = work.fresh("site")
    own(home)
    write(home / "static/a.txt", b"a\n")
    settings = {"mounts": [{"root": str(home / "static"), "url": "/static/"},
                           {"root": str(home / "media"), "url": "/media/", "kind": "media"}]}
    write(home / "handback.json", json.dumps(settings).encode())
    with Serve(work, HANDBACK_CONFIG=home / "handback.json") as serve:
        wanted = [{"url": "/static/", "release": None, "root": True},
                  {"url": "/media/", "release": None, "root": False}]
        assert serve.status()["mounts"] == wanted
        (home / "media").mkdir()
        wanted[1]["root"] = True
        wait_until(lambda: serve.status()["mounts"] == wanted, 5, "the root that came")


def test_it_is_answered_by_hundreds_of_workers_too(work, project):
    serve = Serve(work, "--workers", 100, "--threads", 1, root=project.root, program=work.release)
    with serve:
        wait_until(lambda: len(serve.workers()) == 100, 10, "a hundred workers")
        wait_until(lambda: len(serve.status()["worker_processes"]) == 100, 10, "all of them")


# Nobody there


def refused(work, where):
    """The line it ends with, and how long that took."""
    began = time.monotonic()
    done = ask_status(work, where, "--json")
    seconds = time.monotonic() - began
    assert done.returncode == 2
    assert done.stdout == ""
    line, = done.stderr.splitlines()
    assert line.startswith("handback: HB0074: "), line
    return line, seconds


def test_nobody_there_is_said(work):
    home = work.fresh("nobody")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "stale"))
    for where in (f"unix:{home}/nothing", f"unix:{home}/stale", str(home / "stale"),
                  f"127.0.0.1:{free_port()}", f"unix:{home}/{'long' * 40}"):
        line, seconds = refused(work, where)
        assert where.removeprefix("unix:") in line
        assert seconds < 2


@pytest.mark.parametrize("where", ["nonsense", "unix:", "127.0.0.1:", "127.0.0.1:99999"])
def test_what_is_no_address_is_refused(work, where):
    done = ask_status(work, where)
    assert done.returncode == 2
    assert done.stderr.startswith("handback")


@contextlib.contextmanager
def stranger(work, answer):
    """Somebody else's socket: what it does with each connection is `answer`."""
    path = work.fresh("stranger") / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(8)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    with link:
                        answer(link)

        thread = threading.Thread(target=serve)
        thread.start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def values(content):
    return fastcgi.record(10, content, 0)


STRANGERS = {
    "closes": b"",
    "speaks HTTP": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "knows no such record": fastcgi.record(11, bytes(8), 0),
    "knows no such name": values(b""),
    "says what is no JSON": values(fastcgi.pairs({"HANDBACK_STATUS": "{]"})),
    "says half a record": values(fastcgi.pairs({"HANDBACK_STATUS": "{}"}))[:20],
    "says lengths that do not fit": values(b"\xff\xff\xff\xff\xff\xff\xff\xff{}"),
}


@pytest.mark.parametrize("case", STRANGERS)
def test_somebody_else_there_is_said(work, case):
    def answer(link):
        link.recv(65536)
        with contextlib.suppress(OSError):
            link.sendall(STRANGERS[case])

    with stranger(work, answer) as path:
        line, seconds = refused(work, f"unix:{path}")
        assert str(path) in line
        assert seconds < 3


def test_a_stranger_writes_nothing_to_the_terminal(work):
    status = json.dumps({"version": "\x1b]0;owned\x07", "requests": {"\x1b[2J": 1},
                         "connections": {"idle": 2**63 - 1, "head": 1}})

    def answer(link):
        link.recv(65536)
        link.sendall(values(fastcgi.pairs({"HANDBACK_STATUS": status})))

    with stranger(work, answer) as path:
        done = ask_status(work, f"unix:{path}")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "9223372036854775808" in done.stdout
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr


def test_the_one_who_asks_may_be_stopped_meanwhile(work):
    ended = threading.Event()
    with stranger(work, lambda link: ended.wait(20)) as path:
        asked = subprocess.Popen([work.program, "serve", "--status", path],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        asked.send_signal(signal.SIGSTOP)
        time.sleep(5.5)  # longer than it would have waited
        asked.send_signal(signal.SIGCONT)
        try:
            assert "HB0074" in asked.communicate(timeout=3)[1]
            assert asked.returncode == 2
        finally:
            asked.kill()
            ended.set()


def test_whoever_does_not_answer_is_not_waited_for_long(work, project):
    ended = threading.Event()

    def is_silent(link):
        ended.wait(20)

    def drips(link):
        with contextlib.suppress(OSError):
            while not ended.wait(0.5):
                link.sendall(b"\1")

    with contextlib.ExitStack() as stack:
        # One that does not accept, and whose backlog has room for no other.
        closed = work.fresh("stranger") / "socket"
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(closed))
        listener.listen(0)
        stack.enter_context(fastcgi.connect(closed))
        # One of ours that is full.
        full = stack.enter_context(Serve(work, "--workers", 1, "--max-connections", 1,
                                         root=project.root))
        stack.enter_context(fastcgi.open_kept(full.address))
        paths = [closed, full.address, stack.enter_context(stranger(work, is_silent)),
                 stack.enter_context(stranger(work, drips))]
        stack.callback(ended.set)
        began = time.monotonic()
        asked = [subprocess.Popen([work.program, "serve", "--status", path, "--json"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                 for path in paths]
        for process, path in zip(asked, paths):
            out, said = process.communicate(timeout=20)
            assert (process.returncode, out) == (2, "")
            assert said.startswith("handback: HB0074: ") and str(path) in said, said
        assert time.monotonic() - began < 12


def test_a_reader_of_the_status_that_goes_away_harms_nobody(work, serve):
    process = subprocess.Popen([work.program, "serve", "--status", f"unix:{serve.address}"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.wait(10) != 0, "what could not be written is no success"
    process.stderr.close()
    assert serve.answers_well()
