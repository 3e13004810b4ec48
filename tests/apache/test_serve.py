"""`handback serve`: its socket, its workers, and connections that wait for their peer."""

import grp
import os
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import fastcgi
from django_site import ASSETS, write
from harness import SERVER_USER, Serve, as_server, free_port, wait_until


def well(serve, target="/static/data.json", body=ASSETS["data.json"]):
    reply = fastcgi.ask(serve.address, fastcgi.usual(target))
    return (reply.status[:3], reply.body) == ("200", body)


@pytest.fixture
def serve(work, project):
    with Serve(work, "--workers", 2, "--threads", 2, root=project.root) as running:
        yield running


def test_it_listens_on_a_host_and_port(work, project):
    with Serve(work, listen=("127.0.0.1", free_port()), root=project.root) as serve:
        assert well(serve)
        # Named, so bound there alone: no other address of the machine answers.
        with pytest.raises(OSError):
            fastcgi.connect(("127.0.0.2", serve.address[1]), 2).close()


@pytest.mark.parametrize("option, mode", [(None, 0o660), ("0600", 0o600), ("0666", 0o666)])
def test_the_socket_has_the_mode_that_was_asked_for(work, project, option, mode):
    options = [] if option is None else ["--socket-mode", option]
    with Serve(work, *options, root=project.root) as serve:
        assert stat.S_IMODE(serve.address.stat().st_mode) == mode


@pytest.mark.needs_root("to own other groups")
def test_the_socket_has_the_group_that_was_asked_for(work, project):
    group = grp.getgrgid(grp.getgrnam(SERVER_USER).gr_gid).gr_name
    with Serve(work, "--socket-group", group, root=project.root) as serve:
        assert serve.address.stat().st_gid == grp.getgrnam(group).gr_gid


@pytest.mark.parametrize("count", [1, 3])
def test_it_runs_the_workers_that_were_asked_for(work, project, count):
    with Serve(work, "--workers", count, root=project.root) as serve:
        wait_until(lambda: len(serve.workers()) == count, 5, f"{count} workers")
        assert well(serve)


def test_a_worker_that_dies_is_replaced_and_costs_only_what_it_had(serve):
    wait_until(lambda: len(serve.workers()) == 2, 5, "two workers")
    victim = serve.workers()[0]
    os.kill(victim, signal.SIGKILL)
    for _ in range(20):
        assert well(serve)
    wait_until(lambda: len(serve.workers()) == 2 and victim not in serve.workers(), 5,
               "a replacement")


def test_a_second_serve_on_a_live_socket_is_an_error(work, project, serve):
    second = Serve(work, root=project.root)
    second.command[3] = f"unix:{serve.address}"
    second.spawn()
    assert second.process.wait(10) == 2
    assert "handback: HB" in second.stderr()
    assert well(serve), "and the first is not disturbed"


def test_a_stale_socket_file_is_taken_over(work, project):
    first = Serve(work, root=project.root).start()
    first.process.kill()
    first.process.wait()
    assert first.address.exists()
    time.sleep(0.3)  # orphaned workers may take a moment to notice
    second = Serve(work, root=project.root)
    second.command[3] = f"unix:{first.address}"
    second.address = first.address
    with second:
        assert well(second)


@pytest.mark.parametrize("listen", ["nonsense", "unix:", "127.0.0.1", "127.0.0.1:99999",
                                    "unix:/" + "a" * 200, "unix:/nowhere/at/all/socket"])
def test_an_address_that_cannot_be_listened_on_is_refused(work, project, listen):
    serve = Serve(work, root=project.root)
    serve.command[3] = listen
    serve.spawn()
    assert serve.process.wait(10) == 2
    assert serve.stderr().strip()


def test_term_ends_it_at_once_when_idle(work, project):
    serve = Serve(work, root=project.root).start()
    assert well(serve)
    began = time.monotonic()
    assert serve.stop() == 0
    assert time.monotonic() - began < 3


def test_term_finishes_what_is_in_flight(work):
    root = work.fresh("root")
    data = os.urandom(1 << 20) * 16
    write(root / "large.bin", data)
    serve = Serve(work, "--workers", 1, root=root).start()
    with fastcgi.connect(serve.address) as link:
        params = fastcgi.usual("/static/large.bin")
        link.sendall(fastcgi.head(params) + fastcgi.stream(fastcgi.STDIN, b""))
        link.recv(1)
        serve.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        # The first byte was the version; what follows is the rest of that record.
        reader = fastcgi.Records(link)
        real = reader.exactly
        reader.exactly = lambda size, first=[b"\1"]: (
            first.pop() + real(size - 1) if first else real(size))
        assert reader.reply().body == data
    assert serve.process.wait(10) == 0
    serve.stop()


