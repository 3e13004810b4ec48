"""One Django site twice in one Apache: its static files from WhiteNoise, and from Handback.

Both halves have Django under mod_wsgi and the same files, which Django's collectstatic has put
there with WhiteNoise's own storage. In a second pair every setting of WhiteNoise has been changed,
and what Handback has in its place.
"""

import contextlib
import functools
import json
import os
import shutil
import textwrap
import time

import harness
from django_site import CODERS, OLD, Project, age, readable, write
from harness import Apache, Serve

# Appended to the settings of the project.
KEPT = """
    STATICFILES_STORAGE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["bin", "png", "woff", "woff2"]
    # As "startproject" has it.
    MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"] + MIDDLEWARE
"""

WHITENOISE = """
    from .settings import *

    MIDDLEWARE = MIDDLEWARE[:1] + ["whitenoise.middleware.WhiteNoiseMiddleware"] + MIDDLEWARE[1:]
"""

# Each setting that has an effect on answers, and below what Handback has for it.
CONFIGURED = """
    from .with_whitenoise import *

    def add_headers(headers, path, url):
        if url.endswith(".txt"):
            headers["X-Robots-Tag"] = "noindex"

    WHITENOISE_ROOT = HERE / "root"
    WHITENOISE_INDEX_FILE = True
    WHITENOISE_MAX_AGE = 600
    WHITENOISE_CHARSET = "iso-8859-1"
    WHITENOISE_ALLOW_ALL_ORIGINS = False
    WHITENOISE_MIMETYPES = {".odd": "application/x-odd", ".mjs": "application/x-module"}
    WHITENOISE_ADD_HEADERS_FUNCTION = add_headers
    WHITENOISE_IMMUTABLE_FILE_TEST = r"[.-][0-9a-zA-Z_]{8}\\.js$|\\.[0-9a-f]{12}\\."
"""

POLICY = {
    "index_file": True,
    "max_age": 600,
    "charset": "iso-8859-1",
    "allow_all_origins": False,
    "mimetypes": {".odd": "application/x-odd", ".mjs": "application/x-module"},
    "headers": {"*.txt": {"X-Robots-Tag": "noindex"}},
    "immutable": ["*[.-]" + "[0-9a-zA-Z_]" * 8 + ".js"],
}

WSGI = """
    import os
    from django.core.wsgi import get_wsgi_application

    os.environ["DJANGO_SETTINGS_MODULE"] = "example.{settings}"
    application = get_wsgi_application()
"""

# Added to the assets, so collected, hashed and compressed.
ASSETS = {
    "docs/index.html": b"<!doctype html><title>the contents</title>\n" * 20,
    "docs/chapter 1/index.html": b"<!doctype html><title>the first chapter</title>\n" * 20,
    "build/main-BRu5tSkz.js": b"export default 'named by a bundler'\n" * 20,
    "files/thing.odd": b"of a type that nobody knows\n",
    "files/photo.bmp": b"BM" + bytes(60),
    "files/favicon.ico": bytes(100),
    "files/song.m4a": bytes(100),
    "files/film.m4v": bytes(100),
    "files/old.woff": bytes(100),
    "files/archive.rar": bytes(100),
    "files/apple-app-site-association": b"{}",
    "files/font.ttf": bytes(100),
    "files/app.js.map": b'{"version": 3}\n' * 40,
    "files/UPPER.CSS": b"b { color: red }\n" * 40,
    "files/a+b&c=d;e,f'g(h)!~@$.txt": b"odd, and allowed\n",
    "files/two..dots.txt": b"two dots\n",
    "files/long.txt": b"a text that compresses\n" * 100,
    "files/one": b"x",
}

OLDER = OLD - 60
LINK_OUT = "live/link-out.txt"
GONE = "files/two..dots.txt"  # an original of which the hashed file alone is kept

# Put into the root beside what was collected.
LATER = {
    ".hidden.txt": b"its name begins with a dot\n",
    "live/.git/config": b"its directory does\n",
    "live/orphan.css.gz": CODERS["gz"](b"the file without .gz is not here\n"),
    "live/stale.css": b"newer than its copy\n" * 20,
    "live/stale.css.br": CODERS["br"](b"older than its file\n" * 20),
    "live/larger.css": b"x\n",
    "live/larger.css.gz": CODERS["gz"](b"x\n"),
    "live/third.css": b"in three codings\n" * 40,
    "live/third.css.zst": CODERS["zst"](b"in three codings\n" * 40),
    "live/third.css.br": CODERS["br"](b"in three codings\n" * 40),
    "live/third.css.gz": CODERS["gz"](b"in three codings\n" * 40),
    "live/closed.txt": b"nobody may read it\n",
    "live/dateless.txt": b"its time is that of an image builder\n",
    "live/new\nline.txt": b"a line ends in its name\n",
    "live/bytes-\udcff.txt": b"its name is no UTF-8\n",
}

ROOT = {
    "robots.txt": b"User-agent: *\nDisallow:\n",
    ".well-known/security.txt": b"Contact: mailto:security@example.org\n",
    ".git/config": b"not for the public\n",
    "help/index.html": b"<!doctype html><title>help</title>\n",
}

