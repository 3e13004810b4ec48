"""An HTTP client that keeps the raw bytes, and judges each answer it receives.

Two judgements hold for every response of the whole run and are made here, where no test can
forget them: the framing is exact, and nothing names a path of the server.
"""

import socket
import threading
from dataclasses import dataclass, field

TIMEOUT = 20


class Disclosure(AssertionError):
    """A response named a path of the server."""


class Torn(AssertionError):
    """The bytes on the wire do not agree with the head that announced them."""


@dataclass
class Answer:
    status: int
    reason: str
    headers: list
    body: bytes
    head: bytes = field(repr=False)

    def __getitem__(self, name):
        """The field's value, several joined as RFC 9110 5.3 says, None when absent."""
        values = [v for k, v in self.headers if k.lower() == name.lower()]
        return ", ".join(values) if values else None

    def count(self, name):
        return sum(k.lower() == name.lower() for k, _ in self.headers)

    @property
    def immutable(self):
        return "immutable" in (self["Cache-Control"] or "")

    @property
    def from_handback(self):
        """Apache's own error pages carry no nosniff; all our answers do."""
        return self["X-Content-Type-Options"] == "nosniff"


class Watch:
    """What no response may contain, and how many responses were looked at."""

    def __init__(self):
        self.secrets = [b"x-sendfile:", b"x-handback-", b"x-accel-redirect:"]
        self.looked_at = 0
        self.lock = threading.Lock()

    def forbid(self, path):
        self.secrets.append(str(path).encode().lower())

    def look(self, request, answer):
        with self.lock:
            self.looked_at += 1
        seen = answer.head.lower()
        for secret in self.secrets:
            # Header names are forbidden as headers only: a body may well speak of them.
            if secret in seen or (not secret.endswith((b":", b"-")) and secret in answer.body):
                where = "head" if secret in seen else "body"
                raise Disclosure(f"{secret!r} in the {where} of the answer to {request[:200]!r}")


WATCH = Watch()


class Connection:
    """One connection to a server, kept alive unless `close` is asked for."""

    def __init__(self, port, host="localhost", timeout=TIMEOUT):
        self.host = host
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, target, method="GET", headers=(), body=None, version="1.1", close=False):
        if isinstance(target, str):
            target = target.encode()
        lines = [method.encode() + b" " + target + b" HTTP/" + version.encode()]
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        given = {k.lower() for k, _ in pairs}
        if "host" not in given:
            pairs.insert(0, ("Host", self.host))
        # A body that is chunked already says its length itself.
        framed = "content-length" in given or "transfer-encoding" in given
        if body is not None and not framed:
            pairs.append(("Content-Length", str(len(body))))
        if close:
            pairs.append(("Connection", "close"))
        lines += [f"{k}: {v}".encode("latin-1") for k, v in pairs]
        self.request = b"\r\n".join(lines) + b"\r\n\r\n"
        self.method = method
        try:
            self.socket.sendall(self.request + (body or b""))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer to a refused body may be there already

    def _more(self):
        piece = self.socket.recv(262144)
        self.held += piece
        return bool(piece)

    def _until(self, mark):
        while mark not in self.held:
            if not self._more():
                raise Torn(f"the connection ended within a head: {self.held[:200]!r}")
        part, self.held = self.held.split(mark, 1)
        return part + mark

    def _exactly(self, size):
        pieces, have = [self.held], len(self.held)
        while have < size:
            piece = self.socket.recv(min(size - have, 1 << 20))
            if not piece:
                raise Torn(f"{have} of {size} bytes arrived for {self.request[:100]!r}")
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        self.held = whole[size:]
        return whole[:size]

    def receive(self):
        head = self._until(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        _, status, *reason = first.decode("latin-1").split(" ", 2)
        headers = []
        for line in lines:
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        answer = Answer(int(status), "".join(reason), headers, b"", head)
        answer.body = self._body(answer)
        WATCH.look(self.request, answer)
        return answer

    def _body(self, answer):
        if self.method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return b""
        if "chunked" in (answer["Transfer-Encoding"] or ""):
            return self._chunks()
        if answer["Content-Length"] is not None:
            return self._exactly(int(answer["Content-Length"]))
        while self._more():
            pass
        rest, self.held = self.held, b""
        return rest

    def _chunks(self):
        whole = []
        while True:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            whole.append(self._exactly(size))
            self._until(b"\r\n")
            if size == 0:
                return b"".join(whole)

    def ask(self, target, **request):
        self.send(target, **request)
        return self.receive()


def ask(port, target, host="localhost", timeout=TIMEOUT, **request):
    """One request on a connection of its own; nothing may follow the answer."""
    with Connection(port, host, timeout) as connection:
        connection.send(target, close=True, **request)
        answer = connection.receive()
        if connection.held or connection._more():
            asked = connection.request[:100]
            raise Torn(f"{connection.held[:80]!r} follows the answer to {asked!r}")
        return answer