def test_one_connection_serves_many_requests(serve):
    with fastcgi.connect(serve.address) as link:
        reader = fastcgi.Records(link)
        for number in range(50):
            params = fastcgi.usual("/static/data.json" if number % 2 else "/static/nothing")
            link.sendall(fastcgi.head(params, True, 1) + fastcgi.stream(fastcgi.STDIN, b"", 1))
            assert reader.reply().status.startswith("200" if number % 2 else "404")


def test_a_head_that_arrives_in_small_pieces_is_understood(serve):
    whole = fastcgi.head(fastcgi.usual("/static/data.json")) + fastcgi.stream(fastcgi.STDIN, b"")
    with fastcgi.connect(serve.address) as link:
        for start in range(0, len(whole), 13):
            link.sendall(whole[start : start + 13])
        assert fastcgi.Records(link).reply().body == ASSETS["data.json"]


def test_without_keep_the_connection_is_closed_after_the_answer(serve):
    with fastcgi.connect(serve.address) as link:
        link.sendall(fastcgi.head(fastcgi.usual("/static/data.json"))
                     + fastcgi.stream(fastcgi.STDIN, b""))
        assert fastcgi.Records(link).reply().status.startswith("200")
        assert link.recv(1) == b""


def occupy(serve, kind, count):
    """Connections that wait: for their peer to speak, to go on speaking, or to read."""
    links = []
    head = fastcgi.head(fastcgi.usual("/static/big.bin"), keep=True)
    for _ in range(count):
        link = fastcgi.connect(serve.address)
        if kind == "half-sent heads":
            link.sendall(head[: len(head) // 2])
        elif kind == "heads without their end of stdin":
            link.sendall(head)
        elif kind == "readers that do not read":
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.sendall(head + fastcgi.stream(fastcgi.STDIN, b""))
        elif kind == "idle connections after an answer":
            params = fastcgi.usual("/static/data.json")
            link.sendall(fastcgi.head(params, keep=True) + fastcgi.stream(fastcgi.STDIN, b""))
            fastcgi.Records(link).reply()
        links.append(link)
    return links


@pytest.mark.parametrize("kind", [
    "connections that say nothing",
    "half-sent heads",
    "heads without their end of stdin",
    "readers that do not read",
    "idle connections after an answer",
])
def test_no_connection_that_waits_holds_a_thread(serve, kind):
    """Four threads in all, and a hundred connections that wait."""
    links = occupy(serve, kind, 100)
    try:
        slowest = 0
        for _ in range(20):
            began = time.monotonic()
            assert well(serve)
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1
    finally:
        for link in links:
            link.close()


def test_half_sent_heads_are_dropped_after_five_seconds(serve):
    links = occupy(serve, "half-sent heads", 3)
    began = time.monotonic()
    for link in links:
        try:
            assert link.recv(1) == b""
        except ConnectionResetError:
            pass  # closed with our half head unread
    assert 3 < time.monotonic() - began < 9


def test_a_stalled_reader_is_served_when_it_reads_again(serve):
    link, = occupy(serve, "readers that do not read", 1)
    time.sleep(0.5)
    assert fastcgi.Records(link).reply().body == ASSETS["big.bin"]
    link.close()


def test_hup_reads_the_settings_again_and_loses_nothing(work, project):
    path = work.fresh("config") / "handback.json"
    write(path, b'{"root": "%s", "max_age": 5}' % os.fsencode(project.root))
    serve = Serve(work, "--workers", 2, "--drain", 1, HANDBACK_CONFIG=path)
    control = "cache-control"
    failures = []
    stop = threading.Event()

    def client():
        while not stop.is_set():
            try:
                if not well(serve):
                    failures.append("wrong")
            except OSError as error:
                failures.append(repr(error))

    with serve:
        params = fastcgi.usual("/static/data.json")
        assert fastcgi.ask(serve.address, params).headers[control] == "max-age=5, public"
        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        write(path, b'{"root": "%s", "max_age": 6}' % os.fsencode(project.root), time.time())
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: fastcgi.ask(serve.address, params).headers[control]
                   == "max-age=6, public", 10, "the new settings")
        write(path, b"{", time.time())
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "handback: HB" in serve.stderr(), 10, "a diagnosis")
        time.sleep(0.5)
        stop.set()
        for thread in threads:
            thread.join()
        assert fastcgi.ask(serve.address, params).headers[control] == "max-age=6, public"
    assert failures == []


