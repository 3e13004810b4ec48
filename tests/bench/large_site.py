"""A large site in seconds, without Django: small files under names that carry the md5 of their
bytes, and the manifest, as collectstatic leaves them."""

import gzip
import hashlib
import json
import os
import subprocess

import brotli

PER_DIRECTORY, PER_APPLICATION = 50, 1_000
SUFFIXES = ("css", "js", "svg")
CODERS = {"gz": lambda data: gzip.compress(data, mtime=0), "br": brotli.compress}
TIME = 1_700_000_000  # no file looks as if it were still being written


class LargeSite:
    """`entries` entries of the manifest: so many original names, and so many hashed ones, which are
    numbered in turn, from a hashed one on. `copies` ("gz", "br") lie beside each hashed file.
    Without `originals` only hashed files are kept, which then answer to the original names too.
    """

    def __init__(self, home, entries, copies=(), originals=True):
        self.root, self.entries = home / "static", entries
        self.copies, self.originals = copies, originals

    @staticmethod
    def original(number):
        suffix = SUFFIXES[number % len(SUFFIXES)]
        directory = f"app-{number // PER_APPLICATION:03d}/theme-{number // PER_DIRECTORY:04d}"
        return f"{directory}/part-{number:06d}.{suffix}"

    @staticmethod
    def body(number):
        return b"/* part %06d of a large site */\n" % number * 8

    def digits(self, number):
        return hashlib.md5(self.body(number)).hexdigest()[:12]

    def hashed(self, number):
        stem, _, suffix = self.original(number).rpartition(".")
        return f"{stem}.{self.digits(number)}.{suffix}"

    @property
    def names(self):
        return 2 * self.entries

    def name(self, index):
        return self.original(index // 2) if index % 2 else self.hashed(index // 2)

    def path(self, index):
        """Of the file that a name stands for."""
        return self.hashed(index // 2)

    def create(self):
        for number in range(0, self.entries, PER_DIRECTORY):
            os.makedirs(os.path.dirname(self.root / self.original(number)))
        paths = {}
        for number in range(self.entries):
            original, hashed = self.original(number), self.hashed(number)
            paths[original] = hashed
            self._write_part(original, hashed, self.body(number))
        manifest = json.dumps({"paths": paths, "version": "1.0"})
        self._write("staticfiles.json", manifest.encode())
        return self

    def _write_part(self, original, hashed, data):
        if self.originals:
            self._write(original, data)
        self._write(hashed, data)
        for suffix in self.copies:
            self._write(f"{hashed}.{suffix}", CODERS[suffix](data))

    def _write(self, name, data):
        file = os.open(f"{self.root}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(file, data)
        os.utime(file, (TIME, TIME))
        os.close(file)

    def settings(self):
        """The environment of a program that serves it, and of the one that prepares it."""
        return {"PATH": os.environ["PATH"], "STATIC_ROOT": str(self.root)}

    @property
    def catalog(self):
        return self.root / ".handback/catalog"

    def prepare(self, program):
        done = subprocess.run([program, "prepare"], env=self.settings(), capture_output=True,
                              text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done
        return self

    def judge(self, index, reply):
        """What is wrong with the answer to a GET of a name, or None."""
        number, is_original = divmod(index, 2)
        found = (reply.status[:3], reply.headers.get("etag"), reply.headers.get("cache-control"))
        caching = "max-age=60, public" if is_original else "max-age=315360000, public, immutable"
        if found != ("200", f'"{self.digits(number)}"', caching):
            return f"{found} for {self.name(index)}"
        if reply.body != self.body(number):
            return f"{len(reply.body)} other bytes for {self.name(index)}"
        return None
