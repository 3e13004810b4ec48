"""What a peer that is no web server, or a broken one, does to `handback serve`: nothing to others.

Each row of STREAMS is a stream of bytes and all that must come back for it. After each of them
another client is answered at once, by the workers that were there before, without a word of the
sanitizers.
"""

import array
import json
import resource
import socket
import struct
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

import fastcgi
import harness
from fastcgi import (
    ABORT, END, GET_VALUES, GET_VALUES_RESULT, STDERR, STDIN, STDOUT, UNKNOWN_ROLE, UNKNOWN_TYPE,
    Records, begin, get_values, head, pairs, record, stream, usual,
)
from harness import Serve, free_port, no_sanitizer_report, wait_until
from hostile_streams import (
    CLOSED, CONNECTIONS, NAMES, NO_BODY, STREAMS, TARGET, USABLE, WAITS, WORKERS, body_of, get,
    noise, role, unknown,
)
from soak import descriptor_kinds, private_memory, receive

# ---- the server, and what must hold after each stream ----


class Watched:
    """A `serve` that is to stay as it is, whatever is sent to it."""

    def __init__(self, serve, workers=WORKERS):
        self.serve = serve
        wait_until(lambda: len(serve.workers()) == workers, 5, "all workers")
        self.pids = serve.workers()
        self.began = time.monotonic()

    def minutes(self):
        """Those that have begun: whatever may be said once a minute was said that often at most."""
        return int((time.monotonic() - self.began) // 60) + 1

    def connect(self, timeout=3):
        return fastcgi.connect(self.serve.address, timeout)

    def is_unharmed(self, seconds=1):
        began = time.monotonic()
        assert self.serve.answers_well()
        assert time.monotonic() - began < seconds, "another client had to wait"
        assert self.serve.workers() == self.pids, self.serve.stderr()
        no_sanitizer_report(self.serve.stderr(), "serve")


@pytest.fixture(scope="module", params=["unix", "tcp"])
def watched(request, work, project):
    listen = ("127.0.0.1", free_port()) if request.param == "tcp" else None
    with Serve(work, "--workers", WORKERS, "--threads", 2, "--max-connections", CONNECTIONS,
               listen=listen, root=project.root) as serve:
        yield Watched(serve)
    assert serve.process.returncode == 0, serve.stderr()


# ---- sending and hearing ----


def send(link, data):
    try:
        link.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # closed before the end of it was sent: what comes back shows it


def is_closed(link):
    """Waits for the end of the connection; bytes before it are a fault."""
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True  # it was closed with bytes of ours unread


def next_event(reader):
    """The next thing that comes back, a whole answer or a management record."""
    out = b""
    while True:
        kind, number, content = reader.next()
        if kind == STDOUT:
            out += content
        elif kind == END and content[4] == UNKNOWN_ROLE:
            return role(number)
        elif kind == END:
            assert content[4] == 0 and number
            return fastcgi.parse(out).status[:3]
        elif kind == GET_VALUES_RESULT:
            assert number == 0
            return "values", fastcgi.cut_pairs(content)
        elif kind == UNKNOWN_TYPE:
            assert number == 0 and len(content) == 8
            return unknown(content[0])
        else:
            assert kind == STDERR, (kind, content)


def is_quiet(link):
    link.settimeout(0.1)
    try:
        link.recv(1)
    except TimeoutError:
        return True
    return False


def hears(link, expected):
    """Whether all that comes back is this, in the terms of the table."""
    reader = Records(link)
    for event in expected:
        if event == CLOSED:
            assert is_closed(link)
        elif event == WAITS:
            assert is_quiet(link)
        elif event == USABLE:
            link.sendall(get(True, 3))
            assert next_event(reader) == "200"
        else:
            assert next_event(reader) == event
    return True


@pytest.mark.parametrize("case", STREAMS)
def test_a_stream_gets_what_it_deserves_and_harms_nobody(watched, case):
    data, expected = STREAMS[case]
    with watched.connect() as link:
        send(link, data)
        assert hears(link, expected)
    watched.is_unharmed()


def test_the_status_is_one_object_however_often_it_is_asked_for_at_once(watched):
    with watched.connect() as link:
        link.sendall(record(GET_VALUES, pairs({"HANDBACK_STATUS": ""}) * 300, 0))
        kind, known = next_event(Records(link))
        assert kind == "values" and list(known) == ["HANDBACK_STATUS"]
        assert json.loads(known["HANDBACK_STATUS"])["pid"] == watched.serve.process.pid
        assert hears(link, [USABLE])
    watched.is_unharmed()


# ---- streams that end, at every place ----

WHOLE = get(True, CONTENT_LENGTH="9")[:-8] + stream(STDIN, b"some body")
HEAD_SIZE = len(get(True, CONTENT_LENGTH="9")) - 8


def reset(link):
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def half_close(link):
    link.shutdown(socket.SHUT_WR)


LEAVING = {
    "closed": socket.socket.close,
    "reset": reset,
    "closed for reading": lambda link: link.shutdown(socket.SHUT_RD),
}


@pytest.mark.parametrize("how", LEAVING)
def test_a_request_may_break_off_at_any_byte(watched, how):
    for end in range(len(WHOLE) + 1):
        with watched.connect() as link:
            link.sendall(WHOLE[:end])
            LEAVING[how](link)
    watched.is_unharmed()


def test_a_request_may_be_half_closed_at_any_byte(watched):
    """What was whole by then is answered, and nothing stays open for longer than a head may."""
    links = []
    for end in range(len(WHOLE) + 1):
        link = watched.connect(8)
        link.sendall(WHOLE[:end])
        half_close(link)
        links.append((end, link))
    watched.is_unharmed()
    for end, link in links:
        if end >= HEAD_SIZE:
            assert next_event(Records(link)) == "200", end
        assert is_closed(link), end
        link.close()
    watched.is_unharmed()


def test_an_answer_may_be_left_at_any_record(watched):
    """A body of 5 MB of which the peer takes a part and leaves."""
    request = head(usual("/static/big.bin"), True) + NO_BODY
    for taken in (0, 1, 8, 100, 65536, 65537, 1 << 20, 3 << 20):
        for leave in LEAVING.values():
            with watched.connect() as link:
                link.sendall(request)
                if taken:
                    Records(link).exactly(taken)
                leave(link)
    watched.is_unharmed()


# ---- streams that take their time ----


def test_a_head_that_drips_is_understood_when_it_is_whole_in_time(watched):
    whole, began = get(True), time.monotonic()
    with watched.connect(8) as link:
        for i in range(0, len(whole), 8):
            link.sendall(whole[i : i + 8])
            time.sleep(max(0, began + 3 * i / len(whole) - time.monotonic()))
        assert hears(link, ["200", USABLE])
    watched.is_unharmed()


def test_a_head_that_drips_is_given_up_though_it_never_stops(watched):
    """A hundred of them at once; each byte is new, and no patience begins anew with it."""
    began = time.monotonic()
    links = [watched.connect() for _ in range(100)]
    whole = get(True)
    gone = set()
    for byte in range(len(whole)):
        for number, link in enumerate(links):
            if number not in gone:
                try:
                    link.sendall(whole[byte : byte + 1])
                except OSError:
                    gone.add(number)
        watched.is_unharmed()
        if len(gone) == len(links):
            break
        time.sleep(0.2)
    assert len(gone) == len(links)
    assert 4 < time.monotonic() - began < 9
    for link in links:
        link.close()


def test_a_body_that_never_ends_is_given_up(watched):
    """And while it comes, others are answered."""
    piece = record(STDIN, bytes(65528)) * 16
    with watched.connect(10) as link:
        link.sendall(body_of("1000000000000"))
        assert next_event(Records(link)) == "200"
        sent = 0
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while sent < 1 << 30:
                link.sendall(piece)
                sent += len(piece)
                if sent % (len(piece) * 64) == 0:
                    watched.is_unharmed()
    watched.is_unharmed()


QUESTIONS = {
    "requests": get(True),
    "questions for values": get_values(*NAMES),
    "questions for the status": get_values("HANDBACK_STATUS"),
    "unknown management records": record(99, number=0),
}


def unread(address, data, most):
    """Sends this again and again and reads nothing, until nothing more is taken."""
    tcp = isinstance(address, tuple)
    link = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.settimeout(0.3)
    link.connect(address if tcp else str(address))
    block = data * (65536 // len(data))
    with pytest.raises(TimeoutError):
        for _ in range(most // len(block)):
            link.sendall(block)
    return link


@pytest.mark.parametrize("listen", ["unix", "tcp"])
@pytest.mark.parametrize("what", QUESTIONS)
def test_who_asks_on_and_on_and_reads_nothing_waits_for_himself(work, project, what, listen):
    """Answers are not piled up in memory: nothing more is read until they have left."""
    listen = ("127.0.0.1", free_port()) if listen == "tcp" else None
    with Serve(work, "--workers", 1, listen=listen, root=project.root,
               program=work.release) as serve:
        watched = Watched(serve, 1)
        watched.is_unharmed()
        before = private_memory(watched.pids[0])
        links = [unread(serve.address, QUESTIONS[what], 64 << 20) for _ in range(4)]
        watched.is_unharmed()
        assert private_memory(watched.pids[0]) - before < 4 * 128 + 512, "KB"
        for link in links:
            link.close()
        watched.is_unharmed()


def test_a_flood_of_the_smallest_records_keeps_nobody_waiting(watched):
    """Six connections full of them at every moment, more than there are threads."""
    over = threading.Event()

    def flood():
        with watched.connect(10) as link:
            while not over.is_set():
                link.sendall(record(ABORT) * 1000)

    with ThreadPoolExecutor(6) as pool:
        floods = [pool.submit(flood) for _ in range(6)]
        try:
            end = time.monotonic() + 3
            while time.monotonic() < end:
                watched.is_unharmed()
        finally:
            over.set()
        for each in floods:
            each.result()


@pytest.fixture(scope="module")
def descriptors_of_our_own():
    """The ends of ten thousand connections; as many as root may have, or as the limit allows."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = max(before[1], 16384) if harness.ROOT else before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard - 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[0], hard))


def held(*sent):
    """A connection that sends this and waits."""
    def open_one(address):
        link = fastcgi.connect(address)
        link.sendall(b"".join(sent))
        return link
    return open_one


def left(*sent, answer=None):
    """A connection that sends this, and is closed by its peer at once or behind the answer."""
    def open_one(address):
        with held(*sent)(address) as link:
            assert answer is None or next_event(Records(link)) == answer
    return open_one


ROOM = 20  # connections of the one worker
HEAD = head(usual(TARGET), True)

# How places are taken, how often, and the seconds after which one of them must be free.
TAKEN = {
    "say nothing": (held(), ROOM, 3),
    "sent half a head": (held(HEAD[:50]), ROOM, 7),
    "sent an abort": (held(record(ABORT)), ROOM, 4),
    "asked for values": (held(get_values(*NAMES)), ROOM, 4),
    "sent a head and not the end of its body": (held(HEAD), ROOM, 4),
    "sent a head and half the end of its body": (held(HEAD, NO_BODY[:5]), ROOM, 7),
    "left after half a head": (left(HEAD[:50]), 3 * ROOM, 1),
    "left after half the end of a body": (left(HEAD, NO_BODY[:5], answer="200"), 3 * ROOM, 1),
    "left after half a record of a body": (
        left(body_of("9", record(STDIN, b"some body")[:12]), answer="200"), 3 * ROOM, 1),
    "left after the role of an authorizer": (
        left(begin(role=2), begin()[:5], answer=role(1)), 3 * ROOM, 1),
}


@pytest.mark.parametrize("case", TAKEN)
def test_nobody_takes_all_places_for_long_who(work, project, case):
    open_one, count, seconds = TAKEN[case]
    with Serve(work, "--workers", 1, "--max-connections", ROOM, "--drain", 2,
               root=project.root) as serve:
        watched = Watched(serve, 1)
        began = time.monotonic()
        links = [open_one(serve.address) for _ in range(count)]
        watched.is_unharmed(seconds)
        assert time.monotonic() - began < seconds
        for link in filter(None, links):
            link.close()


def connect_in_the_end(address):
    """A unix socket whose backlog is full refuses whoever has a timeout: it is asked again."""
    while True:
        try:
            return fastcgi.connect(address)
        except BlockingIOError:
            time.sleep(0.005)


# Workers, connections of each, silent connections, and the seconds in which everybody is answered:
# a silent one is closed when it is a second old, so those that came before leave in batches.
SILENT = {
    "10,000, as shipped": (2, 4096, 10_000, 3),
    "500, where there is room for 128": (2, 64, 500, 7),
}


@pytest.mark.parametrize("case", SILENT)
def test_while_connections_say_nothing_everybody_else_is_answered(
        work, project, descriptors_of_our_own, case):
    workers, room, count, seconds = SILENT[case]
    count = min(count, descriptors_of_our_own)
    with ExitStack() as stack:
        serve = stack.enter_context(Serve(work, "--workers", workers, "--max-connections", room,
                                          root=project.root))
        watched = Watched(serve, workers)
        kept = stack.enter_context(watched.connect(seconds))
        silent = []

        def connect():
            while len(silent) < count:
                silent.append(stack.enter_context(connect_in_the_end(serve.address)))

        opener = threading.Thread(target=connect)
        opener.start()
        try:
            after = 20
            while opener.is_alive() or after:
                after -= not opener.is_alive()
                began = time.monotonic()
                with connect_in_the_end(serve.address) as link:
                    assert hears(link, [USABLE])
                assert time.monotonic() - began < seconds
                assert hears(kept, [USABLE])
                time.sleep(0.1)
        finally:
            opener.join()
        assert len(silent) == count
        watched.is_unharmed()
        # The last ones are still there: nobody was closed without need.
        assert is_quiet(silent[-1])
        status = serve.status()
        assert status["accepted"] >= count and status["late"] >= count - workers * room
        assert serve.stderr().count("HB0070") <= workers * watched.minutes()


# ---- what only a socket of one kind can do ----



# What descriptors are sent along with, and how many of them at once.
CARRIERS = {
    "a request": get(True),
    "a question for values": get_values(*NAMES),
    "an unknown management record": record(99, number=0),
    "an abort": record(ABORT),
    "half a head": get()[:50],
    "noise": noise(1),
}


@pytest.mark.parametrize("what", CARRIERS)
def test_descriptors_that_are_sent_along_are_not_kept(work, project, what):
    with Serve(work, "--workers", 1, root=project.root) as serve, open(__file__, "rb") as passed:
        watched = Watched(serve, 1)
        for many in [1, 2, 3, 200] * 5:
            sent = array.array("i", [passed.fileno()] * many)
            with watched.connect() as link:
                link.sendmsg([CARRIERS[what]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)])
                half_close(link)
                with suppress(ConnectionResetError):
                    receive(link, None)
        watched.is_unharmed()
        assert descriptor_kinds(watched.pids[0])[__file__] == 0


def test_an_urgent_byte_is_none_of_the_request(work, project):
    listen = "127.0.0.1", free_port()
    with Serve(work, "--workers", 1, listen=listen, root=project.root) as serve:
        watched = Watched(serve, 1)
        with watched.connect() as link:
            link.send(b"!", socket.MSG_OOB)
            assert hears(link, [USABLE])
        watched.is_unharmed()


# ---- the log ----


def test_after_all_of_these_the_log_is_short(watched):
    """The last test of this file. A cause is said once a minute by each worker, and each number at
    most ten times a minute, whatever its causes are."""
    for seed in range(20):
        with watched.connect() as link:
            send(link, noise(seed + 10))
            assert is_closed(link)
    lines = watched.serve.stderr().splitlines()
    numbers = Counter(line.split(": ")[1] for line in lines)
    assert set(numbers) <= {"HB0067", "HB0068", "HB0070", "HB0071"}, lines
    assert 1 <= numbers["HB0067"] <= WORKERS * watched.minutes(), lines
    assert numbers["HB0068"] == 1, lines
    assert numbers["HB0070"] <= WORKERS * watched.minutes(), lines
