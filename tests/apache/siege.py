"""A siege: connections that wait in every way there is, on one worker of a few threads, and new
requests that want their answer meanwhile.

    with Place(work, project) as place, Siege(place, Numbers()) as siege:
        took = new_requests(place, seconds=2)
        siege.check_it_stands()
        siege.lift()
"""

import hashlib
import os
import resource
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property

import fastcgi
from django_site import Project, noise, write
from harness import Apache, Serve, defines, url_of, wait_until

LARGE = 20_000_000
POSTED = 1000
APACHE_THREADS = 128


@dataclass
class Numbers:
    idle: int = 500  # answered once, and kept
    silent: int = 300  # nothing was ever sent
    half: int = 60  # half a head
    slow: int = 40  # POSTs through Apache that send one byte of their body
    dripping: int = 40  # POSTs directly, that send a byte of their body now and then
    stalled: int = 50  # readers of a large body who have read its beginning

    @property
    def connections(self):
        return sum(vars(self).values())


@dataclass
class Case:
    """A request, and what must come back."""

    status: int
    target: str
    body: bytes
    field: tuple
    method: str = "GET"
    headers: tuple = ()

    def params(self):
        named = {"HTTP_" + k.upper().replace("-", "_"): v for k, v in self.headers}
        return fastcgi.usual(self.target, REQUEST_METHOD=self.method, **named)

    @cached_property
    def digest(self):
        return hashlib.blake2b(self.body).digest()

    def message(self, keep=True):
        return fastcgi.head(self.params(), keep) + fastcgi.stream(fastcgi.STDIN, b"")

    def judge(self, status, headers, body):
        name, value = self.field
        assert (status, headers.get(name)) == (self.status, value), (self.target, status, headers)
        assert body == self.body, (self.target, len(body))

    def judge_reply(self, reply):
        self.judge(int(reply.status[:3]), reply.headers, reply.body)


class Place:
    """A site of its own: one `serve` of one worker, behind an Apache with mod_proxy_fcgi."""

    def __init__(self, work, project, log=False, program=None, threads=4):
        home = work.fresh("besieged")
        shutil.copytree(project.home, home, dirs_exist_ok=True)
        own = Project(home)
        self.root = own.root
        write(self.root / "large.bin", noise(LARGE, 4))
        self.large, self.medium = self._body(own, "large.bin"), self._body(own, "big.bin")
        self.cases = self._cases(own)
        self.serve = Serve(work, "--workers", 1, "--threads", threads, root=self.root,
                           program=program)
        if log:
            self.serve.command += ["--log", str(self.serve.home / "log")]
        # A slow POST holds a thread of Apache for as long as it lasts.
        room = f"ThreadsPerChild {APACHE_THREADS // 2}\nMaxRequestWorkers {APACHE_THREADS}\n"
        self.apache = Apache(work, room + defines("proxy", serve=self.serve), program=program)

    @staticmethod
    def _body(project, name):
        data = project.bytes_of(name)
        return Case(200, url_of(name), data, ("content-length", str(len(data))))

    @staticmethod
    def _cases(project):
        """A small hashed file, and the three other things that are asked for most."""
        name = project.manifest()["css/site.css"]
        target, tag = url_of(name), '"' + name.split(".")[-2] + '"'
        data = project.bytes_of("css/site.css")
        return [
            Case(200, target, data, ("cache-control", "max-age=315360000, public, immutable")),
            Case(304, target, b"", ("etag", tag), headers=(("If-None-Match", tag),)),
            Case(404, "/static/nothing.css", b"404 Not Found\n", ("cache-control", "no-store")),
            Case(200, target, b"", ("content-length", str(len(data))), method="HEAD"),
        ]

    def worker(self):
        pid, = self.serve.workers()
        return pid

    def connect(self):
        return fastcgi.connect(self.serve.address)

    def __enter__(self):
        self.serve.start()
        self.apache.start()
        return self

    def __exit__(self, *_):
        self.apache.stop()
        self.serve.stop()


def by_fastcgi(place, case):
    reply = fastcgi.ask(place.serve.address, case.params())
    return int(reply.status[:3]), reply.headers, reply.body


def by_apache(place, case):
    answer = place.apache.ask(case.target, method=case.method, headers=case.headers)
    return answer.status, {name.lower(): value for name, value in answer.headers}, answer.body


WAYS = {"FastCGI": by_fastcgi, "Apache": by_apache}


def new_requests(place, seconds):
    """Asks on new connections, one after another and each way in turn, and judges every answer.

    Returns the seconds that each took, from before connect to after the last byte, by way.
    """
    took = {way: [] for way in WAYS}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for case in place.cases:
            for way, ask in WAYS.items():
                began = time.perf_counter()
                answer = ask(place, case)
                took[way].append(time.perf_counter() - began)
                case.judge(*answer)
    return took


def descriptors(pid):
    """What the descriptors of a process stand for, as the kernel names it."""
    names = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):  # closed meanwhile
            names.append(os.readlink(f"/proc/{pid}/fd/{number}"))
    return names


