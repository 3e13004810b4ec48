"""Requests made at random, in many spellings, about the files of one tree."""

import email.utils
import random
from dataclasses import dataclass, field

from django_site import OLD

PLAIN = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/"
DATES = [OLD - 86400, OLD - 1, OLD, OLD + 1, OLD + 86400, 0, 4_000_000_000]
JUNK_DATES = ["yesterday", "Tue, 31 Feb 2023 00:00:00 GMT", "0", "", "Sun, 06 Nov 1994 08:49:37"]
JUNK_TAGS = ['"none"', "W/\"none\"", '"', "none", "*", '"a", "b"', ",", '"a" "b"', 'w/"a"', '""']
CODINGS = ["br", "gzip", "zstd", "identity", "*", "x-gzip", "deflate", "BR", "compress", "zip"]
WEIGHTS = ["", "", "", ";q=0", ";q=1", ";q=0.5", "; q=0.001", ";Q=0.9", ";q=1.1", ";q=",
           ";q=0.5;a=b"]
METHODS = ["GET"] * 20 + ["HEAD"] * 3 + ["OPTIONS"] * 2 + [
    "POST", "PUT", "DELETE", "PATCH", "BREW", "get", "PROPFIND"]
QUERIES = ["", "v=1", "a=%2F&b=%00", "a?b", "//host/", "x=\"<>", "a%20b", "a#b", "a b"]
JUNK_RANGES = ["bytes", "bytes=", "bytes=a-b", "lines=1-2", "bytes=9-0", "bytes=--1", "bytes=0-9x",
               "bytes=99999999999999999999-", "bytes= 0-9", "bytes=,0-1,,2-3", "BYTES=0-1",
               "bytes=-0", "bytes=0-,0-", "bytes=0-18446744073709551615", "bytes=0-1;2-3"]


@dataclass
class Asked:
    """One request, as bytes where a client may send any."""

    method: str
    target: bytes
    headers: list = field(default_factory=list)  # pairs of texts, several of one name allowed

    def variables(self):
        """What a web server makes of the header fields (RFC 3875 4.1.18)."""
        found = {}
        for name, value in self.headers:
            key = "HTTP_" + name.upper().replace("-", "_")
            found[key] = f"{found[key]}, {value.strip()}" if key in found else value.strip()
        return found


class Generator:
    """`names` are URL paths as a browser would mean them (texts); `validators` gives for some of
    them (tag, date, size): what the server itself has said."""

    def __init__(self, seed, names, validators):
        self.random = random.Random(seed)
        self.names, self.validators = names, validators

    def some(self, chance):
        return self.random.random() < chance

    def request(self):
        name = self.random.choice(self.names)
        headers = self.negotiation() + self.conditions(name) + self.range(name) + self.origin()
        self.random.shuffle(headers)
        return Asked(self.random.choice(METHODS), self.target(name), headers)

    # ---- the target ----

    def target(self, name):
        path = self.respelled(name) if self.some(0.4) else name
        target = b"/" + b"".join(self.byte(c) for c in path.encode()[1:])
        if self.some(0.02):
            target = self.broken(target)
        if self.some(0.2):
            target += b"?" + self.random.choice(QUERIES).encode()
        return b"http://localhost" + target if self.some(0.05) else target

    def byte(self, c):
        if c in PLAIN and self.random.random() > 0.03:
            return bytes([c])
        return (b"%%%02X" if self.random.random() < 0.5 else b"%%%02x") % c

    def respelled(self, name):
        """Another way to write it, or the name of something else."""
        slash = self.random.choice([i for i, c in enumerate(name) if c == "/"])
        before, after = name[: slash + 1], name[slash + 1 :]
        return self.random.choice([
            before + "/" + after, before + "./" + after, before + "x/../" + after,
            before + "../" + after, before + "../" * 9 + after, before + "." + after,
            before.rstrip("/") or "/", before, name + "/", name + "/.", name + "/..", name + "//",
            name + ".br", name + ".gz", name.removesuffix(".br"), name.upper(), name + ";a=b",
            name[:-1] or "/", before + "index.html", name + "/index.html", "/" + name,
            before + "x" * 300, before + "deep/" * 900 + after, name.replace(".", ".0123456789ab."),
        ])

    def broken(self, target):
        at = self.random.randrange(1, len(target) + 1)
        bad = [b"%", b"%0", b"%zz", b"%00", b"%0a", b"%7f", b"%u0041", b"%FF", b"%C0%AF", b"\\"]
        return target[:at] + self.random.choice(bad) + target[at:]

    # ---- the header ----

    def negotiation(self):
        if self.some(0.4):
            return []
        item = lambda: self.random.choice(CODINGS) + self.random.choice(WEIGHTS)  # noqa: E731
        value = ", ".join(item() for _ in range(self.random.randrange(0, 4)))
        extra = [("accept-encoding", item())] if self.some(0.05) else []
        return [("Accept-Encoding", value), *extra]

    def known(self, name):
        """The validators of this name, or of another: (tag, date, size)."""
        if name in self.validators and self.some(0.9):
            return self.validators[name]
        return self.random.choice(list(self.validators.values()))

    def tag(self, name):
        tag = self.known(name)[0]
        return self.random.choice([
            tag, tag, tag, "W/" + tag, tag[:-1] + '-gzip"', tag[:-1] + '.br"', tag[:-1] + '-br"',
            f'"a", {tag}', f"{tag},", f"{tag} x", tag[1:-1], self.random.choice(JUNK_TAGS)])

    def date(self, name):
        when = [email.utils.formatdate(self.random.choice(DATES), usegmt=True)]
        when.append(self.random.choice(JUNK_DATES))
        own = self.known(name)[1]
        when += [own] * 3 + [own + "; length=5", own.replace(" GMT", "")] if own else []
        return self.random.choice(when)

    def conditions(self, name):
        tagged = [(field, self.tag(name)) for field in ("If-Match", "If-None-Match")
                  if self.some(0.12)]
        return tagged + [(field, self.date(name))
                         for field in ("If-Modified-Since", "If-Unmodified-Since")
                         if self.some(0.1)]

    def spec(self, size):
        first, last = sorted(self.random.randrange(0, size + 3) for _ in range(2))
        narrow = f"{first}-{first + self.random.randrange(0, size // 20 + 1)}"
        return self.random.choice([narrow] * 4 + [f"{first}-{last}", f"{first}-", f"-{last}"])

    def range(self, name):
        if self.some(0.6):
            return []
        size = self.known(name)[2]
        count = self.random.choice([1, 1, 1, 2, 2, 3, 5, 17, 70])
        value = "bytes=" + self.random.choice([",", ", "]).join(
            self.spec(size) for _ in range(count))
        value = self.random.choice(JUNK_RANGES) if self.some(0.15) else value
        condition = [("If-Range", self.random.choice([self.tag, self.date])(name))]
        return [("Range", value)] + (condition if self.some(0.25) else [])

    def origin(self):
        headers = [("Origin", "https://other.example")] if self.some(0.1) else []
        if self.some(0.05):
            headers += [("Access-Control-Request-Method", "GET"),
                        ("Access-Control-Request-Headers", "x-own")]
        return headers
