"""What is no regular, readable, whole file; and files that change while they are being sent."""

import hashlib
import json
import os
import socket
import time

import brotli
import pytest

from client import Torn
from conftest import WAYS
from django_site import OLD, write
from harness import Site, url_of, wait_until

SIZE = 40_000_000
TEXT = b"body { margin: 0 }\n" * 40


@pytest.fixture(scope="module")
def strange(work):
    """A root that holds one of everything that is not simply a file."""
    root = work.fresh("strange")
    outside = work.fresh("outside")
    write(outside / "secret.txt", b"outside the root\n")
    write(root / "plain.txt", b"plain\n")
    write(root / "dir/inner.txt", b"inner\n")
    write(root / "closed.txt", b"closed\n")
    write(root / ".hidden", b"hidden\n")
    write(root / ".well-known/security.txt", b"not in a static mount\n")
    write(root / "nested/.git/config", b"hidden\n")
    (root / "closed.txt").chmod(0)
    write(root / "closed/inner.txt", b"closed\n")
    (root / "closed").chmod(0)
    (root / "out.txt").symlink_to(outside / "secret.txt")
    (root / "outdir").symlink_to(outside)
    (root / "up.txt").symlink_to(f"../{outside.name}/secret.txt")
    (root / "within.txt").symlink_to("dir/inner.txt")
    (root / "loop.txt").symlink_to("loop.txt")
    (root / "dangling.txt").symlink_to("nothing.txt")
    (root / "device.txt").symlink_to("/dev/zero")
    os.mkfifo(root / "pipe.txt")
    (root / "pipe.txt").chmod(0o666)
    (root / "plainlink.txt").symlink_to("pipe.txt")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(root / "socket.txt"))
    yield root
    (root / "closed").chmod(0o700)


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def strange_way(request, work, strange):
    with Site(work, *request.param, strange) as way:
        yield way


