"""What signals do to `handback serve`: ending, new settings, a new log, and nothing."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import fastcgi
from django_site import ASSETS, noise, write
from harness import (Apache, Load, Serve, as_server, asker, defines, free_port, is_gone,
                     no_sanitizer_report, own, wait_until)

CLIENTS = 8
LARGE = noise(20_000_000, 7)
ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]
MEANT = {  # for `serve`, for a fault of the program itself, for a shell's job control
    "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL",
    "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP", "SIGXCPU",
    "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU",
}
IGNORED = [number for number in sorted(signal.valid_signals())
           if getattr(number, "name", "") not in MEANT]


@pytest.fixture(scope="module")
def large(work):
    """A root whose one file takes a stalled reader's connection many times to send."""
    root = work.fresh("root")
    write(root / "large.bin", LARGE)
    return root


@pytest.fixture(scope="module", autouse=True)
def stalled_from_the_start(work, large):
    """A `serve` whose reader never reads, told to end when the tests of this file begin."""
    serve = Serve(work, "--workers", 1, root=large, program=work.release).start()
    with fastcgi.open_stalled(serve.address, "/static/large.bin"):
        serve.process.send_signal(signal.SIGTERM)
        yield serve, time.monotonic()
        serve.process.kill()


# Ending


def test_term_ends_it_at_once_when_idle(work, project):
    serve = Serve(work, root=project.root).start()
    with fastcgi.open_kept(serve.address), fastcgi.open_silent(serve.address):
        began = time.monotonic()
        assert serve.stop() == 0
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_what_is_in_flight_is_finished(work, large, number):
    serve = Serve(work, "--workers", 1, root=large, program=work.release).start()
    worker, = serve.workers()
    with fastcgi.open_stalled(serve.address, "/static/large.bin") as link:
        serve.process.send_signal(number)
        time.sleep(0.5)
        assert not is_gone(worker)
        assert fastcgi.Records(link).reply().body == LARGE
        assert serve.process.wait(5) == 0
    assert is_gone(worker)


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_the_second_time_it_ends_at_once(work, large, number):
    serve = Serve(work, "--workers", 2, root=large, program=work.release).start()
    wait_until(lambda: len(serve.workers()) == 2, 5, "two workers")
    workers = serve.workers()
    with fastcgi.open_stalled(serve.address, "/static/large.bin"):
        serve.process.send_signal(number)
        time.sleep(0.5)
        assert serve.process.poll() is None
        serve.process.send_signal(number)
        assert serve.process.wait(2) == 0
    assert all(map(is_gone, workers))
    assert not serve.address.exists()


@pytest.mark.parametrize("apart", [0, 0.0003, 0.01], ids=lambda seconds: f"{seconds} s apart")
def test_a_signal_to_the_whole_group_is_not_the_second_one(work, large, apart):
    """Ctrl-C, and a service manager that tells every process, reach the workers twice."""
    serve = Serve(work, "--workers", 1, root=large, program=work.release).start()
    worker, = serve.workers()
    with fastcgi.open_stalled(serve.address, "/static/large.bin") as link:
        for pid in (worker, serve.process.pid):
            os.kill(pid, signal.SIGTERM)
            time.sleep(apart)
        time.sleep(0.3)
        assert fastcgi.Records(link).reply().body == LARGE
    assert serve.process.wait(5) == 0


def test_while_the_last_one_is_finished_nobody_waits_in_vain(work, project, large):
    serve = Serve(work, "--workers", 1, root=large, program=work.release).start()
    with fastcgi.open_stalled(serve.address, "/static/large.bin") as link:
        serve.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not serve.address.exists(), 5, "the end of the socket file")
        with pytest.raises(FileNotFoundError):
            fastcgi.connect(serve.address)
        with Serve(work, listen=serve.address, root=project.root) as successor:
            assert successor.answers_well()
            assert serve.process.poll() is None
            assert fastcgi.Records(link).reply().body == LARGE
            assert serve.process.wait(5) == 0
            assert successor.answers_well(), "and its socket file is still there"


# New settings


class Settings:
    """A settings file that the test changes: what it sets is seen in Cache-Control."""

    def __init__(self, work, root):
        self.path = work.fresh("config") / "handback.json"
        self.root = str(root)
        self.write(5)

    def write(self, max_age):
        settings = {"root": self.root, "max_age": max_age}
        self.write_text(json.dumps(settings))

    def write_text(self, text):
        write(self.path, text.encode(), time.time())


def ages(serve):
    """The settings that new connections meet, whichever worker takes them."""
    params = fastcgi.usual("/static/data.json")
    seen = {fastcgi.ask(serve.address, params).headers["cache-control"] for _ in range(10)}
    return {int(value.removeprefix("max-age=").removesuffix(", public")) for value in seen}


