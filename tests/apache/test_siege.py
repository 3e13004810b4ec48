"""One worker of four threads under siege: everyone who wants something new gets it at once, and
nobody who waits is forgotten."""

import json
import random
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress

import pytest

import fastcgi
from harness import wait_until
from siege import Numbers, Place, Siege, descriptors, new_requests, rest_of_body


@contextmanager
def watched_for_races(work, project, log=False):
    """A place whose program was built with ThreadSanitizer, which must have nothing to say."""
    assert work.tsan, ("no program built with -DHANDBACK_BUILD=tsan: make build/tsan/bin/handback,"
                       " or name it by HANDBACK_PROGRAM_TSAN")
    asked = subprocess.run([work.tsan, "--version"], env={"TSAN_OPTIONS": "help=1"},
                           capture_output=True, text=True)
    assert "ThreadSanitizer" in asked.stdout + asked.stderr, "a program without ThreadSanitizer"
    place = Place(work, project, log, program=work.tsan)
    reports = place.serve.home / "tsan"
    place.serve.environment["TSAN_OPTIONS"] = f"halt_on_error=0:log_path={reports}"
    with place:
        yield place
    for found in reports.parent.glob("tsan.*"):
        raise AssertionError(found.read_text()[:5000])


def besiege(place, numbers, seconds):
    with Siege(place, numbers) as siege:
        took = new_requests(place, seconds)
        siege.check_it_stands()
        siege.lift()
    for way, times in took.items():
        assert max(times) < 1, (way, sorted(times)[-5:])


def test_a_siege_delays_no_new_request_and_everyone_in_it_gets_what_is_due(work, project):
    with Place(work, project) as place:
        besiege(place, Numbers(), 2)
        assert place.serve.stop() == 0


def test_no_thread_sees_the_data_of_another_under_siege(work, project):
    with watched_for_races(work, project) as place:
        besiege(place, Numbers(idle=100, silent=60, half=20, slow=10, dripping=10, stalled=10), 1)
        assert place.serve.stop() == 0


# ---- what clients do at random; each asserts what is due to it ----


def plain(place, rng):
    return rng.choice(place.cases)


def whole_requests_on_a_kept_connection(place, link, rng):
    reader = fastcgi.Records(link)
    for _ in range(rng.randint(1, 5)):
        case = plain(place, rng)
        link.sendall(case.message())
        case.judge_reply(reader.reply())