# What is written after both servers have answered.
AFTER = {
    "late/new.css": b"written after the start\n",
    "live/plain.txt": b"other bytes than at the start, and more of them\n" * 20,
}
GOES = "live/page.html"


class WhiteNoiseProject(Project):
    """The project of the other tests, as a site that uses WhiteNoise has it."""

    def __init__(self, home, original):
        super().__init__(home)
        shutil.copytree(original.home, home, dirs_exist_ok=True)
        shutil.rmtree(self.root)
        shutil.copytree(original.root / "live", self.root / "live")
        self.proven = original.proven

    def create(self):
        self._write_modules()
        for name, data in ASSETS.items():
            write(self.home / "assets" / name, data)
        self.collect()
        for name, data in LATER.items():
            write(self.root / name, data)
        for name, data in ROOT.items():
            write(self.home / "root" / name, data)
        write(self.home / "outside.txt", b"beside the root\n")
        age(self.home)
        readable(self.home)
        self._make_odd()
        return self

    def _make_odd(self):
        """What needs more than bytes under a name."""
        os.utime(self.root / "live/stale.css.br", (OLDER, OLDER))
        os.utime(self.root / "live/dateless.txt", (1, 1))
        os.chmod(self.root / "live/closed.txt", 0)
        os.symlink(self.home / "outside.txt", self.root / LINK_OUT)
        os.symlink("plain.txt", self.root / "live/link-within.txt")
        os.unlink(self.root / GONE)

    def _write_modules(self):
        settings = self.home / "example/settings.py"
        write(settings, settings.read_bytes() + textwrap.dedent(KEPT).encode())
        modules = {"with_whitenoise": WHITENOISE, "configured": CONFIGURED}
        for name, text in modules.items():
            write(self.home / f"example/{name}.py", textwrap.dedent(text).encode())
        for settings in ("settings", *modules):
            text = textwrap.dedent(WSGI.format(settings=settings))
            write(self.home / f"example/{settings}.wsgi", text.encode())

    @functools.cached_property
    def rewritten(self):
        """The original names whose hashed files have other bytes than the copies under them."""
        copies = {name: self.root / name for name in self.manifest()}
        return {name for name, copy in copies.items()
                if copy.exists() and copy.read_bytes() != self.bytes_of(name)}

    def copy_of(self, name, coding):
        """The bytes of the hashed file, or of its copy in a coding."""
        suffix = {None: "", "br": ".br", "gzip": ".gz", "zstd": ".zst"}[coding]
        return (self.root / (self.manifest()[name] + suffix)).read_bytes()


def wsgi(home, name, settings):
    """The lines of a site under mod_wsgi; WhiteNoise needs a locale to find names in UTF-8."""
    script = home / f"example/{settings}.wsgi"
    return (
        f"WSGIDaemonProcess {name} python-path={home} threads=4 lang=C.UTF-8 locale=C.UTF-8\n"
        f"WSGIProcessGroup {name}\nWSGIApplicationGroup %{{GLOBAL}}\n"
        f'WSGIScriptAlias / "{script}"\n'
        f'<Directory "{script.parent}">\nRequire all granted\n</Directory>\n'
    )


class Half:
    """One of the two that are compared, asked over a connection that is kept."""

    def __init__(self, apache, host):
        self.apache, self.host, self.connection = apache, host, None
        self.used = 0

    def ask(self, target, **request):
        if time.monotonic() - self.used > 1:  # Apache closes it after two seconds
            self.close()
        if self.connection is None:
            self.connection = self.apache.connect(self.host)
        answer = self.connection.ask(target, **request)
        self.used = time.monotonic()
        if answer["Connection"] == "close":
            self.close()
        return answer

    def close(self):
        if self.connection:
            self.connection.socket.close()
        self.connection = None


def settings_file(work, project):
    mounts = [
        {"kind": "static", "root": str(project.root), **POLICY},
        {"kind": "root", "root": str(project.home / "root"), **POLICY, "index_file": False},
    ]
    path = work.fresh("settings") / "handback.json"
    write(path, json.dumps({"mounts": mounts}).encode())
    return path


@contextlib.contextmanager
def both(work, project):
    """{"plain": (WhiteNoise, Handback), "configured": likewise}, both behind one Apache."""
    file = settings_file(work, project)
    home = project.home
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(Serve(work, root=project.root))
        configured = stack.enter_context(Serve(work, HANDBACK_CONFIG=file))
        root = {"HANDBACK_ROOT": home / "root"}
        lines = {
            "w-plain": ("with_whitenoise", ""),
            "w-configured": ("configured", ""),
            "h-plain": ("settings", harness.defines("proxy", serve=plain)),
            "h-configured": ("settings", harness.defines("proxy", serve=configured, **root)),
        }
        hosts = [harness.virtual_host(name, wsgi(home, name, settings), text)
                 for name, (settings, text) in lines.items()]
        apache = stack.enter_context(Apache(work, "".join(hosts)))
        halves = {name: stack.enter_context(contextlib.closing(Half(apache, name)))
                  for name in lines}
        yield {"plain": (halves["w-plain"], halves["h-plain"]),
               "configured": (halves["w-configured"], halves["h-configured"])}
