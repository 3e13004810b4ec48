"""The listening socket of `handback serve`: where it may be, who may use it, whose file it is."""

import grp
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import fastcgi
from harness import Serve, as_server, free_port, own, wait_until


def refused(work, listen, *options):
    """What `serve` says when it cannot listen there."""
    serve = Serve(work, *options, root="/nowhere")
    serve.command[3] = str(listen)
    serve.spawn()
    assert serve.process.wait(10) == 2
    return serve.stderr().splitlines()[-1]  # perhaps behind a warning


def listener(path):
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(8)
    os.chmod(path, 0o666)
    return listening


# Mode and group


@pytest.mark.parametrize("option, mode", [(None, 0o660), ("0600", 0o600), ("0666", 0o666)])
def test_the_socket_has_the_mode_that_was_asked_for(work, project, option, mode):
    options = [] if option is None else ["--socket-mode", option]
    with Serve(work, *options, root=project.root) as serve:
        assert stat.S_IMODE(serve.address.stat().st_mode) == mode


@pytest.mark.needs_root("to be a member of several groups")
def test_the_socket_has_the_group_that_was_asked_for(work, project):
    serve = Serve(work, "--socket-group", "daemon", root=project.root)
    wanted = grp.getgrnam("daemon").gr_gid
    with open(serve.stderr_path, "ab") as stderr:
        user = as_server() | {"extra_groups": [wanted]}
        serve.process = subprocess.Popen(serve.command, env=serve.environment, stderr=stderr,
                                         stdin=subprocess.DEVNULL, cwd="/", **user)
    try:
        wait_until(serve.answers, what="serve: listening")
        assert serve.address.stat().st_gid == wanted
    finally:
        serve.stop()


def test_a_group_that_is_not_there_is_named(work):
    serve = Serve(work, "--socket-group", "nobodys-group", root="/nowhere").spawn()
    assert serve.process.wait(10) == 2
    assert "HB0060" in serve.stderr() and "nobodys-group" in serve.stderr()
    assert not serve.address.exists(), "no socket with other rights stays behind"


@pytest.mark.needs_root("to start a program as another user")
def test_a_group_of_others_is_refused_and_named(work):
    serve = Serve(work, "--socket-group", "root", root="/nowhere").spawn()
    assert serve.process.wait(10) == 2
    assert "HB0060" in serve.stderr() and "group root" in serve.stderr()
    assert not serve.address.exists()


# Places


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1", "127.0.0.1:", ":9000",
                                    "127.0.0.1:0", "127.0.0.1:99999"])
def test_what_is_no_address_is_refused_with_both_forms(work, listen):
    line = refused(work, listen)
    assert "HB0060" in line and listen in line
    assert "unix:PATH" in line and "HOST:PORT" in line


@pytest.mark.parametrize("listen", ["unix:", "unix:/nowhere/at/all/socket",
                                    "no.such.host.invalid:9000", "[::1:9000", "192.0.2.1:9000",
                                    "127.0.0.1:no-such-service"])
def test_what_cannot_be_listened_on_is_refused_and_named(work, listen):
    line = refused(work, listen)
    assert "HB0060" in line and listen.removeprefix("unix:") in line


def test_a_path_that_is_too_long_is_refused_with_the_bound(work):
    home = work.fresh("long")
    own(home)
    room = 107 - len(os.fsencode(home)) - 1
    assert "107" in refused(work, f"unix:{home}/{'s' * (room + 1)}")
    serve = Serve(work, listen=home / ("s" * room), root="/nowhere")
    with serve:
        assert serve.address.exists(), "the longest one is taken"


def test_a_missing_directory_is_named(work):
    home = work.fresh("places")
    line = refused(work, f"unix:{home}/missing/socket")
    assert "HB0060" in line and f"{home}/missing" in line and "directory" in line


@pytest.mark.needs_root("to start a program as another user")
def test_a_directory_of_others_is_refused(work):
    home = work.fresh("places")
    line = refused(work, f"unix:{home}/socket")
    assert "HB0060" in line and str(home) in line and "ermission" in line


@pytest.mark.parametrize("kind", ["file", "directory", "link to a file"])
def test_what_is_no_socket_stays_where_it_is(work, kind):
    home = work.fresh("places")
    own(home)
    path = home / "socket"
    if kind == "directory":
        path.mkdir()
    else:
        (home / "file").write_text("precious\n")
        (home / "file").rename(path) if kind == "file" else path.symlink_to("file")
    line = refused(work, f"unix:{path}")
    assert "HB0060" in line and str(path) in line
    assert path.is_dir() if kind == "directory" else path.read_text() == "precious\n"


# Directories that anybody may write to


@pytest.fixture
def elsewhere():
    """A directory that is not below a temporary one."""
    path = Path(tempfile.mkdtemp(prefix="handback-test-", dir="/run"))
    path.chmod(0o755)
    own(path)
    yield path
    shutil.rmtree(path)


def test_a_socket_below_a_temporary_directory_is_warned_of(work, project):
    with Serve(work, root=project.root) as serve:
        assert serve.answers_well()
        line, = [line for line in serve.stderr().splitlines() if "HB0071" in line]
        assert str(serve.address) in line


@pytest.mark.needs_root("to make a directory below /run")
@pytest.mark.parametrize("place, warned", [
    ("socket", False),
    ("tmp/socket", False),
    ("temporary/socket", True),
    ("temporary/deeper/socket", True),
    ("temporary-not/socket", False),
])
def test_a_socket_elsewhere_is_warned_of_below_tmpdir_alone(elsewhere, work, project, place,
                                                            warned):
    path = elsewhere / place
    own(path.parent)
    with Serve(work, listen=path, root=project.root, TMPDIR=elsewhere / "temporary") as serve:
        assert serve.answers_well()
        assert ("HB0071" in serve.stderr()) == warned, serve.stderr()


