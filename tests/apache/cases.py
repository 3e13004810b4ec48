"""What the conformance tables are written in: one row is one request and what its answer must be.

Targets and field values may hold {name} for what only the collected site knows: {app} is the URL
of that file, {app.tag} its entity tag, {app.br} the tag of that variant, {app.mark} its tag
without quotes, {app.hash} that in capitals, {app.size} its length, {host} the virtual host.
"""

import email.utils
import hashlib
import os
import re
from typing import NamedTuple

from django_site import CODERS, OLD, Project, age, noise, readable, write
from harness import url_of

# Ours: promised by the manual, not by an RFC.
MUST, SHOULD, MAY, OURS = "MUST", "SHOULD", "MAY", "ours"

DATE = email.utils.formatdate(OLD, usegmt=True)
LATER = email.utils.formatdate(OLD + 1, usegmt=True)
EARLIER = email.utils.formatdate(OLD - 1, usegmt=True)

IMMUTABLE = "max-age=315360000, public, immutable"
MUTABLE = "max-age=60, public"
SUSPECT = "max-age=60, private"
NO_STORE = "no-store"


class Row(NamedTuple):
    name: str
    section: str
    level: str
    method: str
    target: str
    fields: list
    want: dict


def row(name, section, level, request, fields=(), **want):
    """One case. What `want` may say:

    status: one status, or a set of those that conform
    file:   whose bytes the answer holds; without it that of a target that is {name} alone
    coding: of the body; a tuple where any of several will do, the smallest being the right one
    part, parts: first and last byte of a single range; several as multipart/byteranges
    has:    field name to its exact value, to a compiled expression, or to None for absent
    target: in place of the request's, for raw bytes and blanks
    either: codings that all conform; unknown: the bytes are not judged
    body:   sent with the request; version: of HTTP; apache: Apache may answer by itself
    """
    method, _, target = request.partition(" ")
    target = want.pop("target", target)
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
    return Row(name, section, level, method, target, pairs, want)


class File(NamedTuple):
    url: str
    variants: dict  # coding, None for identity, to bytes
    tags: dict  # coding to entity tag

    @property
    def data(self):
        return self.variants[None]


TEN = b"0123456789"
THOUSAND = noise(1000, 7)

COLLECTED = {
    "conf/ten.txt": TEN,
    "conf/one.txt": b"1",
    "conf/thousand.bin": THOUSAND,
    "conf/empty.css": b"",
}

# Names that a responder gets wrong, with contents that tell them apart.
AWKWARD = [
    "a b.txt", "a+b.txt", "it's.txt", '"quoted".txt', "semi;colon.txt", "a,b.txt", "a&b=c.txt",
    "[x]{y}.txt", "tilde~.txt", "back\\slash.txt", "a:b.txt", "(1).txt", "100%.txt", "%41.txt",
    "A.txt", "a.txt", "a#b.txt", "what?.txt", "star*.txt", "at@.txt", "bang!.txt", "cash$.txt",
    "pipe|.txt", "hat^.txt", "tick`.txt", "less<more>.txt", "-dash.txt", "=.txt", "two..dots.txt",
    "dot.", "caf\u00e9.txt", "cafe\u0301.txt", "\u65e5\u672c.txt", "\U0001f600.txt", " lead.txt",
    "trail.txt ", "a%2Fb.txt", "%2e%2e", "%00.txt", "_", "n" * 251 + ".txt", "no-suffix", "%zz",
    "report.20231114.txt", "a.0123456789a.txt", "a.0123456789abc.txt", "a.0123456789AB.txt",
    "a.gggggggggggg.txt", "0123456789ab.txt", "a-0123456789ab.txt", "plain.gz", "deep/er/file.txt",
]

# The names carry a hash that their bytes do not prove.
SUSPECTS = ["suspect.0123456789ab.txt", "ordered.202311140000.txt", "suspect.0123456789ab"]

# Files of odd times: builds that set none, clocks that run ahead, times between two seconds.
TIMES = {
    "time-0.txt": 0, "time-1.txt": 1, "time-before-1970.txt": -60_000_000,
    "time-ahead.txt": 4_000_000_000, "time-between.txt": OLD + 0.9, "time-2.txt": 2,
}

# What no request may reach, though it lies in the root.
SECRETS = [
    ".env", "conf/.hidden.txt", ".git/config", ".well-known/security.txt", "conf/..double.txt",
    ".htaccess", "conf/...", "conf/.a/b.txt",
]


def proven(form, data):
    """A name with the hash that Django would give these bytes."""
    return form.format(hashlib.md5(data).hexdigest()[:12])


PROVEN_TEXT = b"the bytes of these files prove their names\n"
PROVEN = {
    "proven": proven("conf/proven.{}.txt", PROVEN_TEXT),
    "proven_bare": proven("conf/PROVEN.{}", PROVEN_TEXT),
    "proven_dotted": proven("conf/a.b.{}.map", PROVEN_TEXT),
    "proven_middle": proven("conf/mid.{}.tar.gz", PROVEN_TEXT),
    "proven_long": proven("conf/long.{}0.txt", PROVEN_TEXT),
}

