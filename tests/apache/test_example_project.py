"""The project in examples/django as its user has it: Debian's Django, collectstatic, mod_wsgi.

HANDBACK_TEST_DJANGO may name directories with other versions of Django, separated by colons, which
the web server's user can read: then each test runs with them too.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

import harness
from django_site import write
from harness import REPOSITORY, Apache, Serve, no_sanitizer_report, virtual_host

IMMUTABLE = "max-age=315360000, public, immutable"
MUTABLE = "max-age=60, public"
CONFIGS = ("default", "manifest", "custom")
SELECTIONS = {
    "STATIC_CONFIG": lambda config: {"STATIC_CONFIG": config},
    "settings module": lambda config: {"DJANGO_SETTINGS_MODULE": f"example.settings_{config}"},
}
DJANGOS = [None, *filter(None, os.environ.get("HANDBACK_TEST_DJANGO", "").split(":"))]

WSGI = """
    import os, sys

    os.environ.update({environment})
    sys.path[:0] = {path}
    from example.wsgi import application
"""


class Example:
    """A copy of the project, collected into a root with the state directory beside it."""

    def __init__(self, work, django):
        self.work, self.django = work, django
        self.home = work.fresh("example")
        ignored = shutil.ignore_patterns("__pycache__", "collected", "db.sqlite3", "RELEASE_ID")
        source = REPOSITORY / "examples/django"
        shutil.copytree(source, self.home, ignore=ignored, dirs_exist_ok=True)
        harness.own(self.home / "data")
        self.root, self.state = self.home / "static", self.home / "state"
        self.sheet = self.home / "pages/static/pages/site.css"
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONPATH": django or "",
            "ALLOWED_HOSTS": "*",
            "SECRET_KEY": "for tests only",
            "DATABASE": str(self.home / "data/db.sqlite3"),
            "STATIC_ROOT": str(self.root),
            "HANDBACK_STATE": str(self.state),
            "HANDBACK_PROGRAM": str(work.program),
        }

    def manage(self, *arguments, **environment):
        command = ["/usr/bin/python3", "-B", "manage.py", *arguments]
        environment = self.environment | environment
        done = subprocess.run(
            command, cwd=self.home, env=environment, capture_output=True, text=True, timeout=120
        )
        no_sanitizer_report(done.stderr, "manage.py")
        return done

    def collect(self, *options, **environment):
        done = self.manage("collectstatic", "--noinput", "-v0", *options, **environment)
        assert done.returncode == 0, done.stderr
        return done

    def change_the_sheet(self, color):
        self.sheet.write_text(f"h1 {{ color: {color}; }}\n")

    def settings(self, text):
        """Adds a settings module of one's own and returns how it is chosen."""
        write(self.home / "example/settings_own.py", textwrap.dedent(text).encode())
        return {"DJANGO_SETTINGS_MODULE": "example.settings_own"}

    def manifest(self, release=""):
        return json.loads((self.root / release / "staticfiles.json").read_text())["paths"]

    def wsgi(self, name, **environment):
        """The lines of the project under mod_wsgi, with this in its environment."""
        script = self.home / f"{name}.wsgi"
        environment = {k: v for k, v in (self.environment | environment).items() if k != "PATH"}
        path = [str(self.home), *([self.django] if self.django else [])]
        text = textwrap.dedent(WSGI).format(environment=environment, path=path)
        write(script, text.encode())
        return (f'WSGIDaemonProcess {name} home="{self.home}"\nWSGIProcessGroup {name}\n'
                f'WSGIApplicationGroup %{{GLOBAL}}\nWSGIScriptAlias / "{script}"\n'
                f'<Directory "{self.home}">\nRequire all granted\n</Directory>\n')

    @contextlib.contextmanager
    def served(self, front, *hosts, **environment):
        """An Apache with the project in each virtual host, {name: environment of the project}."""
        serve = Serve(self.work, root=self.root, HANDBACK_STATE=self.state)
        lines = harness.defines(
            front, "x-sendfile", self.root, serve=serve, HANDBACK_STATE=self.state)
        hosts = hosts or ({"localhost": environment},)
        text = "".join(virtual_host(name, self.wsgi(name, **values), lines)
                       for each in hosts for name, values in each.items())
        with contextlib.ExitStack() as stack:
            if front == "proxy":
                stack.enter_context(serve)
            yield stack.enter_context(Apache(self.work, text))