@pytest.fixture
def settings(work, project):
    return Settings(work, project.root)


def serving(work, settings, *options, listen=None):
    return Serve(work, *options, listen=listen, program=work.release,
                 HANDBACK_CONFIG=settings.path)


# Connections on a unix socket are handed over. On TCP, which no file below apache/ uses, a worker
# that retires closes each after one more answer, and Apache may be about to use it again.
TCP = """
ProxyPass /static/ fcgi://127.0.0.1:{port}/static/ enablereuse=on ttl=10 retry=0
<Location /static/>
SetEnv ap_trust_cgilike_cl 1
</Location>
"""


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_hup_under_load_takes_new_settings_and_loses_nothing(work, settings, kind, capsys):
    if kind == "unix":
        serve = serving(work, settings)
        apache = Apache(work, defines("proxy", serve=serve))
    else:
        serve = serving(work, settings, "--drain", 2, listen=("127.0.0.1", free_port()))
        apache = Apache(work, TCP.format(port=serve.address[1]))
    ask = asker(apache, "/static/data.json", ASSETS["data.json"])
    with serve, apache, Load(ask, CLIENTS) as load:
        for age in range(6, 11):
            load.wait_for(1000)
            old = serve.workers()
            settings.write(age)
            serve.process.send_signal(signal.SIGHUP)
            wait_until(lambda: ages(serve) == {age}, 5, "the new settings")
        wait_until(lambda: all(map(is_gone, old)), 20, "the end of the old workers")
        load.wait_for(500)
        seen = {apache.ask("/static/data.json")["Cache-Control"] for _ in range(20)}
        assert seen == {"max-age=10, public"}
        wait_until(lambda: len(serve.workers()) == 2, 20, "two workers")
    with capsys.disabled():
        print(f"\n5 times HUP, {kind}: {load.answered} answered, {len(load.failures)} lost",
              *load.failures[:5], sep="\n  ")
    assert len(load.failures) <= (0 if kind == "unix" else 5 * CLIENTS)


def test_hup_leaves_no_lone_request_waiting(work, settings):
    """Whoever has been told of a connection and retires at that moment must not forget it."""
    slowest = 0
    with serving(work, settings, "--drain", 0, "--workers", 4) as serve:
        for _ in range(60):
            serve.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 0.06
            while (began := time.monotonic()) < end:
                assert serve.answers_well()
                slowest = max(slowest, time.monotonic() - began)
    assert slowest < 1


BAD = {
    "not JSON": ("{", "HB0002"),
    "an unknown name": ('{"rot": "/"}', "HB0003"),
    "a root that is not there": ('{"root": "/nowhere/at/all"}', "HB0010"),
}


@pytest.mark.parametrize("case", BAD)
def test_hup_with_bad_settings_keeps_what_serves(work, settings, case):
    text, number = BAD[case]
    with serving(work, settings) as serve:
        wait_until(lambda: len(serve.workers()) == 2, 5, "two workers")
        before = serve.workers()
        for times in (1, 2):  # the second time it is said again, though no minute has passed
            settings.write_text(text)
            serve.process.send_signal(signal.SIGHUP)
            wait_until(lambda: serve.stderr().count(number) == times, 5, number)
        assert ages(serve) == {5}
        assert serve.workers() == before
        settings.write(7)
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ages(serve) == {7}, 5, "the settings that were mended")


@pytest.mark.parametrize("change", ["bad", "good, but HUP has not been sent"])
def test_a_replacement_serves_with_the_settings_that_were_good_last(work, settings, change):
    with serving(work, settings, "--drain", 0) as serve:
        settings.write(6)
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ages(serve) == {6}, 5, "the new settings")
        if change == "bad":
            settings.write_text("{")
            serve.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "HB0002" in serve.stderr(), 5, "a diagnosis")
        else:
            settings.write(7)
        wait_until(lambda: len(serve.workers()) == 2, 5, "two workers")
        old = serve.workers()
        for victim in old:
            os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(set(serve.workers()) - set(old)) == 2, 5, "their replacements")
        assert ages(serve) == {6}
        time.sleep(1.2)  # workers look around once a second
        assert ages(serve) == {6}
        settings.write(8)
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ages(serve) == {8}, 5, "the settings after that")