MEDIA = {
    "photo.png": b"\x89PNG\r\n\x1a\n" + noise(64, 5),
    "paper.pdf": b"%PDF-1.4\n" + noise(64, 6),
    "film.mp4": noise(64, 8),
    "page.html": b"<script>alert(1)</script>\n",
    "page.xhtml": b"<html xmlns='http://www.w3.org/1999/xhtml'/>\n",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    "feed.xml": b"<a/>\n",
    'say "hi".html': b"<p>quotes\n",
    "back\\slash.html": b"<p>backslash\n",
    "semi;colon.html": b"<p>semicolon\n",
    "caf\u00e9.html": b"<p>beyond ASCII\n",
    "100%.html": b"<p>percent\n",
    "%41.html": b"<p>an encoding for a name\n",
    "it's.html": b"<p>apostrophe\n",
    "SHOUT.HTML": b"<p>capitals\n",
    "in a/sub dir/page.html": b"<p>below\n",
    "no\udcffutf.html": b"<p>no UTF-8\n",
    "a.0123456789ab.txt": b"a name like a hash\n",
    proven("m.{}.txt", PROVEN_TEXT): PROVEN_TEXT,
    "with-sibling.css": b"a { color: red }\n" * 50,
}


def text_of(name):
    return f"this is {name}\n".encode()


class ConformanceSite:
    """The collected project with files of our own, and what is known of each."""

    def __init__(self, work):
        self.project = Project(work.fresh("conformance"))
        for name, data in COLLECTED.items():
            write(self.project.home / "assets" / name, data)
        self.project.create()
        self.root = self.project.root
        self.media = self.project.home / "media"
        self._write_live()
        self._write_media()
        self.files = self._describe()

    def _write_live(self):
        for name in [*AWKWARD, *SUSPECTS, *TIMES]:
            write(self.root / "conf" / name, text_of(name))
        for name in SECRETS:
            write(self.root / name, b"never to be served\n")
        for name in PROVEN.values():
            write(self.root / name, PROVEN_TEXT)
        (self.root / "conf/link.txt").symlink_to("A.txt")
        (self.root / "conf/outside.txt").symlink_to(self.project.home / "manage.py")
        (self.root / "conf/dangling.txt").symlink_to("nothing")
        (self.root / "conf/loop.txt").symlink_to("loop.txt")
        (self.root / "conf/updir").symlink_to("../..")
        os.mkfifo(self.root / "conf/fifo.txt")
        os.chmod(self.root / "conf/fifo.txt", 0o644)
        self._write_siblings()
        for folder in ("", ".git", ".well-known", "conf", "conf/.a", "conf/deep", "conf/deep/er"):
            os.chmod(self.root / folder, 0o755)
        age(self.root)
        os.utime(self.root / "conf/stale.css.br", (OLD - 100, OLD - 100))
        for name, moment in TIMES.items():
            os.utime(self.root / "conf" / name, (moment, moment))

    def _write_siblings(self):
        plain = b"b { color: blue }\n" * 40
        for name in ("stale.css", "larger.css", "sized.css"):
            write(self.root / "conf" / name, plain)
        write(self.root / "conf/stale.css.br", CODERS["br"](plain))
        write(self.root / "conf/larger.css.gz", CODERS["gz"](noise(2000, 9)))
        write(self.root / "conf/sized.css.gz", CODERS["gz"](plain))

    def _write_media(self):
        for name, data in MEDIA.items():
            write(self.media / name, data)
        write(self.media / "with-sibling.css.br", CODERS["br"](MEDIA["with-sibling.css"]))
        age(self.media)
        readable(self.media)

    def _describe(self):
        names = {
            "app": "js/app.js", "css": "css/site.css", "ten": "conf/ten.txt",
            "one": "conf/one.txt", "thousand": "conf/thousand.bin", "empty": "empty.txt",
            "json": "data.json", "big": "big.bin", "font": "font.woff2",
        }
        hashed = self.project.manifest()
        files = {key: self._collected(hashed[name]) for key, name in names.items()}
        for key, name in names.items():
            files[f"{key}_plain"] = files[key]._replace(url=url_of(name))
        live = {"live": "live/plain.txt", "wrong": "live/wrong.0123456789ab.css", **PROVEN}
        for key, name in live.items():
            files[key] = self._live(name)
        sized = self._live("conf/sized.css")
        sized.variants["gzip"] = (self.root / "conf/sized.css.gz").read_bytes()
        files["sized"] = sized
        for name in os.listdir(self.root / "conf"):
            if (self.root / "conf" / name).is_file():
                files[f"conf/{name}"] = self._live(f"conf/{name}")
        files["conf/deep/er/file.txt"] = self._live("conf/deep/er/file.txt")
        for name, data in MEDIA.items():
            files[f"media/{name}"] = File(url_of(name, "/media/"), {None: data}, {})
        return files

    def _live(self, name):
        """Tags of live files come from their time: what is known is their form alone."""
        return File(url_of(name), {None: (self.root / name).read_bytes()}, {})

    def _collected(self, name):
        digest = re.search(r"\.([0-9a-f]{12})(\.|$)", name)[1]
        variants, tags = {None: (self.root / name).read_bytes()}, {None: f'"{digest}"'}
        for coding, suffix in (("br", "br"), ("gzip", "gz"), ("zstd", "zst")):
            sibling = self.root / f"{name}.{suffix}"
            if sibling.exists():
                variants[coding] = sibling.read_bytes()
                tags[coding] = f'"{digest}.{suffix}"'
        return File(url_of(name), variants, tags)

    def fill(self, text, host):
        """The text with its {names} replaced."""
        def known(match):
            key, _, what = match[1].partition(".")
            if key == "host":
                return host
            file = self.files[key]
            if not what:
                return file.url
            if what == "size":
                return str(len(file.data))
            tag = file.tags[what if what in file.tags else None]
            return {"mark": tag.strip('"'), "hash": tag.strip('"').upper()}.get(what, tag)
        return re.sub(r"\{([a-z_]+(?:\.[a-z]+)?)\}", known, text)
