"""The web server's side of FastCGI, small and exact: what Apache would never send, this can."""

import socket
import struct
from dataclasses import dataclass

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7
ABORT, DATA = 2, 8
GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = 9, 10, 11
KEEP = 1
UNKNOWN_ROLE = 3  # a protocolStatus of FCGI_END_REQUEST


@dataclass
class Reply:
    status: str
    headers: dict
    body: bytes
    stderr: bytes
    raw: bytes


def parse(raw, stderr=b""):
    """A CGI response: what stands before the empty line, and the rest."""
    head, mark, body = raw.partition(b"\r\n\r\n")
    if not mark:
        raise AssertionError(f"no complete head in {raw[:200]!r}")
    headers = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Reply(headers.get("status", ""), headers, body, stderr, raw)


def record(kind, content=b"", number=1, padding=0, version=1):
    header = struct.pack(">BBHHBx", version, kind, number, len(content), padding)
    return header + content + bytes(padding)


def stream(kind, content, number=1):
    """A stream's records, the empty one that ends it included."""
    pieces = [content[i : i + 65535] for i in range(0, len(content), 65535)]
    return b"".join(record(kind, piece, number) for piece in pieces) + record(kind, b"", number)


def begin(keep=False, number=1, role=1):
    return record(BEGIN, struct.pack(">HB5x", role, KEEP if keep else 0), number)


def pairs(params):
    out = b""
    for name, value in params.items():
        name = name.encode() if isinstance(name, str) else name
        value = value.encode() if isinstance(value, str) else value
        for part in (name, value):
            out += bytes([len(part)]) if len(part) < 128 else struct.pack(">I", len(part) | 1 << 31)
        out += name + value
    return out


def cut_pairs(content):
    """The other way round: the pairs of a record, as texts."""
    found, at = {}, 0
    while at < len(content):
        lengths = []
        for _ in range(2):
            wide = content[at] >= 128
            length = struct.unpack_from(">I", content, at)[0] & 0x7FFFFFFF if wide else content[at]
            lengths.append(length)
            at += 4 if wide else 1
        end = at + lengths[0]
        found[content[at:end].decode()] = content[end : end + lengths[1]].decode()
        at = end + lengths[1]
    return found


def get_values(*names, padding=0):
    """The management record that asks for variables of the responder."""
    return record(GET_VALUES, pairs(dict.fromkeys(names, "")), 0, padding)


def usual(target="/static/", **more):
    """The parameters of a plain GET, as Apache would send them."""
    params = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": target,
        "SCRIPT_NAME": target,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
    }
    params.update(more)
    return {name: value for name, value in params.items() if value is not None}


def head(params, keep=False, number=1):
    return begin(keep, number) + stream(PARAMS, pairs(params), number)


def connect(address, timeout=15):
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout)
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(timeout)
    link.connect(str(address))
    return link


class Records:
    """Reads whole records off a connection."""

    def __init__(self, link):
        self.link = link

    def exactly(self, size):
        whole = b""
        while len(whole) < size:
            piece = self.link.recv(size - len(whole))
            if not piece:
                raise ConnectionError(f"closed after {len(whole)} of {size} bytes")
            whole += piece
        return whole

    def next(self):
        _, kind, number, length, padding = struct.unpack(">BBHHBx", self.exactly(8))
        content = self.exactly(length)
        self.exactly(padding)
        return kind, number, content

    def reply(self):
        out, err = [], []
        while True:
            kind, _, content = self.next()
            if kind == STDOUT:
                out.append(content)
            elif kind == STDERR:
                err.append(content)
            elif kind == END:
                return parse(b"".join(out), b"".join(err))


def ask(address, params, body=b""):
    """One request on a connection of its own."""
    with connect(address) as link:
        link.sendall(head(params) + stream(STDIN, body))
        return Records(link).reply()


# Connections that wait. The caller closes them.


def open_silent(address):
    """It has not said anything yet."""
    return connect(address)


def open_half(address):
    """Half a head is there, and the rest does not come."""
    link = connect(address)
    whole = head(usual("/static/data.json"), keep=True)
    link.sendall(whole[: len(whole) // 2])
    return link


def open_kept(address):
    """One request was answered, and another may come."""
    link = connect(address)
    link.sendall(head(usual("/static/data.json"), keep=True) + record(STDIN))
    Records(link).reply()
    return link


def open_stalled(address, target="/static/big.bin", keep=False):
    """A large body is on its way, and its reader does not read."""
    link = connect(address)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.sendall(head(usual(target), keep) + record(STDIN))
    link.recv(1, socket.MSG_PEEK)
    return link


def open_posting(address):
    """It was answered, and the body that nobody reads goes on."""
    link = connect(address)
    params = usual("/static/data.json", REQUEST_METHOD="POST", CONTENT_LENGTH="1000")
    link.sendall(head(params, keep=True) + record(STDIN, b"x" * 300))
    Records(link).reply()
    return link
