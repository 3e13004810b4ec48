"""Clients of a soak, each kind a process of its own, and what the kernel says of the workers.

usage: soak.py KIND ARGUMENTS    (one JSON object; used by test_soak.py)

hostile     connections to the socket of `serve` that no web server would make
ordinary    requests through Apache, each of whose answers is judged
Each ends by itself and prints one JSON object: what was done, and what was wrong.
"""

import array
import hashlib
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress

import client
import fastcgi
from fastcgi import GET_VALUES, PARAMS, STDIN, begin, get_values, head, pairs, record, usual

FAULTS_TOLD = 20

# ---- hostile ----

PARAMETERS = pairs(usual("/static/data.json"))
GET = begin(True) + fastcgi.stream(PARAMS, PARAMETERS) + record(STDIN)
BIG = head(usual("/static/big.bin"), True) + record(STDIN)
POST = head(usual("/static/data.json", REQUEST_METHOD="POST", CONTENT_LENGTH="1000"), True)
NOISE = random.Random(1).randbytes(4096)
TOO_LARGE = begin() + record(PARAMS, bytes(60000)) * 3
PASSED = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [2] * 20))]

# What is sent, and how many bytes of an answer are waited for; None: the end of the connection.
SENT = {
    "nothing": (b"", 0),
    "half a record header": (GET[:4], 0),
    "half a head": (GET[:100], 0),
    "a head without its end": (head(usual("/static/data.json"))[:-8], 0),
    "a request whose answer is not read": (GET, 0),
    "five requests of which the first is read": (GET * 5, 8),
    "a large body that is not read": (BIG, 0),
    "a large body of which a part is read": (BIG, 100_000),
    "a part of a body": (POST + record(STDIN, b"x" * 300), 8),
    "half a record of a body": (POST + record(STDIN, b"x" * 300)[:100], 8),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", None),
    "noise": (NOISE, None),
    "a length that lies": (begin() + fastcgi.stream(PARAMS, b"\xff" * 8 + b"ab"), None),
    "a NUL": (begin() + fastcgi.stream(PARAMS, PARAMETERS + b"\x01\x01A\0"), None),
    "a head that is too large": (TOO_LARGE, None),
    "two requests in one": (begin(True, 1) + begin(True, 2), None),
    "another role": (begin(role=2), 16),
    "an abort": (record(fastcgi.ABORT), 0),
    "a question for values": (get_values("FCGI_MAX_CONNS", "FCGI_MPXS_CONNS"), 8),
    "a question for the status": (get_values("HANDBACK_STATUS"), 8),
    "broken names of values": (record(GET_VALUES, b"\x7f\xffX", 0), 8),
    "an unknown management record": (record(99, b"", 0), 16),
}
ENDS = ["close", "close", "half-close", "descriptors"]


def receive(link, wanted):
    """Up to so many bytes of what comes back, or all of it."""
    while wanted is None or wanted > 0:
        piece = link.recv(65536)
        if not piece:
            return
        wanted = wanted and wanted - len(piece)


def harm(address, data, wanted, how):
    """One hostile connection. Whatever is done to it is right, but it must not hang."""
    with fastcgi.connect(address, 30) as link, suppress(ConnectionError):
        if how == "descriptors" and 0 < len(data) < 1000:
            link.sendmsg([data], PASSED)
        else:
            link.sendall(data)
        receive(link, wanted)
        if how == "half-close":
            link.shutdown(socket.SHUT_WR)


def hostile(address, count, rate=None, seed=0):
    """`count` connections, at most `rate` of them a second; None: as fast as they are taken."""
    rng, began = random.Random(seed), time.monotonic()
    faults, names = Counter(), list(SENT)
    for number in range(count):
        what, how = names[number % len(names)], rng.choice(ENDS)
        try:
            harm(address, *SENT[what], how)
        except OSError as error:
            faults[f"{what}, {how}: {error!r}"] += 1
        if rate:
            time.sleep(max(0, began + number / rate - time.monotonic()))
    return {"connections": count, "faults": list(faults.items())[:FAULTS_TOLD]}


# ---- ordinary ----


def digest(data):
    return hashlib.blake2b(data).hexdigest()


def judge(answer, case):
    """What is wrong with the answer, in a few words; None: nothing."""
    if answer.status != case["status"]:
        return f"{case['target']}: {answer.status} for {case['status']}"
    name, value = case["field"]
    if answer[name] != value:
        return f"{case['target']}: {name} {answer[name]!r} for {value!r}"
    if case["digest"] not in (None, digest(answer.body)):
        return f"{case['target']}: another body, of {len(answer.body)} bytes"
    return None


class Asker:
    """Asks on one kept connection, as a browser does, and connects anew when it is closed."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def ask(self, case, pause=None):
        self.connection = self.connection or client.Connection(self.port, timeout=60)
        try:
            if pause:
                self.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            self.connection.send(case["target"], case["method"], case["headers"], close=bool(pause))
            if pause:
                read_slowly(self.connection, *pause)
            answer = self.connection.receive()
        except (OSError, AssertionError) as error:
            self.connection = None
            return f"{case['target']}: {error!r}"
        if answer["Connection"] == "close":
            self.connection = None
        return judge(answer, case)


def read_slowly(connection, size, seconds):
    """Takes `size` bytes of an answer in pieces, over so many seconds."""
    steps = 20
    for _ in range(steps):
        time.sleep(seconds / steps)
        goal = len(connection.held) + size // steps
        while len(connection.held) < goal:
            piece = connection.socket.recv(min(65536, goal - len(connection.held)))
            if not piece:
                return  # torn: who reads on will see it
            connection.held += piece


def ask_until(end, port, cases, pause, done, faults):
    asker = Asker(port)
    for case in itertools.cycle(cases):
        if time.monotonic() >= end:
            return
        fault = asker.ask(case, pause)
        done.append(case["status"])
        if fault:
            faults.append((time.time(), fault))


def ordinary(port, cases, seconds, threads, secret, pause=None, seed=0):
    """Threads that ask for all cases in turn; with `pause` (bytes, seconds) they read slowly."""
    client.WATCH.forbid(secret)
    end, done, faults, rng = time.monotonic() + seconds, [], [], random.Random(seed)
    running = []
    for _ in range(threads):
        mixed = rng.sample(cases, len(cases))
        running.append(threading.Thread(target=ask_until,
                                        args=(end, port, mixed, pause, done, faults)))
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return {"requests": Counter(done), "wrong": len(faults), "faults": faults[:FAULTS_TOLD]}


# ---- a process for each ----

KINDS = {"hostile": hostile, "ordinary": ordinary}


def spawn(kind, **arguments):
    text = json.dumps(arguments, default=str)
    return subprocess.Popen([sys.executable, __file__, kind, text], stdout=subprocess.PIPE)


def results(processes, seconds):
    """What they print, when all have ended."""
    end = time.monotonic() + seconds
    found = []
    for process in processes:
        out, _ = process.communicate(timeout=max(1, end - time.monotonic()))
        assert process.returncode == 0, process.args[:3]
        found.append(json.loads(out))
    return found


# ---- what the kernel says of a process ----


def private_memory(pid):
    """KB that belong to this process alone; what it shares with its master does not count."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


def descriptor_kinds(pid):
    """How many descriptors of each kind a process has; those of files by their names."""
    kinds = Counter()
    for number in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):  # closed meanwhile
            name = os.readlink(f"/proc/{pid}/fd/{number}")
            kinds[name.partition(":[")[0]] += 1
    return kinds


def main():
    kind, arguments = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(KINDS[kind](**arguments)))


if __name__ == "__main__":
    main()