@pytest.fixture(params=DJANGOS, ids=lambda path: path or "Debian's Django")
def example(request, work):
    return Example(work, request.param)


def static_urls(apache, host="localhost"):
    """What the home page and the admin's login page refer to, and the home page."""
    pages = [apache.ask(target, host) for target in ("/", "/admin/login/")]
    assert [page.status for page in pages] == [200, 200], apache.log()
    found = [re.findall(rb'(?:href|src)="/static/([^"]+)"', page.body) for page in pages]
    assert min(map(len, found)) >= 3
    return {name.decode() for names in found for name in names}, pages[0].body.decode()


def sheet_of(names):
    return next(name for name in names if name.startswith("pages/site.") and name.endswith(".css"))


def get(apache, name, host="localhost"):
    return apache.ask(harness.url_of(name), host)


def carries_its_hash(name, body):
    return hashlib.md5(body).hexdigest()[:12] in name.split(".")


@pytest.mark.parametrize("selection, front", [
    ("STATIC_CONFIG", "fcgid"), ("STATIC_CONFIG", "static"), ("settings module", "proxy")])
@pytest.mark.parametrize("config", CONFIGS)
def test_a_configuration_is_served_as_its_pages_name_it(example, config, selection, front):
    chosen = SELECTIONS[selection](config) | {"RELEASE_ID": "r1"}
    example.collect(**chosen)
    hashed = config != "default"
    manifests = {str(path.relative_to(example.root))
                 for path in example.root.rglob("staticfiles.json")}
    assert manifests == {"default": set(), "manifest": {"staticfiles.json"},
                         "custom": {"r1/staticfiles.json"}}[config]
    with example.served(front, **chosen) as apache:
        names, page = static_urls(apache)
        assert f"Configuration {config}, release r1." in page
        for name in names:
            answer = get(apache, name)
            assert (answer.status, answer.body) == (200, (example.root / name).read_bytes()), name
            assert answer["Cache-Control"] == (IMMUTABLE if hashed else MUTABLE), name
            assert carries_its_hash(name, answer.body) == hashed


@pytest.mark.parametrize("config", ["manifest", "custom"])
def test_collectstatic_alone_prepares_the_site(example, config, front):
    """With the root gone nothing but what prepare has kept can answer."""
    chosen = {"STATIC_CONFIG": config, "RELEASE_ID": "r1"}
    done = example.collect(**chosen)
    assert "catalog" in done.stdout
    assert (example.state / "catalog").is_file()
    with example.served(front, **chosen) as apache:
        names, _ = static_urls(apache)
        bodies = {name: (example.root / name).read_bytes() for name in names}
        for path in example.root.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        for name, body in bodies.items():
            answer = get(apache, name)
            assert (answer.status, answer.body) == (200, body), name
            assert answer["Cache-Control"] == IMMUTABLE


def test_without_the_program_the_example_collects_and_prepares_nothing(example, front):
    chosen = {"STATIC_CONFIG": "custom", "RELEASE_ID": "r1", "HANDBACK_PROGRAM": ""}
    example.collect(**chosen)
    assert not example.state.exists()
    with example.served(front, **chosen) as apache:
        for name in static_urls(apache)[0]:
            answer = get(apache, name)
            assert (answer.status, answer["Cache-Control"]) == (200, IMMUTABLE), name


def test_code_of_two_releases_names_the_files_of_its_own(example, front):
    """As in the middle of a deploy: the old processes live beside the new ones."""
    releases = {f"r{n}": {"STATIC_CONFIG": "custom", "RELEASE_ID": f"r{n}"} for n in (1, 2)}
    for name, color in (("r1", "red"), ("r2", "blue")):
        example.change_the_sheet(color)
        example.collect(**releases[name])
    sheets = {}
    with example.served(front, releases) as apache:
        for host, color in (("r1", b"red"), ("r2", b"blue")):
            sheets[host] = sheet_of(static_urls(apache, host)[0])
            answer = get(apache, sheets[host], host)
            assert (answer.status, answer["Cache-Control"]) == (200, IMMUTABLE)
            assert color in answer.body
            # The responder has one choice for both: the release that was published last.
            assert b"blue" in get(apache, "pages/site.css", host).body
    assert sheets["r1"] != sheets["r2"]


