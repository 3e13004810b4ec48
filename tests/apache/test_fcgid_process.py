"""The process that mod_fcgid starts: one for a request, gone when idle, replaced when it dies."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from django_site import ASSETS, noise, write
from harness import Apache, Load, asker, defines, is_gone, wait_until

LARGE = noise(20_000_000, 7)
FORCED = ("SIGKILL", "graceful kill fail")
CLIENTS = 8


class Program:
    """A copy of the program of its own, so that its processes can be told from others."""

    def __init__(self, work):
        self.original = work.release
        self.path = work.fresh("program") / "handback"
        self.replace()

    def replace(self):
        """As a package does it: a new file takes the name."""
        fresh = self.path.with_suffix(".new")
        shutil.copyfile(self.original, fresh)
        fresh.chmod(0o755)
        fresh.rename(self.path)

    def processes(self):
        """All that run it, the file that had the name before among them."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                runs = os.readlink(entry / "exe") if entry.name.isdigit() else ""
            except OSError:
                continue
            if runs.removesuffix(" (deleted)") == str(self.path):
                found.append(int(entry.name))
        return [pid for pid in found if not is_gone(pid)]

    def newest(self):
        """Those that run the file that has the name now."""
        return [pid for pid in self.processes()
                if Path(f"/proc/{pid}/exe").stat().st_ino == self.path.stat().st_ino]


@pytest.fixture
def program(work):
    return Program(work)


def served(work, program, root, extra=""):
    return Apache(work, extra + defines("fcgid", "body", root), program=program.path,
                  modules="fcgid alias env headers authz_core".split())


def get(apache, target="/static/data.json", body=ASSETS["data.json"]):
    answer = apache.ask(target)
    return (answer.status, answer.body) == (200, body)


def is_free_of_force(apache):
    return not any(word in apache.log() for word in FORCED)


def test_one_process_answers_one_request_after_another(work, project, program):
    with served(work, program, project.root) as apache:
        assert get(apache)
        first, = program.processes()
        with apache.connect() as connection:
            for _ in range(50):
                assert connection.ask("/static/data.json").body == ASSETS["data.json"]
        assert program.processes() == [first]


def test_requests_at_once_have_a_process_each(work, program):
    root = work.fresh("root")
    write(root / "large.bin", LARGE)
    with served(work, program, root) as apache:
        stalled = [apache.connect() for _ in range(3)]
        for connection in stalled:
            connection.send("/static/large.bin")
            connection.socket.recv(1, 2)  # MSG_PEEK: the head is here
        assert len(program.processes()) == 3
        for connection in stalled:
            assert connection.receive().body == LARGE
            connection.socket.close()


def test_an_idle_process_goes_and_the_next_request_starts_another(work, project, program):
    extra = "FcgidIdleTimeout 1\nFcgidMinProcessesPerClass 0\n"
    extra += "".join(f"Fcgid{what}ScanInterval 1\n" for what in ("Idle", "Error", "Zombie"))
    with served(work, program, project.root, extra) as apache:
        assert get(apache)
        first, = program.processes()
        wait_until(lambda: not program.processes(), 10, "its end")
        wait_until(lambda: f"process {program.path}({first}) exit(idle timeout)" in apache.log(), 5,
                   "its end in the log")
        line, = [line for line in apache.log().splitlines() if f"({first}) exit(" in line]
        assert "terminated by calling exit(), return code: 0" in line
        assert is_free_of_force(apache)
        assert get(apache)
        second, = program.processes()
        assert second != first


def test_term_finishes_the_download_that_it_is_sending(work, program):
    root = work.fresh("root")
    write(root / "large.bin", LARGE)
    with served(work, program, root) as apache, apache.connect() as connection:
        connection.send("/static/large.bin")
        connection.socket.recv(1, 2)
        victim, = program.processes()
        os.kill(victim, signal.SIGTERM)
        time.sleep(0.5)
        assert not is_gone(victim)
        assert connection.receive().body == LARGE
        wait_until(lambda: is_gone(victim), 5, "its end")
        assert get(apache, "/static/large.bin", LARGE)


def test_stopping_apache_needs_no_force(work, project, program):
    with served(work, program, project.root) as apache:
        assert get(apache)
        assert program.processes()
    wait_until(lambda: not program.processes(), 10, "the end of the processes")
    assert is_free_of_force(apache)


def test_a_killed_process_costs_at_most_the_request_that_it_had(work, project, program, capsys):
    with served(work, program, project.root) as apache:
        ask = asker(apache, "/static/data.json", ASSETS["data.json"])
        with Load(ask, CLIENTS) as load:
            for _ in range(5):
                load.wait_for(200)
                before = len(load.failures)
                os.kill(program.processes()[0], signal.SIGKILL)
                load.wait_for(200)
                assert len(load.failures) - before <= 1
    with capsys.disabled():
        print(f"\n5 processes killed: {load.answered} answered, {len(load.failures)} lost")


def test_a_program_that_is_replaced_under_load_loses_nothing(work, project, program, capsys):
    """The graceful restart comes after the load: mod_fcgid itself leaves a request waiting for
    ever when it needs a new process at that moment, whatever program it runs."""
    with served(work, program, project.root) as apache:
        ask = asker(apache, "/static/data.json", ASSETS["data.json"])
        with Load(ask, CLIENTS) as load:
            for _ in range(5):
                load.wait_for(200)
                program.replace()
            load.wait_for(200)
        old = program.processes()
        assert set(old) - set(program.newest()), "what runs goes on with what it is"
        apache.graceful()
        wait_until(lambda: all(map(is_gone, old)), 20, "the end of the old processes")
        assert get(apache)
        assert program.newest()
        assert set(program.processes()) == set(program.newest())
        assert is_free_of_force(apache)
    with capsys.disabled():
        print(f"\n5 new programs: {load.answered} answered, {len(load.failures)} lost",
              *load.failures[:5], sep="\n  ")
    assert load.failures == []