def rest_of_body(reader, first):
    """Reads on to the end of an answer whose first record was read. Returns the body's digest."""
    digest = hashlib.blake2b(first.partition(b"\r\n\r\n")[2])
    while True:
        kind, _, content = reader.next()
        if kind == fastcgi.END:
            return digest.digest()
        if kind == fastcgi.STDOUT:
            digest.update(content)


class Siege:
    def __init__(self, place, numbers):
        self.place, self.numbers = place, numbers
        self.stack = ExitStack()
        self.over = threading.Event()
        self.dripper = threading.Thread(target=self._drip)
        self.drips = 0

    def __enter__(self):
        with self.stack:
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            # Ours alone: the program is running already, and has to see to its own.
            resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
            self.stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
            self._build()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _build(self):
        small, numbers = self.place.cases[0], self.numbers
        self.idle = [self._connect() for _ in range(numbers.idle)]
        self._ask(self.idle)
        self.silent = [self._connect() for _ in range(numbers.silent)]
        # How much waits for a reader is the sender's SO_SNDBUF: the socket is a unix socket.
        self.stalled = [self._connect(self.place.large.message()) for _ in range(numbers.stalled)]
        self.begun = [reader.next()[2] for reader in self.stalled]
        self.slow = [self._post() for _ in range(numbers.slow)]
        self.dripping = [self._post_directly() for _ in range(numbers.dripping)]
        self.dripper.start()
        self.stack.callback(self._stop_dripping)
        # Last: half a head is dropped after five seconds.
        message = small.message()
        self.middle = len(message) // 2
        self.half = [self._connect(message[: self.middle]) for _ in range(numbers.half)]
        with suppress(TimeoutError):
            wait_until(lambda: not self.missing(), 4)
        self.check_it_stands()

    def _connect(self, message=b""):
        link = self.stack.enter_context(self.place.connect())
        link.sendall(message)
        return fastcgi.Records(link)

    def _post(self):
        post = self.stack.enter_context(self.place.apache.connect())
        post.send(self.place.cases[0].target, method="POST",
                  headers={"Content-Length": str(POSTED)})
        return post

    def _post_directly(self):
        params = fastcgi.usual(self.place.cases[0].target, REQUEST_METHOD="POST",
                               CONTENT_LENGTH=str(POSTED))
        reader = self._connect(fastcgi.head(params, keep=True))
        assert reader.reply().status[:3] == "405"
        return reader

    def _drip(self):
        byte = fastcgi.record(fastcgi.STDIN, b"x")
        while not self.over.wait(0.2):
            self.drips += 1
            with suppress(OSError):  # who was refused does not stand, and has no answer
                for reader in self.dripping:
                    reader.link.sendall(byte)
                # Once: at a second byte Apache would take the answer, and use the connection
                # for others.
                for post in self.slow if self.drips == 3 else []:
                    post.socket.sendall(b"x")

    def _stop_dripping(self):
        self.over.set()
        self.dripper.join()

    def missing(self):
        """What the kernel and the program itself say is not there, of what should wait now."""
        numbers = self.numbers
        held = descriptors(self.place.worker())
        says = self.place.serve.status()["connections"]
        there = {
            "sockets": (sum(name.startswith("socket:") for name in held), numbers.connections),
            "open files": (held.count(str(self.place.root / "large.bin")), numbers.stalled),
            "idle": (says["idle"], numbers.idle + numbers.silent),
            "head": (says["head"], numbers.half),
            "lingering": (says["lingering"], numbers.slow + numbers.dripping),
            "sending": (says["sending"], numbers.stalled),
        }
        return {what: pair for what, pair in there.items() if pair[0] < pair[1]}

    def check_it_stands(self):
        missing = self.missing()
        assert not missing, f"(there, wanted): {missing}; {self.place.serve.stderr()}"

    def lift(self):
        """Everybody goes on where they had stopped, and gets what is due to them."""
        small = self.place.cases[0]
        for reader in self.half:
            reader.link.sendall(small.message()[self.middle :])
            small.judge_reply(reader.reply())
        self._ask(self.idle + self.silent)
        with ThreadPoolExecutor(len(self.stalled)) as pool:
            for digest in pool.map(rest_of_body, self.stalled, self.begun):
                assert digest == self.place.large.digest
        self._stop_dripping()
        for reader in self.dripping:
            rest = fastcgi.stream(fastcgi.STDIN, b"x" * (POSTED - self.drips))
            reader.link.sendall(rest + small.message())
            small.judge_reply(reader.reply())
        for post in self.slow:
            post.socket.sendall(b"x" * (POSTED - (self.drips >= 3)))
            answer = post.receive()
            assert (answer.status, answer["Allow"]) == (405, "GET, HEAD, OPTIONS"), answer

    def _ask(self, readers):
        """One request on each of these connections, which are kept."""
        case = self.place.cases[0]
        for reader in readers:
            reader.link.sendall(case.message())
            case.judge_reply(reader.reply())
