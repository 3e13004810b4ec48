"""Files that the web server could not open, or not under the path that the program knows."""

import os
import shutil

import pytest

from django_site import write
from harness import Apache, Serve, defines

TEXT = b"for everybody who asks\n" * 100
OTHER_USER = "nobody"
as_root = pytest.mark.needs_root("it starts the program as another user than Apache")


def ask_in_turn(apache, *names):
    for name in names:
        for method in ("GET", "HEAD", "GET"):
            answer = apache.ask(f"/static/{name}", method=method)
            assert answer.status == 200
            assert answer.body == (TEXT if method == "GET" else b"")
            assert int(answer["Content-Length"]) == len(TEXT)


def beside(work, root, serve):
    return Apache(work, defines("proxy", "x-sendfile", root, serve=serve))


@as_root
@pytest.mark.parametrize("closed", ["its file", "its root", "what its root lies in"])
def test_what_is_not_for_others_is_sent_by_the_program_and_said_once(work, closed):
    """Apache, another user than the program, would answer 404."""
    above = work.fresh("above")
    root = above / "root"
    write(root / "a.txt", TEXT)
    place = {"its file": root / "a.txt", "its root": root, "what its root lies in": above}[closed]
    for path in (above, root, root / "a.txt"):
        shutil.chown(path, OTHER_USER)
    place.chmod(0o600 if place.is_file() else 0o700)
    with Serve(work, "--socket-mode", "0666", root=root, user=OTHER_USER) as serve:
        with beside(work, root, serve) as apache:
            ask_in_turn(apache, "a.txt")
            said = apache.log() + serve.stderr()
            assert said.count("HB0045") == 1
            assert "chmod" in said


@as_root
def test_what_is_for_others_is_handed_back_whoever_owns_it(work):
    root = work.fresh("root")
    write(root / "a.txt", TEXT)
    shutil.chown(root / "a.txt", OTHER_USER)
    with Serve(work, "--socket-mode", "0666", root=root, user=OTHER_USER) as serve:
        with beside(work, root, serve) as apache:
            ask_in_turn(apache, "a.txt")
            assert "HB0045" not in apache.log() + serve.stderr()


def test_a_name_that_mod_xsendfile_would_read_otherwise_is_sent_by_the_program(work, front):
    root = work.fresh("root")
    names = {"read me.txt": "read%20me.txt", "\u00e9t\u00e9.txt": "%C3%A9t%C3%A9.txt",
             "100%25.txt": "100%2525.txt", "a'b\"c.txt": "a%27b%22c.txt"}
    for name in names:
        write(root / name, TEXT)
    with Serve(work, root=root) as serve:
        with Apache(work, defines(front, "x-sendfile", root, serve=serve)) as apache:
            ask_in_turn(apache, *names.values())
            said = apache.log() + serve.stderr()
            # A process of its own for each request remembers nothing.
            expected = 2 * len(names) if front == "cgi" else len(names)
            assert said.count("HB0045") == expected, said


def test_the_server_is_told_the_path_under_which_it_sees_the_root(work):
    """As in a container: Apache may send from `seen` alone, which the program does not know."""
    root, seen = work.fresh("root"), work.fresh("seen") / "files"
    write(root / "css/a.css", TEXT)
    os.symlink(root, seen)
    with Serve(work, root=root, HANDBACK_DELIVERY_ROOT=seen) as serve:
        with beside(work, seen, serve) as apache:
            answer = apache.ask("/static/css/a.css")
            assert (answer.status, answer.body) == (200, TEXT)
            assert "HB0045" not in apache.log() + serve.stderr()
    with Serve(work, root=root) as serve, beside(work, seen, serve) as apache:
        assert apache.ask("/static/css/a.css").status == 404  # so it is a hand-back above