@pytest.mark.parametrize("options, front", [
    ([], "proxy"), (["--clear"], "fcgid"), (["--clear"], "static")])
@pytest.mark.parametrize("config", ["manifest", "custom"])
def test_collectstatic_under_a_running_site_publishes_and_keeps(example, config, options, front):
    example.change_the_sheet("red")
    example.collect(STATIC_CONFIG=config, RELEASE_ID="r1")
    with example.served(front, STATIC_CONFIG=config, RELEASE_ID="r1") as apache:
        former = sheet_of(static_urls(apache)[0])
        assert b"red" in get(apache, "pages/site.css").body
        example.change_the_sheet("blue")
        example.collect(*options, STATIC_CONFIG=config, RELEASE_ID="r2")
        new = example.manifest("r2" if config == "custom" else "")["pages/site.css"]
        harness.wait_until(
            lambda: b"blue" in get(apache, "pages/site.css").body, 5, "the new release")
        for name, color in ((former, b"red"), (new, b"blue")):
            answer = get(apache, name)
            assert (answer.status, answer["Cache-Control"]) == (200, IMMUTABLE)
            assert color in answer.body


# ---------------------------------------------------------------- the release's id


def git(home, *arguments):
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *arguments]
    done = subprocess.run(command, cwd=home, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(home):
    git(home, "init", "-q")
    git(home, "add", "-A")
    git(home, "commit", "-q", "-m", "all of it")
    return git(home, "rev-parse", "HEAD")


def from_variables(built, running):
    def prepared(_):
        return "v1", {built: "v1"}, {running: "v1"}

    return prepared


def from_a_file(example):
    (example.home / "RELEASE_ID").write_text("2026-11-21.3\n")
    return "2026-11-21.3", {}, {}


def from_git(example):
    return commit(example.home), {}, {}


def from_git_in_a_hook(example):
    """git starts its hooks with variables that name the repository that was pushed to."""
    pushed = example.work.fresh("pushed")
    write(pushed / "file", b"of another commit\n")
    commit(pushed)
    return commit(example.home), {"GIT_DIR": str(pushed / ".git")}, {}


def a_variable_before_all_others(example):
    commit(example.home)
    from_a_file(example)
    return "v2", {"RELEASE_ID": "v2", "SOURCE_VERSION": "v1"}, {"RELEASE_ID": "v2"}


def a_file_before_git(example):
    commit(example.home)
    return from_a_file(example)


SOURCES = {
    "RELEASE_ID": from_variables("RELEASE_ID", "RELEASE_ID"),
    "Heroku's two variables": from_variables("SOURCE_VERSION", "HEROKU_BUILD_COMMIT"),
    "a file": from_a_file,
    "git": from_git,
    "git in a hook": from_git_in_a_hook,
    "a variable before all others": a_variable_before_all_others,
    "a file before git": a_file_before_git,
}


@pytest.mark.parametrize("source", SOURCES)
def test_the_web_servers_processes_find_the_release_that_collectstatic_wrote(example, source):
    """Started by root, collectstatic is another user's: git trusts no working copy of others."""
    release, built, running = SOURCES[source](example)
    example.collect(STATIC_CONFIG="custom", **built)
    assert [path.parent.name for path in example.root.rglob("staticfiles.json")] == [release]
    kept = json.loads((example.state / "releases.json").read_text())["releases"]
    assert [each["id"] for each in kept] == [release]
    with example.served("fcgid", STATIC_CONFIG="custom", **running) as apache:
        names, page = static_urls(apache)
        assert f"release {release}." in page
        assert get(apache, sheet_of(names))["Cache-Control"] == IMMUTABLE


def refused(example, **environment):
    """What manage.py says in its last line when collectstatic fails."""
    done = example.manage("collectstatic", "--noinput", "-v0", **environment)
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_without_any_release_id_the_custom_configuration_says_what_to_do(example):
    said = refused(example, STATIC_CONFIG="custom")
    assert said.startswith("django.core.exceptions.ImproperlyConfigured: No release id: ")
    assert "RELEASE_ID" in said
    example.collect(STATIC_CONFIG="manifest")


@pytest.mark.parametrize("release", ["../r1", "a/b", ".hidden", "..", "two words"])
def test_a_release_id_that_cannot_name_a_directory_is_refused(example, release):
    said = refused(example, STATIC_CONFIG="custom", RELEASE_ID=release)
    assert f"The release id {release!r} cannot name a directory" in said
    assert not example.root.exists()


def test_an_unknown_configuration_is_refused_with_the_names_that_there_are(example):
    said = refused(example, STATIC_CONFIG="manifests")
    assert said.endswith("STATIC_CONFIG=manifests: default, manifest or custom")


# ---------------------------------------------------------------- the storage that prepares


@pytest.mark.parametrize("config", ["manifest", "custom"])
def test_a_dry_run_does_not_prepare(example, config):
    """A program that does not exist could not be started unnoticed."""
    chosen = {"STATIC_CONFIG": config, "RELEASE_ID": "r1", "HANDBACK_PROGRAM": "/nowhere/handback"}
    example.collect("--dry-run", **chosen)
    assert not example.root.exists() and not example.state.exists()


def test_a_program_that_is_not_there_fails_collectstatic_and_says_how_to_name_it(example):
    said = refused(example, STATIC_CONFIG="manifest", HANDBACK_PROGRAM="/nowhere/handback")
    assert said.startswith("CommandError: /nowhere/handback cannot be run (No such file")
    assert "HANDBACK_PROGRAM" in said and "PATH" in said


def test_prepare_that_cannot_run_fails_collectstatic_with_its_own_message(example):
    said = refused(example, STATIC_CONFIG="manifest", HANDBACK_STATE="/proc/handback")
    assert said.startswith("CommandError: handback: HB0080: ")
    assert "HANDBACK_STATE" in said


def test_faults_of_single_files_are_told_and_collectstatic_succeeds(example):
    example.collect(STATIC_CONFIG="manifest")
    name = example.manifest()["pages/site.css"]
    write(example.root / f"{name}.br", b"no brotli at all")
    done = example.collect(STATIC_CONFIG="manifest")
    assert "handback: HB0083: " in done.stderr
    assert f"{name}.br" in done.stderr


def test_prepare_works_with_the_settings_of_the_project(example):
    """Not with what the environment says otherwise."""
    chosen = example.settings("""
        from .settings_manifest import *

        STATIC_ROOT = BASE_DIR / "elsewhere"
        STATIC_URL = "https://static.example.org/assets/"
        HANDBACK_STATE = BASE_DIR / "kept"
        RELEASE_ID = "r9"
    """)
    example.collect(**chosen, STATIC_URL="/static/", RELEASE_ID="r1")
    kept = json.loads((example.home / "kept/releases.json").read_text())["releases"]
    assert [(each["url"], each["id"], each["roots"]) for each in kept] == [
        ("/assets/", "r9", ["../elsewhere"])]


def test_a_site_that_names_the_storage_alone_finds_the_program_on_path(example):
    """And keeps its state where every command looks for it."""
    chosen = example.settings("""
        from .settings_custom import *

        del HANDBACK_PROGRAM, HANDBACK_STATE
        STORAGE = "handback_static.storages.PreparedReleaseManifestStaticFilesStorage"
        if django.VERSION >= (4, 2):
            STORAGES["staticfiles"] = {"BACKEND": STORAGE}
        else:
            STATICFILES_STORAGE = STORAGE
    """)
    path = f"{example.work.program.parent}:/usr/bin:/bin"
    example.collect(**chosen, PATH=path, RELEASE_ID="r1", HANDBACK_STATE="")
    assert (example.root / ".handback/catalog").is_file()


def test_the_mixin_over_whitenoises_storage_keeps_its_compressed_copies(example):
    """collectstatic alone then compresses and prepares."""
    write(example.home / "example/own_storage.py", textwrap.dedent("""
        from whitenoise.storage import CompressedManifestStaticFilesStorage
        from handback_static.storages import PrepareMixin

        class Storage(PrepareMixin, CompressedManifestStaticFilesStorage):
            pass
    """).encode())
    chosen = example.settings("""
        from .settings_manifest import *

        if django.VERSION >= (4, 2):
            STORAGES["staticfiles"] = {"BACKEND": "example.own_storage.Storage"}
        else:
            STATICFILES_STORAGE = "example.own_storage.Storage"
    """)
    example.collect(**chosen)
    name = example.manifest()["admin/css/base.css"]
    compressed = (example.root / f"{name}.br").read_bytes()
    shutil.rmtree(example.root / "admin")
    with example.served("fcgid", **chosen) as apache:
        answer = apache.ask(harness.url_of(name), headers={"Accept-Encoding": "br"})
        assert (answer.status, answer["Cache-Control"]) == (200, IMMUTABLE)
        assert (answer["Content-Encoding"], answer.body) == ("br", compressed)


def test_collectstatic_that_a_cgi_program_has_started_prepares_too(example):
    """The program takes itself for a CGI where it finds this variable."""
    example.collect(STATIC_CONFIG="manifest", GATEWAY_INTERFACE="CGI/1.1")
    assert (example.state / "catalog").is_file()


# ---------------------------------------------------------------- development

DIRS = """
    from .settings_default import *

    MEDIA_ROOT = BASE_DIR / "media"
    STATICFILES_DIRS = [
        BASE_DIR / "first", ("prefixed", BASE_DIR / "second"), BASE_DIR / "nowhere",
    ]
    STATICFILES_FINDERS = [
        "django.contrib.staticfiles.finders.FileSystemFinder",
        "django.contrib.staticfiles.finders.AppDirectoriesFinder",
        "django.contrib.staticfiles.finders.DefaultStorageFinder",
    ]
"""


def test_handback_dirs_prints_the_directories_and_warns_of_what_it_cannot(example):
    for name in ("first", "second"):
        (example.home / name).mkdir()
    done = example.manage("handback_dirs", **example.settings(DIRS))
    assert done.returncode == 0
    first, *apps, last = done.stdout.rstrip("\n").split(":")
    assert first == str(example.home / "first")
    assert [Path(path).parts[-3:] for path in apps] == [("contrib", "admin", "static")]
    assert last == str(example.home / "pages/static")
    warnings = done.stderr.splitlines()
    assert len(warnings) == 3
    assert f"{example.home}/second" in warnings[0] and '"prefixed"' in warnings[0]
    assert f"{example.home}/nowhere" in warnings[1]
    assert "DefaultStorageFinder" in warnings[2]


@pytest.mark.parametrize("front", ["cgi", "fcgid", "proxy"])
def test_in_development_files_are_served_from_where_they_are_written(example, front):
    """Before the root, and as they are at each request."""
    example.collect(STATIC_CONFIG="default")
    directories = example.manage("handback_dirs").stdout.strip()
    # mod_fcgid cuts a variable of more than 127 bytes, so these stand in a file.
    settings = example.home / "handback.json"
    settings.write_text(json.dumps({"dirs": directories.split(":")}))
    text = {"fcgid": f'FcgidInitialEnv HANDBACK_CONFIG "{settings}"\n',
            "cgi": f'SetEnv HANDBACK_DIRS "{directories}"\n'}.get(front, "")
    serve = Serve(example.work, root=example.root, HANDBACK_DIRS=directories)
    text += example.wsgi("localhost", STATIC_CONFIG="default", DEBUG="1") + harness.defines(
        front, "x-sendfile", example.root, serve=serve)
    with contextlib.ExitStack() as stack:
        if front == "proxy":
            stack.enter_context(serve)
        apache = stack.enter_context(Apache(example.work, text))
        for name in static_urls(apache)[0]:
            answer = get(apache, name)
            assert (answer.status, answer["Cache-Control"]) == (200, MUTABLE), name
        for color in ("red", "blue"):
            example.change_the_sheet(color)
            answer = get(apache, "pages/site.css")
            assert (answer.status, answer.body) == (200, example.sheet.read_bytes())
            assert answer["Cache-Control"] == MUTABLE
        write(example.sheet.parent / "new.css", b"written after the start\n")
        assert get(apache, "pages/new.css").body == b"written after the start\n"
        assert get(apache, "pages/none.css").status == 404