REFUSED = {
    "a symlink out of the root": "out.txt",
    "a relative symlink out of the root": "up.txt",
    "a file behind a symlinked directory": "outdir/secret.txt",
    "a symlink to itself": "loop.txt",
    "a symlink to nothing": "dangling.txt",
    "a symlink to a device": "device.txt",
    "a FIFO": "pipe.txt",
    "a symlink to a FIFO": "plainlink.txt",
    "a socket": "socket.txt",
    "a directory": "dir",
    "a directory with its slash": "dir/",
    "a directory that is a symlink": "outdir",
    "a file taken for a directory": "plain.txt/more",
    "a file with a slash": "plain.txt/",
    "a dotfile": ".hidden",
    "a directory of the well-known kind": ".well-known/security.txt",
    "a file in a dot directory": "nested/.git/config",
    "the root": "",
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_file_of_the_root_is_404_at_once(strange_way, case):
    answer = strange_way.ask(url_of(REFUSED[case]), timeout=5)
    assert (answer.status, answer["Cache-Control"]) == (404, "no-store")
    assert b"outside" not in answer.body


def test_a_symlink_within_the_root_is_followed(strange_way):
    answer = strange_way.get("within.txt")
    assert (answer.status, answer.body) == (200, b"inner\n")


@pytest.mark.needs_root("or the tester owns the file and reads it all the same")
@pytest.mark.parametrize("name", ["closed.txt", "closed/inner.txt"])
def test_a_file_that_the_server_may_not_read_is_refused_and_diagnosed(strange_way, name):
    answer = strange_way.get(name)
    assert answer.status in (403, 404, 503)
    assert answer["Cache-Control"] == "no-store"
    wait_until(lambda: "handback: HB" in strange_way.diagnoses(), 3, "a diagnosis")


def test_those_before_have_left_the_servers_in_order(strange_way):
    for _ in range(3):
        answer = strange_way.ask(url_of("plain.txt"), timeout=5)
        assert (answer.status, answer.body) == (200, b"plain\n")


# While it is being sent

@pytest.fixture
def large(work):
    root = work.fresh("large")
    data = b"0123456789abcdef" * (SIZE // 16)
    write(root / "large.bin", data)
    return root, data


def shrink(path):
    os.truncate(path, 1000)


def vanish(path):
    path.unlink()


def empty(path):
    os.truncate(path, 0)


def replace(path):
    write(path.with_name("next"), b"n" * 1000)
    path.with_name("next").rename(path)


@pytest.mark.parametrize("harm", [shrink, empty, vanish, replace])
@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_a_file_that_changes_while_it_is_sent_never_has_a_wrong_length(
    site, large, through, harm
):
    root, data = large
    way = site(*through, root)
    with way.connect(timeout=20) as connection:
        # A small window, so that the sender is still busy when the file changes.
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.send("/static/large.bin")
        connection._more()
        harm(root / "large.bin")
        try:
            answer = connection.receive()
        except (Torn, ConnectionResetError):
            assert harm in (shrink, empty), "what is open stays whole"
            answer = None
    if answer is not None:
        # Complete by its own framing: then it has to be the file, to the last byte.
        assert answer.status == 200
        assert answer.body == data
    write(root / "large.bin", b"small again\n")
    wait_until(lambda: way.get("large.bin").body == b"small again\n", 5, "the new file")


@pytest.mark.parametrize("through", WAYS, ids="-".join)
def test_a_client_that_goes_away_costs_nothing(site, large, through):
    root, data = large
    way = site(*through, root)
    for _ in range(8):
        with way.connect() as connection:
            connection.send("/static/large.bin")
            connection._more()
    answer = way.get("large.bin", range="bytes=16-31")
    assert (answer.status, answer.body) == (206, data[16:32])


def test_a_live_file_that_is_replaced_has_a_new_tag(site, work, front):
    root = work.fresh("root")
    write(root / "x.txt", b"one")
    way = site(front, "body", root)
    before = way.get("x.txt")
    write(root / "next", b"two")
    (root / "next").rename(root / "x.txt")
    os.utime(root / "x.txt", (OLD + 10, OLD + 10))
    wait_until(lambda: way.get("x.txt").body == b"two", 3, "the new file")
    answer = way.ask("/static/x.txt", headers={"If-None-Match": before["ETag"]})
    assert answer.status == 200
    assert answer["ETag"] != before["ETag"]


def test_a_new_file_is_found_and_a_removed_one_is_404(site, work, front):
    root = work.fresh("root")
    write(root / "x.txt", b"x")
    way = site(front, "body", root)
    assert way.get("new.txt").status == 404
    write(root / "new.txt", b"new")
    wait_until(lambda: way.get("new.txt").status == 200, 3, "the new file")
    (root / "new.txt").unlink()
    wait_until(lambda: way.get("new.txt").status == 404, 3, "its removal")


# Siblings: mtime and size relative to their source, and whether they count without prepare.
SIBLINGS = {
    "as old as its source": (OLD, brotli.compress(TEXT), True),
    "newer than its source": (OLD + 100, brotli.compress(TEXT), True),
    "older than its source": (OLD - 100, brotli.compress(TEXT), False),
    "larger than its source": (OLD, b"x" * (len(TEXT) + 1), False),
    "as large as its source": (OLD, b"x" * len(TEXT), False),
    "still being written": (None, brotli.compress(TEXT), False),
}


@pytest.mark.parametrize("case", SIBLINGS)
def test_a_sibling_counts_when_it_is_smaller_and_not_older(site, work, front, case):
    mtime, data, counts = SIBLINGS[case]
    root = work.fresh("root")
    write(root / "x.css", TEXT)
    way = site(front, "body", root)
    write(root / "x.css.br", data, time.time() if mtime is None else mtime)
    answer = way.get("x.css", accept_encoding="br")
    assert answer.status == 200
    assert (answer["Content-Encoding"] == "br") == counts
    assert answer.body == (data if counts else TEXT)


def test_a_sibling_that_is_no_file_is_not_used(site, work, front):
    root = work.fresh("root")
    write(root / "x.css", TEXT)
    os.mkfifo(root / "x.css.br")
    (root / "x.css.gz").symlink_to("/etc/hostname")
    way = site(front, "body", root)
    answer = way.ask("/static/x.css", headers={"Accept-Encoding": "br, gzip"}, timeout=5)
    assert (answer.status, answer.body) == (200, TEXT)
    assert answer["Content-Encoding"] is None


@pytest.mark.parametrize("hashed", ["x.css.br", "x.css.{digest}.br"], ids=["itself", "hashed"])
def test_a_sibling_that_a_manifest_lists_is_content(site, work, front, hashed):
    root = work.fresh("root")
    data = brotli.compress(TEXT)
    hashed = hashed.format(digest=hashlib.md5(data).hexdigest()[:12])
    for name in ("x.css.br", hashed):
        write(root / name, data)
    write(root / "x.css", TEXT)
    paths = {"x.css": "x.css", "x.css.br": hashed}
    write(root / "staticfiles.json", json.dumps({"paths": paths, "version": "1.0"}).encode())
    way = site(front, "body", root)
    assert way.get("x.css.br").body == data
    assert way.get("x.css", accept_encoding="br")["Content-Encoding"] is None
