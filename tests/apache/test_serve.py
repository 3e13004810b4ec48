"""Connections to `handback serve`: many requests on one, and those that wait for their peer."""

import contextlib
import time

import pytest

import fastcgi
from django_site import ASSETS
from harness import Serve


@pytest.fixture
def serve(work, project):
    with Serve(work, "--workers", 2, "--threads", 2, root=project.root) as running:
        yield running


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


def open_without_end(address):
    """A whole head, and the end of its empty body does not come."""
    link = fastcgi.connect(address)
    link.sendall(fastcgi.head(fastcgi.usual("/static/big.bin"), keep=True))
    return link


@pytest.mark.parametrize("opener", [
    fastcgi.open_silent,
    fastcgi.open_half,
    open_without_end,
    fastcgi.open_stalled,
    fastcgi.open_kept,
    fastcgi.open_posting,
])
def test_no_connection_that_waits_holds_a_thread(serve, opener):
    """Four threads in all, and a hundred connections that wait."""
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(opener(serve.address))
        slowest = 0
        for _ in range(20):
            began = time.monotonic()
            assert serve.answers_well()
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1


def test_half_sent_heads_are_dropped_after_five_seconds(serve):
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        for link in [stack.enter_context(fastcgi.open_half(serve.address)) for _ in range(3)]:
            with contextlib.suppress(ConnectionResetError):  # closed with our half head unread
                assert link.recv(1) == b""
    assert 3 < time.monotonic() - began < 9


def test_a_connection_that_is_closed_is_seen_to_be_closed_at_once(work, project):
    """Though other threads look at it too: the kernel may put the end off for as long as they wait."""
    broken = fastcgi.record(fastcgi.GET_VALUES, b"\x7f\xffX", 0)
    with Serve(work, "--workers", 1, root=project.root, program=work.release) as serve:
        for _ in range(10_000):
            with fastcgi.connect(serve.address, 2) as link:
                link.sendall(broken)
                assert link.recv(1) == b""


def test_a_stalled_reader_is_served_when_it_reads_again(serve):
    with fastcgi.open_stalled(serve.address) as link:
        time.sleep(0.5)
        assert fastcgi.Records(link).reply().body == ASSETS["big.bin"]


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