def test_as_a_plain_fastcgi_program_it_serves_the_socket_on_descriptor_0(work, project):
    listener = socket.socket(socket.AF_UNIX)
    path = work.fresh("zero") / "socket"
    listener.bind(str(path))
    path.chmod(0o666)
    listener.listen(64)
    process = subprocess.Popen([work.program], env={"STATIC_ROOT": str(project.root)},
                               stdin=listener, stderr=subprocess.PIPE, **as_server())
    try:
        reply = fastcgi.ask(path, fastcgi.usual("/static/data.json"))
        assert reply.body == ASSETS["data.json"]
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=10)
        assert process.returncode == 0
        assert b"Sanitizer" not in said
    finally:
        process.kill()
        process.wait()
        listener.close()


PASSED = {
    "descriptor 0": "exec {program} serve --workers 1",
    # As sd_listen_fds(3) describes it: the process itself is named.
    "LISTEN_FDS": "exec env LISTEN_PID=$$ LISTEN_FDS=1 {program} serve --workers 1 3<&0 </dev/null",
}


@pytest.mark.parametrize("how", PASSED)
def test_a_restart_loses_nothing_when_the_socket_is_passed(work, project, how):
    listener = socket.socket(socket.AF_UNIX)
    path = work.fresh("passed") / "socket"
    listener.bind(str(path))
    path.chmod(0o666)
    listener.listen(128)
    command = ["sh", "-c", PASSED[how].format(program=work.program)]
    said = open(path.with_name("stderr"), "ab")
    answered, failures = [0], []
    stop = threading.Event()

    def spawn():
        return subprocess.Popen(command, env={"PATH": os.environ["PATH"],
                                              "STATIC_ROOT": str(project.root)},
                                stdin=listener, stderr=said, **as_server())

    def client():
        while not stop.is_set():
            try:
                reply = fastcgi.ask(path, fastcgi.usual("/static/data.json"))
                assert reply.body == ASSETS["data.json"]
                answered[0] += 1
            except (OSError, AssertionError) as error:
                failures.append(repr(error))

    process = spawn()
    threads = [threading.Thread(target=client) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(3):
            before = answered[0]
            wait_until(lambda: answered[0] > before + 50, 20, "answers")
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            process = spawn()
        before = answered[0]
        wait_until(lambda: answered[0] > before, 20, "an answer of the last one")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        process.terminate()
        process.wait(20)
        listener.close()
        said.close()
    assert failures == []
    assert "Sanitizer" not in path.with_name("stderr").read_text()
    assert path.exists(), "a socket that was passed is not ours to remove"


def test_hup_does_not_give_up_what_serves_for_a_root_that_is_not_there(work, project):
    path = work.fresh("config") / "handback.json"
    write(path, b'{"root": "%s"}' % os.fsencode(project.root))
    with Serve(work, HANDBACK_CONFIG=path) as serve:
        for _ in range(2):  # the second time it is said again, though the minute has not passed
            said = serve.stderr().count("HB0010")
            write(path, b'{"root": "/nowhere/at/all"}', time.time())
            serve.process.send_signal(signal.SIGHUP)
            wait_until(lambda: serve.stderr().count("HB0010") > said, 10, "a diagnosis")
            time.sleep(0.3)
            assert well(serve)


def test_a_head_is_answered_before_the_end_of_its_empty_body_arrives(serve):
    """mod_proxy_fcgi sends that end only when the head has been taken off the socket."""
    params = fastcgi.usual("/static/data.json", HTTP_X_LONG="x" * 100_000)
    with fastcgi.connect(serve.address) as link:
        for _ in range(3):
            link.sendall(fastcgi.head(params, keep=True))
            assert fastcgi.Records(link).reply().body == ASSETS["data.json"]
            link.sendall(fastcgi.record(fastcgi.STDIN))


def test_a_body_that_is_cut_off_does_not_spoil_the_next_request(serve):
    params = fastcgi.usual("/static/data.json", REQUEST_METHOD="POST", CONTENT_LENGTH="1000")
    with fastcgi.connect(serve.address) as link:
        link.sendall(fastcgi.head(params, keep=True) + fastcgi.record(fastcgi.STDIN, b"x" * 300))
        assert fastcgi.Records(link).reply().status[:3] == "405"
        # No end of the body: the next request begins.
        next_one = fastcgi.usual("/static/data.json")
        link.sendall(fastcgi.head(next_one, keep=True) + fastcgi.record(fastcgi.STDIN))
        assert fastcgi.Records(link).reply().body == ASSETS["data.json"]