def test_a_worker_that_drains_notices_a_new_release(work):
    """On TCP, where it cannot hand its connections over; it answers each once more."""
    root = work.fresh("root")
    for number in (1, 2):
        write(root / f"a.{number}.txt", b"%d\n" % number)
    manifest = '{"version": "1.0", "paths": {"a.txt": "a.%d.txt"}}'
    write(root / "staticfiles.json", (manifest % 1).encode())
    params = fastcgi.usual("/static/a.txt")
    request = fastcgi.head(params, keep=True) + fastcgi.record(fastcgi.STDIN)
    address = ("127.0.0.1", free_port())
    serve = Serve(work, "--workers", 1, listen=address, root=root, program=work.release)
    with serve, contextlib.ExitStack() as stack:
        old, = serve.workers()
        links = [stack.enter_context(fastcgi.connect(address)) for _ in range(100)]

        def body(link):
            link.sendall(request)
            return fastcgi.Records(link).reply().body

        assert {body(link) for link in links} == {b"1\n"}
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "HB0066" in serve.stderr(), 5, "the new worker")
        write(root / "staticfiles.json", (manifest % 2).encode(), time.time())
        wait_until(lambda: body(links.pop()) == b"2\n", 5, "the new release")
        assert links and not is_gone(old)


# A restart while the socket is held


PASSED = {
    "descriptor 0": "exec {program} serve",
    # As sd_listen_fds(3) describes it: the process itself is named.
    "LISTEN_FDS": "exec env LISTEN_PID=$$ LISTEN_FDS=1 {program} serve 3<&0 </dev/null",
    "systemd-socket-activate": "exec env LISTEN_PID=$$ LISTEN_FDS=1 systemd-socket-activate"
                               " --setenv=STATIC_ROOT {program} serve 3<&0 </dev/null",
}


class Held:
    """A listening socket that outlives the `serve` that it is passed to."""

    def __init__(self, work, root, how):
        self.path = work.fresh("held") / "socket"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.path.chmod(0o666)
        self.listener.listen(128)
        self.stderr_path = self.path.with_name("stderr")
        self.command = ["sh", "-c", PASSED[how].format(program=work.release)]
        self.environment = {"PATH": os.environ["PATH"], "STATIC_ROOT": str(root)}
        self.work = work

    def spawn(self):
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(self.command, env=self.environment, stderr=stderr,
                                            stdin=self.listener, **as_server())
        self.work.spawned.append(self.process)

    def restart(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        self.spawn()

    def __enter__(self):
        self.spawn()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.listener.close()
        no_sanitizer_report(self.stderr_path.read_text(), "serve")


@pytest.mark.parametrize("how", PASSED)
def test_a_restart_loses_nothing_while_the_socket_is_held(work, project, how, capsys):
    """Through Apache, which uses its connections again, and for peers that open one each."""
    body = ASSETS["data.json"]
    with Held(work, project.root, how) as held:
        def ask():
            reply = fastcgi.ask(held.path, fastcgi.usual("/static/data.json"))
            return None if reply.body == body else reply.status

        apache = Apache(work, defines("proxy", HANDBACK_SOCKET=held.path))
        with apache, Load(asker(apache, "/static/data.json", body), 6) as through, \
                Load(ask, 2) as direct:
            for _ in range(4):
                through.wait_for(1000)
                direct.wait_for(50)
                held.restart()
            through.wait_for(1000)
            direct.wait_for(50)
        # Said by each that served, and one more was still asked after the last restart.
        assert held.stderr_path.read_text().count("HB0068") == 5
    with capsys.disabled():
        print(f"\n4 restarts, {how}: through Apache {through.answered} answered, "
              f"{len(through.failures)} lost; directly {direct.answered}, "
              f"{len(direct.failures)} lost")
    assert direct.failures == []
    assert through.failures == []
    assert held.path.exists(), "a socket that was passed is not ours to remove"


def test_as_a_plain_fastcgi_program_it_serves_the_socket_on_descriptor_0(work, project):
    held = Held(work, project.root, "descriptor 0")
    held.command = [str(work.program)]
    with held:
        reply = fastcgi.ask(held.path, fastcgi.usual("/static/data.json"))
        assert reply.body == ASSETS["data.json"]
        held.process.send_signal(signal.SIGTERM)
        assert held.process.wait(10) == 0


# A log file

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ handback: HB\d{4}: .+")


def test_log_takes_all_lines_and_stderr_none(work, project):
    serve = Serve(work, root=project.root)
    log = serve.home / "log"
    serve.command += ["--log", str(log)]
    log.write_text("a line of before\n")
    log.chmod(0o666)
    with serve:
        wait_until(lambda: "HB0068" in log.read_text(), 5, "a line")
        os.kill(serve.workers()[0], signal.SIGKILL)
        wait_until(lambda: "HB0062" in log.read_text(), 5, "another line")
    first, *others = log.read_text().splitlines()
    assert first == "a line of before"
    assert all(LINE.fullmatch(line) for line in others), others
    assert serve.stderr() == ""


def test_log_takes_the_lines_when_there_is_no_stderr(work, project):
    serve = Serve(work, root=project.root)
    log = serve.home / "log"
    serve.command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *serve.command, "--log", str(log)]
    with serve:
        os.kill(serve.workers()[0], signal.SIGKILL)
        wait_until(lambda: "HB0062" in log.read_text(), 5, "a line")
        assert serve.answers_well()


