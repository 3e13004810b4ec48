"""The program as a web server starts it: once for each request, or with a listening socket."""

import os
import socket
import subprocess
import time

import fastcgi
from figures import Cost, WrongAnswer


def cgi(program, site, index):
    """One GET of a name by a process of its own: what it cost, and its answer.

    The time is from before the start to the end of the process, whose output has been read.
    """
    environment = {**site.settings(), **fastcgi.usual(f"/static/{site.name(index)}")}
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
               (os.POSIX_SPAWN_DUP2, writer, 1)]
    begin = time.perf_counter()
    pid = os.posix_spawn(program, [program], environment, file_actions=actions)
    os.close(writer)
    output = read_to_the_end(reader)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    if status != 0:
        raise WrongAnswer(f"wait status {status} for {site.name(index)}")
    return Cost(wall, usage.ru_utime + usage.ru_stime), output


def read_to_the_end(descriptor):
    pieces = []
    while piece := os.read(descriptor, 65536):
        pieces.append(piece)
    os.close(descriptor)
    return b"".join(pieces)


def answer_by_cgi(program, site, index):
    """The cost of a right answer."""
    cost, output = cgi(program, site, index)
    try:
        reply = fastcgi.parse(output)
    except AssertionError as error:
        raise WrongAnswer(str(error)) from error
    judge(site, index, reply)
    return cost


def judge(site, index, reply):
    fault = site.judge(index, reply)
    if fault is not None:
        raise WrongAnswer(fault)


def ask_for_some(address, site, indices):
    """One after another, each on a connection of its own."""
    for index in indices:
        try:
            reply = fastcgi.ask(address, fastcgi.usual(f"/static/{site.name(index)}"))
        except (OSError, AssertionError) as error:
            raise WrongAnswer(f"{error!r} for {site.name(index)}") from error
        judge(site, index, reply)


class Responder:
    """The program as mod_fcgid starts it, with a listening socket on descriptor 0."""

    def __init__(self, program, site, home, identity):
        self.program, self.site, self.address = program, site, home / "socket"
        self.stderr, self.identity = home / "stderr", identity

    def __enter__(self):
        with socket.socket(socket.AF_UNIX) as listener, open(self.stderr, "wb") as stderr:
            listener.bind(str(self.address))
            listener.listen(64)
            self.process = subprocess.Popen(
                [self.program], env=self.site.settings(), stdin=listener.fileno(), stderr=stderr,
                stdout=subprocess.DEVNULL, cwd="/", **self.identity)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