# Whose file it is


def test_a_second_serve_on_a_live_socket_is_an_error(work, project):
    with Serve(work, root=project.root) as first:
        assert "HB0061" in refused(work, f"unix:{first.address}")
        assert first.answers_well(), "and the first is not disturbed"


def test_a_live_socket_of_somebody_else_is_not_taken(work):
    path = work.fresh("places") / "socket"
    own(path.parent)
    with listener(path) as somebody:
        assert "HB0061" in refused(work, f"unix:{path}")
        with fastcgi.connect(path):
            assert somebody.accept()


def test_a_socket_of_another_kind_is_not_taken(work):
    path = work.fresh("places") / "socket"
    own(path.parent)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as somebody:
        somebody.bind(str(path))
        os.chmod(path, 0o777)
        inode = path.stat().st_ino
        assert "HB0061" in refused(work, f"unix:{path}")
        assert path.stat().st_ino == inode


def test_a_socket_of_others_that_may_not_be_connected_to_is_not_taken(work):
    """Whether it is live cannot be known then, so it counts as live."""
    path = work.fresh("places") / "socket"
    own(path.parent)
    with listener(path):
        os.chmod(path, 0)
        inode = path.stat().st_ino
        line = refused(work, f"unix:{path}")
        assert str(path) in line
        assert path.stat().st_ino == inode


def stale(work):
    path = work.fresh("places") / "socket"
    own(path.parent)
    listener(path).close()
    return path


def test_a_stale_socket_file_is_taken_over(work, project):
    path = stale(work)
    serve = Serve(work, listen=path, root=project.root)
    with serve:
        assert serve.answers_well()


def test_of_two_that_start_at_once_on_a_stale_file_one_gets_it(work, project):
    for _ in range(10):
        path = stale(work)
        rivals = [Serve(work, listen=path, root=project.root, program=work.release)
                  for _ in range(2)]
        for serve in rivals:
            # Both are up and wait for a line, so that they start at the same moment.
            command = ["sh", "-c", 'read -r go; exec "$@" </dev/null', "sh", *serve.command]
            with open(serve.stderr_path, "ab") as stderr:
                serve.process = subprocess.Popen(command, env=serve.environment, stderr=stderr,
                                                 stdin=subprocess.PIPE, cwd="/", **as_server())
            work.spawned.append(serve.process)
        time.sleep(0.02)
        for serve in rivals:
            serve.process.stdin.write(b"go\n")
            serve.process.stdin.close()
        wait_until(lambda: [s for s in rivals if s.process.poll() is not None], 5, "a loser")
        loser, = [serve for serve in rivals if serve.process.poll() is not None]
        winner, = [serve for serve in rivals if serve is not loser]
        assert loser.process.returncode == 2
        assert "HB0061" in loser.stderr(), loser.stderr()
        wait_until(winner.answers, 5, "the winner: listening")
        assert winner.answers_well()
        assert winner.stop() == 0
        assert os.listdir(path.parent) == [], "nothing stays behind"


def test_the_socket_file_is_removed_at_the_end(work, project):
    serve = Serve(work, root=project.root).start()
    assert serve.stop() == 0
    assert not serve.address.exists()


def test_the_socket_file_of_a_successor_is_not_removed(work, project):
    first = Serve(work, root=project.root).start()
    first.address.unlink()
    with Serve(work, listen=first.address, root=project.root) as second:
        assert first.stop() == 0
        assert second.answers_well()


# Hosts and ports


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


LOOPBACKS = ("127.0.0.1", "127.0.0.2", "::1")


@pytest.mark.parametrize("host", LOOPBACKS)
def test_a_host_and_port_binds_what_it_names_alone(work, project, host):
    port = free_port()
    if host == "::1" and not has_ipv6():
        line = refused(work, f"[::1]:{port}")
        assert "HB0060" in line and "[::1]" in line
        return
    with Serve(work, listen=(host, port), root=project.root) as serve:
        assert serve.answers_well()
        for other in LOOPBACKS:
            if other != host:
                with pytest.raises(OSError):
                    fastcgi.connect((other, port), 2).close()


def test_all_ipv6_addresses_are_not_those_of_ipv4(work, project):
    port = free_port()
    if not has_ipv6():
        assert "HB0060" in refused(work, f"[::]:{port}")
        return
    serve = Serve(work, listen=("::", port), root=project.root).spawn()
    serve.address = ("::1", port)
    try:
        wait_until(serve.answers, what="serve: listening")
        assert serve.answers_well()
        with pytest.raises(OSError):
            fastcgi.connect(("127.0.0.1", port), 2).close()
    finally:
        serve.stop()


def test_a_host_may_be_a_name(work, project):
    with Serve(work, listen=("localhost", free_port()), root=project.root) as serve:
        assert serve.answers_well()


def test_a_port_that_is_taken_is_refused(work):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen(1)
        port = taken.getsockname()[1]
        line = refused(work, f"127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in line
    assert "HB0061" in line or "in use" in line


def test_a_port_is_free_for_a_successor_at_once(work, project):
    """Though connections of the one before have just been closed."""
    address = ("127.0.0.1", free_port())
    for _ in range(2):
        with Serve(work, listen=address, root=project.root) as serve:
            with fastcgi.open_kept(address):
                assert serve.stop() == 0