def test_log_is_made_for_its_owner_and_group(work, project):
    serve = Serve(work, root=project.root)
    log = serve.home / "log"
    serve.command += ["--log", str(log)]
    with serve:
        assert log.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("log", ["/nowhere/at/all/log", "/"])
def test_a_log_that_cannot_be_opened_is_an_error(work, project, log):
    serve = Serve(work, "--log", log, root=project.root).spawn()
    assert serve.process.wait(10) == 2
    line = serve.stderr().splitlines()[-1]
    assert line.startswith("handback: HB0072: ") and log in line
    assert not serve.address.exists()


BROKEN = {
    "HB0021": b'{"paths": {"a',
    "HB0022": b"[]",
    "HB0023": b'{"paths": {}, "version": "9"}',
}


def holders(serve, path):
    """Those of its processes that have the file open."""
    inode = path.stat().st_ino
    found = []
    for pid in [serve.process.pid, *serve.workers()]:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if fd.stat().st_ino == inode:
                    found.append(pid)
    return found


def test_usr1_makes_all_processes_write_to_a_new_log(work):
    """Workers report a manifest, once each for each way of being broken."""
    root = work.fresh("root")
    own(root)
    serve = Serve(work, "--workers", 3, root=root, program=work.release)
    log = serve.home / "log"
    serve.command += ["--log", str(log)]
    sizes = {}
    with serve:
        wait_until(lambda: len(serve.workers()) == 3, 5, "three workers")
        for number, manifest in BROKEN.items():
            write(root / "staticfiles.json", manifest, time.time())
            wait_until(lambda: log.read_text().count(number) == 3, 5, f"{number} of each worker")
            os.kill(serve.workers()[0], signal.SIGKILL)
            wait_until(lambda: log.read_text().count("HB0062") == 1, 5, "a line of the master")
            wait_until(lambda: log.read_text().count(number) == 4, 5, "one of the replacement")
            old = log.rename(serve.home / f"log.{number}")
            serve.process.send_signal(signal.SIGUSR1)
            wait_until(log.exists, 5, "the new log")
            wait_until(lambda: not holders(serve, old), 5, "the end of the old log")
            assert len(set(holders(serve, log))) == 4
            sizes[old] = old.stat().st_size
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "HB0066" in log.read_text(), 5, "a line after all that")
    for old, size in sizes.items():
        assert old.stat().st_size == size
        assert all(LINE.fullmatch(line) for line in old.read_text().splitlines())
    assert serve.stderr() == ""


def test_usr1_when_the_new_log_cannot_be_opened_keeps_the_old_one(work, project):
    serve = Serve(work, root=project.root)
    log = serve.home / "log"
    serve.command += ["--log", str(log)]
    with serve:
        old = log.rename(serve.home / "log.1")
        log.mkdir()
        serve.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: "HB0072" in old.read_text(), 5, "a diagnosis")
        assert str(log) in old.read_text()
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "HB0066" in old.read_text(), 5, "a line after that")
        assert serve.answers_well()
        log.rmdir()
        serve.process.send_signal(signal.SIGUSR1)
        wait_until(log.exists, 5, "the new log")


# Nothing


@pytest.mark.parametrize("whom", ["the master", "a worker"])
def test_every_other_signal_is_ignored(work, project, whom):
    with Serve(work, root=project.root, program=work.release) as serve:
        wait_until(lambda: len(serve.workers()) == 2, 5, "two workers")
        workers = serve.workers()
        for number in IGNORED:
            os.kill(serve.process.pid if whom == "the master" else workers[0], number)
            assert serve.answers_well(), number
            assert serve.process.poll() is None, number
            assert serve.workers() == workers, number
        assert "HB0062" not in serve.stderr()


# Last in this file: it has waited for the end all along.


def test_a_reader_that_never_reads_is_waited_for_half_a_minute(stalled_from_the_start):
    serve, told = stalled_from_the_start
    assert serve.process.wait(40) == 0
    assert not serve.address.exists()
    # Too early would have been seen by the others, which give their reader half a second.
    assert 25 < time.monotonic() - told
