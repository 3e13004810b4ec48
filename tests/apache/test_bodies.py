"""Large bodies and many readers: what they cost the worker, and what a torn one looks like."""

import os
import re
import resource
import select
import socket
import struct
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

import fastcgi
from client import Torn
from conftest import WAYS
from django_site import OLD, write
from harness import Serve, free_port, wait_until

GIB = 1 << 30
HUGE = 10 * 10**9
CLIENTS = 64
GROWTH = CLIENTS * 256 << 10
# Where the sparse file is not empty: around the borders of 31, 32 and 33 bits, and at its ends.
MARKED = [0, 2 * GIB - 4000, 4 * GIB - 4000, 8 * GIB - 4000, HUGE - 8000]
MARK = bytes(range(256)) * 31
LARGE = 40_000_000


# ---- a file of 10 GB that takes no room ----


@pytest.fixture(scope="module")
def huge(work):
    """The run's limit of file sizes is meant for logs, and holds again afterwards."""
    root = work.fresh("huge")
    path = root / "huge.bin"
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit[1], limit[1]))
    try:
        with open(path, "wb") as file:
            for at in MARKED:
                file.seek(at)
                file.write(MARK)
            file.truncate(HUGE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    os.utime(path, (OLD, OLD))
    assert path.stat().st_blocks * 512 < 1_000_000, "it is sparse"
    return root


def content(first, length):
    """The bytes that the sparse file has there."""
    data = bytearray(length)
    for at in MARKED:
        begin, end = max(first, at), min(first + length, at + len(MARK), HUGE)
        if begin < end:
            data[begin - first : end - first] = MARK[begin - at : end - at]
    return bytes(data)


def start(work, root, *options, program=None):
    return Serve(work, "--workers", 1, *options, root=root, program=program or work.release)


@pytest.fixture
def server(work, huge):
    """One worker of the release program: sanitizers keep memory of their own."""
    assert work.release, "memory is measured on the release program"
    with start(work, huge) as serve:
        yield serve


def anonymous(pid):
    """The memory that is the worker's own, in bytes.

    Rss counts the pages of the program and its libraries too, which all processes share and
    which grow when code is used for the first time; Anonymous is heap, stacks and what was
    written to private pages, and the file that is sent is never part of it.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Anonymous: +(\d+) kB", text, re.M)[1]) * 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def request(serve, keep=False, **headers):
    """A connection on which the huge file has been asked for."""
    link = fastcgi.connect(serve.address, 60)
    link.sendall(fastcgi.head(fastcgi.usual("/static/huge.bin", **headers), keep)
                 + fastcgi.record(fastcgi.STDIN))
    return link


class Body:
    """What arrives on a FastCGI connection, without ever holding more than a record of it."""

    def __init__(self, link):
        self.records = fastcgi.Records(link)
        kind, _, first = self.records.next()
        assert kind == fastcgi.STDOUT
        self.reply = fastcgi.parse(first)
        self.piece, self.ended, self.stderr = self.reply.body, False, b""

    def next(self):
        """The next bytes; none when the answer, or its connection, has ended."""
        while not self.piece and not self.ended:
            try:
                kind, _, content = self.records.next()
            except ConnectionError:
                kind, content = fastcgi.END, b""
            self.ended = kind == fastcgi.END
            self.piece = content if kind == fastcgi.STDOUT else b""
            self.stderr += content if kind == fastcgi.STDERR else b""
        piece, self.piece = self.piece, b""
        return piece

    def exactly(self, size):
        pieces, have = [], 0
        while have < size:
            piece = self.next()
            assert piece, f"the answer ended after {have} of {size} bytes"
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        self.piece = whole[size:]
        return whole[:size]

    def rest(self):
        return b"".join(iter(self.next, b""))


def take(link, size):
    """Reads so many bytes off the connection, whatever they mean; less at its end."""
    left, buffer = size, bytearray(1 << 18)
    while left > 0:
        got = link.recv_into(buffer, min(left, len(buffer)))
        if not got:
            break
        left -= got
    return size - left


def take_in_turns(links, size, look):
    """All of them read at once, each so many bytes; `look` is called again and again meanwhile."""
    left = {link.fileno(): (link, size) for link in links}
    while left:
        ready, _, _ = select.select(list(left), [], [], 30)
        assert ready, f"{len(left)} readers wait for nothing"
        for number in ready:
            link, wanted = left.pop(number)
            got = take(link, min(wanted, 1 << 18))
            assert got, "the answer ended"
            if wanted > got:
                left[number] = link, wanted - got
        look()


def warm_up(serve):
    """What the first requests allocate once and for all is no growth."""
    for _ in range(4):
        fastcgi.ask(serve.address, fastcgi.usual("/static/huge.bin", HTTP_RANGE="bytes=0-99999"))
    (pid,) = serve.workers()
    return pid


RANGES = {
    "the whole file": None,
    "several ranges all over it": ", ".join(
        f"{at}-{at + 600_000_000}" for at in range(0, HUGE - 600_000_000, 700_000_000)),
}


@pytest.mark.parametrize("case", RANGES)
def test_64_readers_of_10_gb_cost_a_worker_no_more_than_256_kb_each(server, case):
    pid = warm_up(server)
    headers = {"HTTP_RANGE": RANGES[case]} if RANGES[case] else {}
    before, open_before, most = anonymous(pid), descriptors(pid), []
    with ExitStack() as stack:
        links = [stack.enter_context(request(server, **headers)) for _ in range(CLIENTS)]
        take_in_turns(links, 20_000_000, lambda: most.append(anonymous(pid)))
        # All are sending still: what was seen is what it costs.
        wait_until(lambda: server.status()["connections"]["sending"] == CLIENTS,
                   what="all are sending")
        most.append(anonymous(pid))
    assert max(most) - before <= GROWTH, (before, max(most))
    wait_until(lambda: descriptors(pid) <= open_before, what="every descriptor closed")


def test_64_readers_that_do_not_read_cost_no_more_either(server):
    pid = warm_up(server)
    before, open_before = anonymous(pid), descriptors(pid)
    with ExitStack() as stack:
        links = [stack.enter_context(request(server)) for _ in range(CLIENTS)]
        for link in links:
            assert link.recv(1, socket.MSG_PEEK)
        connections = server.status()["connections"]
        wait_until(lambda: server.status()["connections"]["sending"] == CLIENTS,
                   what=f"all are sending: {connections}")
        assert anonymous(pid) - before <= GROWTH
        # Slow is not gone: the bytes go on where they stopped.
        for link in links[:4]:
            body = Body(link)
            assert body.exactly(200_000) == content(0, 200_000)
    wait_until(lambda: descriptors(pid) <= open_before, what="every descriptor closed")


def test_a_reader_that_pauses_receives_the_bytes_that_follow(server):
    with request(server, HTTP_RANGE=f"bytes={4 * GIB - 300_000}-{4 * GIB + 299_999}") as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        body = Body(link)
        first = body.exactly(1000)
        # Until the worker has filled what the kernel takes, and waits for this reader.
        wait_until(lambda: server.status()["connections"]["sending"] == 1, what="it waits")
        assert first + body.rest() == content(4 * GIB - 300_000, 600_000)


# ---- numbers that 32 bits do not hold ----


def test_the_length_of_the_whole_is_told_in_full(server):
    with request(server) as link:
        headers = Body(link).reply.headers
    assert (headers["status"], headers["content-length"]) == ("200 OK", str(HUGE))


@pytest.mark.parametrize("at", [0, 2 * GIB - 4100, 4 * GIB - 4100, 8 * GIB - 4100, HUGE - 8000])
def test_a_range_anywhere_is_exact(server, at):
    last = min(at + 8200, HUGE) - 1
    params = fastcgi.usual("/static/huge.bin", HTTP_RANGE=f"bytes={at}-{last}")
    reply = fastcgi.ask(server.address, params)
    assert reply.headers["content-range"] == f"bytes {at}-{last}/{HUGE}"
    assert reply.body == content(at, last - at + 1)
    assert MARK[100:200] in reply.body


def test_more_than_4_gb_arrive_to_the_last_byte(server):
    size = 4 * GIB + 12_345
    with request(server, HTTP_RANGE=f"bytes=100-{100 + size - 1}") as link:
        reply = Body(link).reply
        assert reply.headers["content-length"] == str(size)
        have, tail = count_body(link, size - len(reply.body))
    assert have == size - len(reply.body)
    assert tail[-500:] == content(100 + size - 500, 500)


def count_body(link, size):
    """How many bytes of a body follow, up to so many, and the last record's content."""
    buffer, filled, have, tail = bytearray(1 << 20), 0, 0, b""
    while have < size:
        got = link.recv_into(memoryview(buffer)[filled:])
        assert got, f"the answer ended {size - have} bytes early"
        filled, at = filled + got, 0
        while filled - at >= 8:
            kind, _, length, padding = struct.unpack_from(">xBHHB", buffer, at)
            if filled - at < 8 + length + padding:
                break
            assert (kind, padding) == (fastcgi.STDOUT, 0)
            tail, have, at = bytes(buffer[at + 8 : at + 8 + length]), have + length, at + 8 + length
            if have >= size:
                return have, tail
        buffer[: filled - at], filled = buffer[at:filled], filled - at
    return have, tail


def spread(size):
    """A range of so many bytes at each place that is marked."""
    return [(at, min(at + size, HUGE) - 1) for at in MARKED]


def several(parts):
    return "bytes=" + ", ".join(f"{first}-{last}" for first, last in parts)


def delimiter(boundary, first, last):
    return (f"--{boundary}\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Range: bytes {first}-{last}/{HUGE}\r\n\r\n").encode()


def test_several_ranges_over_the_whole_file_are_exact(server):
    parts = spread(9000)
    params = fastcgi.usual("/static/huge.bin", HTTP_RANGE=several(parts))
    reply = fastcgi.ask(server.address, params)
    boundary = re.fullmatch(
        r"multipart/byteranges; boundary=([0-9a-f]{16})", reply.headers["content-type"])[1]
    want = b"\r\n".join(
        delimiter(boundary, first, last) + content(first, last - first + 1)
        for first, last in parts) + f"\r\n--{boundary}--\r\n".encode()
    assert reply.status == "206 Partial Content"
    assert reply.headers["content-length"] == str(len(want))
    assert reply.body == want


def test_the_length_of_parts_of_more_than_4_gb_counts_all_of_them(server):
    parts = [(0, 5 * GIB), (6 * GIB, HUGE - 1)]
    with request(server, HTTP_RANGE=several(parts)) as link:
        body = Body(link)
        boundary = body.reply.headers["content-type"].rpartition("=")[2]
        length = sum(len(delimiter(boundary, *part)) + part[1] - part[0] + 1 for part in parts)
        length += len(f"\r\n\r\n--{boundary}--\r\n")
        assert body.reply.headers["content-length"] == str(length)
        first = delimiter(boundary, *parts[0])
        assert body.exactly(len(first) + 1000) == first + content(0, 1000)


@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_several_ranges_over_10_gb_pass_through_apache(site, huge, through):
    way = site(*through, huge, prepared=False)  # which would read it all
    parts = spread(9000)
    answer = way.get("huge.bin", range=several(parts))
    assert answer.status == 206
    for first, last in parts:
        assert content(first, last - first + 1) in answer.body
    answer = way.ask("/static/huge.bin", method="HEAD")
    assert answer["Content-Length"] == str(HUGE)


# ---- clients that go away ----


# What it says of its start: the socket, the missing manifest, that it is ready.
OF_THE_START = ("HB0071", "HB0027", "HB0068")


def lines_about_requests(text):
    """What it has said of what it was asked."""
    return [line for line in text.splitlines()
            if "handback: HB" in line and not any(number in line for number in OF_THE_START)]


def abort(serve, amount, reset, **headers):
    with request(serve, **headers) as link:
        take(link, amount)
        if reset:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("listens", ["on a path", "on a port"])
@pytest.mark.parametrize("headers", [{}, {"HTTP_RANGE": several(spread(200_000_000)[:4])}],
                         ids=["a body", "several ranges"])
def test_clients_that_abort_leave_nothing_behind(work, huge, headers, listens):
    port = listens == "on a port"
    listen = ("127.0.0.1", free_port()) if port else None
    with Serve(work, "--workers", 1, root=huge, program=work.release, listen=listen) as serve:
        pid = warm_up(serve)
        open_before = descriptors(pid)

        def gone(count):
            for number in range(count):
                abort(serve, 1 + number * 10_000, port and number % 2, **headers)
            wait_until(lambda: descriptors(pid) <= open_before, what="every descriptor closed")
            return anonymous(pid)

        first = gone(100)
        assert gone(400) - first <= 1 << 20, "an aborted answer leaves less than 2.6 KB"
        assert serve.workers() == [pid]
        assert len(lines_about_requests(serve.stderr())) <= 1
        assert serve.status()["connections"]["sending"] == 0


@pytest.fixture
def large(work):
    root = work.fresh("large")
    data = b"0123456789abcdef" * (LARGE // 16)
    write(root / "large.bin", data)
    return root, data


PARTS = "bytes=0-14999999, 20000000-34999999"
ASKED = {"everything": None, "a range": "bytes=1000000-38999999", "several ranges": PARTS}


@pytest.mark.parametrize("asked", ["everything", "several ranges"])
@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_clients_that_abort_through_apache_leave_at_most_one_line_a_minute(
    site, large, through, asked
):
    root, data = large
    way = site(*through, root)
    headers = {"Range": ASKED[asked]} if ASKED[asked] else {}
    for number in range(12):
        with way.connect() as connection:
            connection.send("/static/large.bin", headers=headers)
            connection._more()
            if number % 2:
                connection.socket.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    answer = way.get("large.bin", range="bytes=16-31")
    assert (answer.status, answer.body) == (206, data[16:32])
    said = lines_about_requests(way.diagnoses())
    assert len(said) <= 1, said


# ---- a file that is cut while it is sent ----


def read_to_the_end(connection):
    """All that comes until the connection ends, which it has to."""
    with suppress(ConnectionResetError):
        while connection._more():
            pass
    return connection.held


def cut(way, path, asked, more=b""):
    """The head of an answer whose file is cut meanwhile, and all that follows on its connection;
    `more` is sent behind the request."""
    headers = {"Range": ASKED[asked]} if ASKED[asked] else {}
    with way.connect(timeout=20) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.send("/static/large.bin", headers=headers)
        head = connection._until(b"\r\n\r\n")
        connection.socket.sendall(more)
        os.truncate(path, 1_500_000)
        return head, read_to_the_end(connection)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_a_file_that_is_cut_ends_the_answer_short_and_the_connection(site, large, through, asked):
    root, data = large
    way = site(*through, root)
    head, body = cut(way, root / "large.bin", asked)
    assert len(body) < int(re.search(rb"\r\nContent-Length: (\d+)", head)[1])
    assert not body.endswith(b"--\r\n")


# Of a body that the program sends, Apache is not told. It keeps the connection, until its
# KeepAliveTimeout, under mod_cgid and under mod_proxy_fcgi even when the program closes before the
# end of the request; mod_fcgid then ends it, but first puts an error page into the body.
TOLD = [(through, asked) for through in WAYS for asked in ASKED
        if through[1] == "x-sendfile" and asked != "several ranges"]


@pytest.mark.parametrize("through, asked", TOLD, ids=lambda v: v if v in ASKED else "-".join(v))
def test_no_other_answer_follows_one_that_was_cut(site, large, through, asked):
    root, data = large
    way = site(*through, root)
    # Whoever trusts the length takes the next answer for the rest of this one.
    following = b"GET /static/none HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head, body = cut(way, root / "large.bin", asked, following)
    assert len(body) < int(re.search(rb"\r\nContent-Length: (\d+)", head)[1])
    assert b"HTTP/1.1" not in body


@pytest.mark.parametrize("asked", ASKED)
def test_a_file_that_is_cut_is_said_once_and_the_server_goes_on(work, large, asked):
    root, data = large
    headers = {"HTTP_RANGE": ASKED[asked]} if ASKED[asked] else {}
    with start(work, root, program=work.program) as serve:
        said = b""
        for _ in range(3):
            write(root / "large.bin", data)
            params = fastcgi.usual("/static/large.bin", **headers)
            with fastcgi.connect(serve.address) as link:
                link.sendall(fastcgi.head(params) + fastcgi.record(fastcgi.STDIN))
                body = Body(link)
                os.truncate(root / "large.bin", 1_500_000)
                have = len(body.rest())
                said += body.stderr
            assert have < int(body.reply.headers["content-length"])
        assert said.count(b"HB0046") + serve.stderr().count("HB0046") == 1, said
        write(root / "large.bin", data)
        reply = fastcgi.ask(serve.address, fastcgi.usual("/static/large.bin"))
        assert reply.body == data


def test_a_part_behind_the_cut_ends_the_answer_before_it(work, large):
    root, data = large
    with start(work, root) as serve:
        # The second part is 20 MB further: it is cut while the first one is on its way.
        params = fastcgi.usual("/static/large.bin", HTTP_RANGE="bytes=0-9999999, 30000000-39999999")
        with fastcgi.connect(serve.address) as link:
            link.sendall(fastcgi.head(params) + fastcgi.record(fastcgi.STDIN))
            body = Body(link)
            os.truncate(root / "large.bin", 10_000_000)
            got = body.rest()
    # The record in which the cut is noticed is not sent.
    assert data[: 10_000_000 - 65536] in got
    assert got.count(b"Content-Range") <= 2
    assert len(got) < int(body.reply.headers["content-length"])
    assert b"--\r\n" not in got[-10:]


@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_a_reader_of_a_torn_answer_sees_an_error_before_long(site, large, through):
    root, _ = large
    way = site(*through, root)
    with way.connect(timeout=20) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.send("/static/large.bin", headers={"Range": PARTS})
        connection._more()
        os.truncate(root / "large.bin", 1_500_000)
        began = time.monotonic()
        with pytest.raises((Torn, ConnectionResetError)):
            connection.receive()
        # No longer than Apache's KeepAliveTimeout, which is 2 seconds here.
        assert time.monotonic() - began < 5