def a_part_of_a_head(place, link, rng):
    message = plain(place, rng).message()
    link.sendall(message[: rng.randrange(1, len(message) // 2)])


def what_is_no_fastcgi(place, link, rng):
    link.sendall(bytes([rng.randrange(2, 256)]) + rng.randbytes(rng.randint(8, 500)))
    expect_end(link)


def expect_end(link):
    try:
        assert link.recv(1) == b""
    except ConnectionResetError:
        pass  # closed with bytes of ours unread


def an_abort_in_the_middle_of_a_body(place, link, rng):
    link.sendall(place.medium.message())
    fastcgi.Records(link).exactly(rng.randint(1, 4_000_000))


def a_stall_in_the_middle_of_a_body(place, link, rng):
    reader = fastcgi.Records(link)
    link.sendall(place.medium.message())
    _, _, first = reader.next()
    time.sleep(rng.random() * 0.3)
    assert rest_of_body(reader, first) == place.medium.digest


def a_body_that_nobody_wants(place, link, rng):
    reader = fastcgi.Records(link)
    case = plain(place, rng)
    body = fastcgi.stream(fastcgi.STDIN, bytes(rng.randint(1, 200_000)))
    sent = rng.randint(0, len(body))
    params = fastcgi.usual(case.target, REQUEST_METHOD="POST", CONTENT_LENGTH="200000")
    link.sendall(fastcgi.head(params, keep=True) + body[:sent])
    assert reader.reply().status[:3] == ("404" if case.status == 404 else "405")
    link.sendall(body[sent:] + case.message())
    case.judge_reply(reader.reply())


def a_head_and_the_end_of_the_stream(place, link, rng):
    case = plain(place, rng)
    link.sendall(case.message(keep=rng.random() < 0.5))
    link.shutdown(socket.SHUT_WR)
    case.judge_reply(fastcgi.Records(link).reply())
    expect_end(link)


def a_head_in_tiny_pieces(place, link, rng):
    case = plain(place, rng)
    message = case.message()
    while message:
        size = rng.randint(1, 40)
        link.sendall(message[:size])
        message = message[size:]
    case.judge_reply(fastcgi.Records(link).reply())


def two_requests_at_once(place, link, rng):
    reader = fastcgi.Records(link)
    first, second = plain(place, rng), plain(place, rng)
    link.sendall(first.message() + second.message())
    first.judge_reply(reader.reply())
    second.judge_reply(reader.reply())


def questions_about_the_program(place, link, rng):
    reader = fastcgi.Records(link)
    link.sendall(fastcgi.get_values("FCGI_MPXS_CONNS", "HANDBACK_STATUS"))
    kind, number, content = reader.next()
    assert (kind, number) == (fastcgi.GET_VALUES_RESULT, 0)
    values = fastcgi.cut_pairs(content)
    assert values["FCGI_MPXS_CONNS"] == "0"
    assert json.loads(values["HANDBACK_STATUS"])["connections"]["answer"] >= 0
    case = plain(place, rng)
    link.sendall(case.message())
    case.judge_reply(reader.reply())


HABITS = [
    whole_requests_on_a_kept_connection,
    a_part_of_a_head,
    what_is_no_fastcgi,
    an_abort_in_the_middle_of_a_body,
    a_stall_in_the_middle_of_a_body,
    a_body_that_nobody_wants,
    a_head_and_the_end_of_the_stream,
    a_head_in_tiny_pieces,
    two_requests_at_once,
    questions_about_the_program,
]


class Crowd:
    """Clients that each do one thing after another, chosen at random."""

    def __init__(self, place, clients, seconds):
        self.place, self.end = place, time.monotonic() + seconds
        self.done, self.failures = Counter(), []
        self.threads = [threading.Thread(target=self._client, args=(n,)) for n in range(clients)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def lasts(self):
        return any(thread.is_alive() for thread in self.threads)

    def join(self):
        for thread in self.threads:
            thread.join()

    def run(self):
        self.start()
        self.join()
        return self

    def _client(self, seed):
        rng = random.Random(seed)
        while time.monotonic() < self.end and not self.failures:
            habit = rng.choice(HABITS)
            try:
                with self.place.connect() as link:
                    habit(self.place, link, rng)
            except (OSError, AssertionError, KeyError, ValueError) as error:
                self.failures.append(f"{habit.__name__}: {error!r}")
            self.done[habit.__name__] += 1


def kept(pid):
    """What a process has open, the scratch file (memfd) that each thread keeps apart."""
    return Counter(name for name in descriptors(pid) if not name.startswith("/memfd:"))


def at_rest(pid):
    """The same without a connection of a moment ago: what is there each time."""
    found = kept(pid)
    for _ in range(10):
        time.sleep(0.02)
        found &= kept(pid)
    return found


@pytest.mark.parametrize("open_place, seconds", [
    pytest.param(Place, 5, id="AddressSanitizer"),
    pytest.param(watched_for_races, 10, id="ThreadSanitizer"),
])
def test_clients_that_do_everything_at_random_get_what_is_due_and_leave_nothing_behind(
        work, project, open_place, seconds):
    with open_place(work, project) as place:
        worker = place.worker()
        fastcgi.ask(place.serve.address, place.cases[0].params())
        before = at_rest(worker)
        crowd = Crowd(place, 32, seconds).run()
        assert crowd.failures == []
        assert all(crowd.done[habit.__name__] > 10 for habit in HABITS), crowd.done
        with suppress(TimeoutError):
            wait_until(lambda: not kept(worker) - before, 10)
        assert kept(worker) - before == Counter(), "left open"
        assert place.worker() == worker
        for case in place.cases:
            case.judge_reply(fastcgi.ask(place.serve.address, case.params()))
        assert place.serve.stop() == 0


@pytest.mark.parametrize("open_place", [
    pytest.param(Place, id="AddressSanitizer"),
    pytest.param(watched_for_races, id="ThreadSanitizer"),
])
def test_such_clients_get_what_is_due_while_the_workers_are_replaced_all_the_time(
        work, project, open_place):
    with open_place(work, project, log=True) as place:
        crowd = Crowd(place, 24, 8)
        crowd.start()
        rounds = 0
        while crowd.lasts():
            place.serve.process.send_signal(signal.SIGHUP if rounds % 10 == 0 else signal.SIGUSR1)
            rounds += 1
            time.sleep(0.08)
        crowd.join()
        assert crowd.failures == []
        assert place.serve.status()["reloads"] >= 3
        wait_until(lambda: len(place.serve.workers()) == 1, 20, "the end of the retired")
        assert place.serve.stop() == 0
