"""A real Django project with the admin, collected by its own collectstatic.

The extra files are those that a responder gets wrong: large, empty, with blanks and umlauts in
their names, without a suffix, and with compressed siblings.
"""

import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import brotli

OLD = 1_700_000_000  # no file of the project looks as if it were still being written

SETTINGS = """
    import os
    from pathlib import Path

    HERE = Path(__file__).resolve().parent.parent
    SECRET_KEY = "for tests only"
    DEBUG = False
    ALLOWED_HOSTS = ["*"]
    ROOT_URLCONF = "example.urls"
    WSGI_APPLICATION = "example.wsgi.application"
    INSTALLED_APPS = [
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ]
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    TEMPLATES = [{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]},
    }]
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db"}}
    STATIC_URL = "/static/"
    STATIC_ROOT = os.environ.get("EXAMPLE_STATIC_ROOT", HERE / "static")
    STATICFILES_DIRS = [HERE / "assets"]
    STATICFILES_STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    USE_TZ = True
    DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
"""

URLS = """
    from django.contrib import admin
    from django.http import HttpResponse
    from django.urls import path

    urlpatterns = [
        path("admin/", admin.site.urls),
        # Browsers ask for it, and would log a 404 as an error of the page.
        path("favicon.ico", lambda request: HttpResponse(status=204)),
    ]
"""

WSGI = """
    import os
    from django.core.wsgi import get_wsgi_application

    os.environ["DJANGO_SETTINGS_MODULE"] = "example.settings"
    application = get_wsgi_application()
"""

MANAGE = """
    import os, sys
    from django.core.management import execute_from_command_line

    os.environ["DJANGO_SETTINGS_MODULE"] = "example.settings"
    execute_from_command_line(sys.argv)
"""


def noise(size, seed):
    """Bytes that do not compress, the same in every run."""
    return random.Random(seed).randbytes(size)


def script(size):
    line = "window.step{0} = function (value) {{ return value + {0}; }};\n"
    text = "".join(line.format(n) for n in range(size // 50))
    return text.encode()[:size]


def style(size):
    line = ".row-{0} {{ margin: {0}px; background: url(../img/dot.png); }}\n"
    return "".join(line.format(n) for n in range(size // 60)).encode()


ASSETS = {
    "js/app.js": script(100_000),
    "js/module.mjs": b"export const answer = 42;\n",
    "css/site.css": style(20_000),
    "img/dot.png": b"\x89PNG\r\n\x1a\n" + noise(200, 1),
    "img/logo.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    "img/\u00e9t\u00e9.txt": "l'\u00e9t\u00e9\n".encode(),
    "notes/read me.txt": b"a name with a blank\n",
    "notes/100%25.txt": b"a name with a percent sign\n",
    "LICENSE": b"no suffix at all\n",
    "empty.txt": b"",
    "data.json": b'{"a": 1}\n',
    "app.wasm": b"\0asm\1\0\0\0",
    "font.woff2": noise(3000, 2),
    "big.bin": noise(5_000_000, 3),
}

# Put into the root after collectstatic: no manifest names them.
LIVE = {
    "live/page.html": b"<!doctype html><title>live</title>\n",
    "live/plain.txt": b"live and mutable\n" * 20,
    "live/wrong.0123456789ab.css": b"the name carries a hash that is not its own\n",
}


def zstd(data):
    return subprocess.run(["zstd", "-q", "-19", "-c"], input=data, stdout=-1, check=True).stdout


CODERS = {"br": brotli.compress, "gz": gzip.compress, "zst": zstd}


def write(path, data, mtime=OLD):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (mtime, mtime))


def age(root, mtime=OLD):
    for folder, _, names in os.walk(root):
        for name in names:
            os.utime(os.path.join(folder, name), (mtime, mtime), follow_symlinks=False)


def readable(root):
    """The servers run as another user: let them in, as a deploy would."""
    for folder, folders, names in os.walk(root):
        os.chmod(folder, 0o755)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o644)


class Project:
    def __init__(self, home):
        self.home = Path(home)
        self.root = self.home / "static"

    def create(self):
        files = {"settings": SETTINGS, "urls": URLS, "wsgi": WSGI, "__init__": ""}
        for name, text in files.items():
            write(self.home / f"example/{name}.py", textwrap.dedent(text).encode())
        write(self.home / "manage.py", textwrap.dedent(MANAGE).encode())
        for name, data in ASSETS.items():
            write(self.home / "assets" / name, data)
        self.collect()
        self.add_siblings("css/site.css", "br", "gz", "zst")
        self.add_siblings("js/app.js", "br")
        for name, data in LIVE.items():
            write(self.root / name, data)
        proven = b"nobody names me, my bytes do\n"
        self.proven = f"live/proven.{hashlib.md5(proven).hexdigest()[:12]}.txt"
        write(self.root / self.proven, proven)
        age(self.root)
        readable(self.home)
        return self

    def collect(self, root=None, check=True, **options):
        """Runs the real collectstatic, into another root if one is given."""
        environment = {**os.environ, "EXAMPLE_STATIC_ROOT": str(root or self.root)}
        command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        return subprocess.run(
            command, cwd=self.home, env=environment, check=check, capture_output=True, **options
        )

    def add_siblings(self, name, *suffixes):
        hashed = self.manifest()[name]
        data = (self.root / hashed).read_bytes()
        for suffix in suffixes:
            write(self.root / f"{hashed}.{suffix}", CODERS[suffix](data))

    def manifest(self, root=None):
        return json.loads(((root or self.root) / "staticfiles.json").read_text())["paths"]

    def bytes_of(self, name):
        """What a client must receive for an original or a hashed name."""
        return (self.root / self.manifest().get(name, name)).read_bytes()
