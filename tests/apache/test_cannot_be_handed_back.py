"""Files that the web server could not open, or not under the path that the program knows."""

import hashlib
import os
import shutil

import pytest

from django_site import write
from harness import CGIS, Apache, Serve, defines, virtual_host

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


def other_serve(work, root):
    """One worker: each says what it has to say once."""
    return Serve(work, "--workers", 1, "--socket-mode", "0666", root=root, user=OTHER_USER)


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
    with other_serve(work, root) as serve:
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
    with other_serve(work, root) as serve:
        with beside(work, root, serve) as apache:
            ask_in_turn(apache, "a.txt")
            assert "HB0045" not in apache.log() + serve.stderr()


def test_a_name_that_mod_xsendfile_would_read_otherwise_is_sent_by_the_program(work, front):
    root = work.fresh("root")
    names = {"read me.txt": "read%20me.txt", "\u00e9t\u00e9.txt": "%C3%A9t%C3%A9.txt",
             "100%25.txt": "100%2525.txt", "a'b\"c.txt": "a%27b%22c.txt"}
    for name in names:
        write(root / name, TEXT)
    with Serve(work, "--workers", 1, root=root) as serve:
        with Apache(work, defines(front, "x-sendfile", root, serve=serve)) as apache:
            ask_in_turn(apache, *names.values())
            said = apache.log() + serve.stderr()
            # A process of its own for each request remembers nothing.
            expected = 2 * len(names) if front in CGIS else len(names)
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


@pytest.mark.parametrize("page", ["", "ErrorDocument 404 /gone.html"], ids=["", "a page"])
def test_what_apache_may_not_send_is_a_404_that_no_cache_keeps(work, front, page):
    """As when a file vanishes after the program has looked: Apache may send from elsewhere."""
    root, elsewhere, pages = work.fresh("root"), work.fresh("elsewhere"), work.fresh("pages")
    name = f"a.{hashlib.md5(TEXT).hexdigest()[:12]}.txt"
    write(root / name, TEXT)
    write(pages / "gone.html", b"gone, with the file's own caching")
    site = (f"DocumentRoot {pages}\n{page}\n"
            f"<Directory {pages}>\nRequire all granted\n</Directory>\n"
            f"FcgidInitialEnv STATIC_ROOT {root}\n"
            f'<Location "/static/">\nSetEnv STATIC_ROOT {root}\n</Location>\n')
    with Serve(work, root=root) as serve:
        lines = defines(front, "x-sendfile", elsewhere, serve=serve)
        with Apache(work, virtual_host("a", lines, site)) as apache:
            answer = apache.ask(f"/static/{name}", "a")
            assert answer.status == 404
            assert "no-store" in answer["Cache-Control"].split(", ")
            assert b"gone" not in answer.body


@as_root
def test_a_closed_directory_below_the_root_is_closed_too(work):
    """What umask 027 leaves: files for everybody in directories that are not."""
    root = work.fresh("root")
    write(root / "sub/dir/a.txt", TEXT)
    for path in (root, root / "sub", root / "sub/dir", root / "sub/dir/a.txt"):
        shutil.chown(path, OTHER_USER)
    (root / "sub").chmod(0o750)
    with other_serve(work, root) as serve:
        with beside(work, root, serve) as apache:
            ask_in_turn(apache, "sub/dir/a.txt")
            assert (apache.log() + serve.stderr()).count("HB0045") == 1


@as_root
def test_a_root_behind_a_link_is_closed_where_it_leads(work):
    above = work.fresh("above")
    link = work.fresh("link") / "root"
    write(above / "root/a.txt", TEXT)
    os.symlink(above / "root", link)
    for path in (above, above / "root", above / "root/a.txt"):
        shutil.chown(path, OTHER_USER)
    above.chmod(0o700)
    with other_serve(work, link) as serve:
        with beside(work, link, serve) as apache:
            ask_in_turn(apache, "a.txt")
            assert (apache.log() + serve.stderr()).count("HB0045") == 1
