"""The archive for shared hosts: what it holds, where it runs, and its README done as it says.

HANDBACK_BUILD_RELEASE names the release build that makes it, build/release if it names none; where
there is none at all, one is made here.
"""

import gzip
import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

import harness
import shared_host
from django_site import write
from harness import REPOSITORY

IMMUTABLE = "max-age=315360000, public, immutable"
MUTABLE = "max-age=60, public"

# The names that Apache alone can tell from others: without blanks, accents and the like.
PLAIN = re.compile(r"[\w./-]+\.[0-9a-f]{12}\.\w+", re.ASCII)

PROGRAMS = {"handback", "handback.cgi", "host-check"}
READ = {"README.md", "LICENSE", "LICENSES.txt", "SHA256SUMS", "handback.txt", "check.html", "probe",
        "htaccess"}


def run(*command, **options):
    """A program that must succeed; what it prints."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600,
                          **options)
    if done.returncode:
        raise AssertionError(f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def release_build(work):
    """A configured release build: the one of this run, else a new one."""
    build = Path(os.environ.get("HANDBACK_BUILD_RELEASE") or REPOSITORY / "build/release")
    if not (build / "CMakeCache.txt").exists():
        build = work.fresh("build")
        run("cmake", "-S", REPOSITORY, "-B", build, "-DHANDBACK_BUILD=release")
    return build


class Archive:
    def __init__(self, work):
        build = release_build(work)
        run("cmake", "--build", build, "--target", "shared-host", "--parallel", os.cpu_count())
        cache = (build / "CMakeCache.txt").read_text()
        self.name = "handback-" + re.search(r"CMAKE_PROJECT_VERSION:.*=(.*)", cache)[1]
        file = build / f"{self.name}-linux-{platform.machine()}"
        self.tar, self.zip = Path(f"{file}.tar.gz"), Path(f"{file}.zip")
        run("tar", "xzf", self.tar, "-C", work.fresh("archive"))
        self.place = work.path / f"archive{work.count}" / self.name
        self.guide = Guide((self.place / "README.md").read_text())

    def packed(self):
        """{name: (mode, bytes)} of each archive; of a directory the bytes are None."""
        with tarfile.open(self.tar) as tar:
            tarred = {
                entry.name: (entry.mode, entry.isfile() and tar.extractfile(entry).read() or None)
                for entry in tar
            }
        with zipfile.ZipFile(self.zip) as archive:
            zipped = {
                entry.filename.rstrip("/"):
                    (entry.external_attr >> 16 & 0o7777, archive.read(entry) or None)
                for entry in archive.infolist()
            }
        return tarred, zipped


class Guide:
    """The README: its shell commands and its table of uploads, by section."""

    def __init__(self, text):
        parts = re.split(r"^## (?:\d\. )?(.*)\n", text, flags=re.MULTILINE)
        self.sections = {"Names": parts[0], **dict(zip(parts[1::2], parts[2::2]))}

    def commands(self, section):
        return re.findall(r"```sh\n(.*?)```", self.sections[section], re.DOTALL)

    def uploads(self):
        """What goes to the host, in this order, and the mode that it is given there."""
        rows = re.findall(r"^\| `(\S+?)`.* \| (\d{3}) \|$", self.sections["Upload"], re.MULTILINE)
        return [(path, int(mode, 8)) for path, mode in rows]

    def names(self, host):
        """The names that all commands use, with what this host calls them put in."""
        text, = self.commands("Names")
        for name, value in {"STATIC_URL": host.url, "CGI_URL": host.cgi_url}.items():
            text, count = re.subn(f"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
            assert count == 1, name
        return text


def follow(host, home, *blocks):
    """Does what the README says, as the owner, whose home directory that is."""
    script = "\n".join(["umask 002", f"cd {home}", host.guide.names(host), *blocks])
    done = host.run("sh", "-eu", "-c", script, HOME=str(home), check=False)
    if done.returncode:
        raise AssertionError(f"{script}\n{done.stdout}\n{done.stderr}")
    return done


@pytest.fixture(scope="module")
def archive(work):
    return Archive(work)


# ---- what is in it ----


def test_both_archives_hold_the_same_files_in_one_directory(archive):
    tarred, zipped = archive.packed()
    assert tarred == zipped
    assert {name.partition("/")[0] for name in tarred} == {archive.name}
    names = {name.partition("/")[2].partition("/")[0] for name in tarred} - {""}
    assert names == PROGRAMS | READ


def test_only_programs_are_executable_and_the_group_may_write_nothing(archive):
    tarred, _ = archive.packed()
    for name, (mode, data) in tarred.items():
        top = name.partition("/")[2]
        wanted = 0o755 if data is None or top in PROGRAMS or top.endswith(".cgi") else 0o644
        assert mode == wanted, (name, oct(mode))


def test_the_sums_are_those_of_all_files(archive):
    listed = (archive.place / "SHA256SUMS").read_text().splitlines()
    assert dict(reversed(line.split("  ")) for line in listed) == {
        str(path.relative_to(archive.place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in archive.place.rglob("*")
        if path.is_file() and path != archive.place / "SHA256SUMS"
    }


@pytest.mark.parametrize("level", range(4))
def test_the_examples_of_htaccess_are_complete(archive, level):
    text = (archive.place / f"htaccess/level-{level}.txt").read_text()
    assert "Handback" in text.splitlines()[0]
    assert "sample" not in text and str(REPOSITORY) not in text


# ---- where it runs ----


@pytest.mark.parametrize("program", ["handback", "handback.cgi"])
def test_a_program_needs_nothing_of_the_host(archive, program):
    path = archive.place / program
    assert "INTERP" not in run("readelf", "--program-headers", "--wide", path)
    assert "NEEDED" not in run("readelf", "--dynamic", path)


class Bare:
    """A root directory that holds a site, the archive's programs and nothing else."""

    def __init__(self, work, archive):
        self.root = work.fresh("bare")
        self.data = b"p { color: green }\n" * 50
        self.hashed = f"a.{hashlib.md5(self.data).hexdigest()[:12]}.css"
        for name in ("a.css", self.hashed):
            write(self.root / "site/static" / name, self.data)
        write(self.root / f"site/static/{self.hashed}.gz", gzip.compress(self.data))
        manifest = f'{{"paths": {{"a.css": "{self.hashed}"}}, "version": "1.0"}}'
        write(self.root / "site/static/staticfiles.json", manifest.encode())
        (self.root / "site/cgi-bin").mkdir()
        shutil.copy(archive.place / "handback", self.root)
        shutil.copy(archive.place / "handback.cgi", self.root / "site/cgi-bin")

    def run(self, *command, **environment):
        return subprocess.run(["/usr/sbin/chroot", self.root, *command], env=environment,
                              timeout=60, stdin=subprocess.DEVNULL, capture_output=True)

    def ask(self, uri, **fields):
        """A request as suEXEC lets it through: no setting is in the environment."""
        program = "/site/cgi-bin/handback.cgi"
        done = self.run(program, GATEWAY_INTERFACE="CGI/1.1", SERVER_PROTOCOL="HTTP/1.1",
                        SCRIPT_FILENAME=program, REQUEST_METHOD="GET", REQUEST_URI=uri, **fields)
        assert (done.returncode, done.stderr) == (0, b""), done
        return done.stdout.decode("latin-1").partition("\r\n\r\n")



@pytest.fixture
def bare(work, archive):
    return Bare(work, archive)


@pytest.mark.needs_root("chroot")
def test_prepare_and_the_cgi_run_where_there_is_nothing_else_at_all(bare):
    assert bare.run("/handback", "--version").stdout.startswith(b"handback ")
    done = bare.run("/handback", "prepare", "--beside", "/site/cgi-bin", STATIC_ROOT="/site/static")
    assert (done.returncode, done.stderr) == (0, b""), done
    head, _, body = bare.ask(f"/static/{bare.hashed}")
    assert "Status: 200" in head and IMMUTABLE in head
    assert body.encode() == bare.data
    head, _, body = bare.ask("/static/a.css", HTTP_ACCEPT_ENCODING="gzip")
    assert "Content-Encoding: gzip" in head
    assert gzip.decompress(body.encode("latin-1")) == bare.data


HOSTILE = "__attribute__((constructor)) static void end(void) { __builtin_trap(); }\n"
NAMES = {
    "unix:/socket": ["--socket-group", "nobody-has-it"],
    "example.org:9000": [],
    "localhost:http": [],
}


@pytest.mark.needs_root("chroot")
@pytest.mark.parametrize("listen", NAMES)
def test_a_name_is_never_looked_up_with_the_libraries_of_the_host(bare, listen):
    """They are another glibc's there: a program that loads them may die of it, as of this one."""
    write(bare.root / "etc/nsswitch.conf",
                 b"".join(b"%s: hostile\n" % what for what in (b"group", b"hosts", b"services")))
    write(bare.root / "hostile.c", HOSTILE.encode())
    library = bare.root / f"lib/{platform.machine()}-linux-gnu/libnss_hostile.so.2"
    library.parent.mkdir(parents=True)
    run("cc", "-shared", "-nostdlib", "-fPIC", "-o", library, bare.root / "hostile.c")
    done = bare.run("/handback", "serve", "--listen", listen, *NAMES[listen],
                    STATIC_ROOT="/site/static")
    assert (done.returncode, done.stdout) == (2, b""), done
    said = done.stderr.decode()
    assert re.fullmatch(r"handback: HB0060: cannot listen on \S+: .+\n", said), said


# ---- the README, done as it says ----

DONE_HERE = {
    "Names": 1,
    "Upload": 1,  # unpack
    "Prepare": 4,  # gzip, brotli, level 1, level 0
    "Open the check page": 2,  # put it there, take it away
    "When it says red": 1,  # which catalog
    "Remove": 1,
}


def test_every_command_of_the_readme_is_one_that_is_run_here(archive):
    guide = archive.guide
    shown = {section: len(guide.commands(section)) for section in guide.sections}
    assert {section: count for section, count in shown.items() if count} == DONE_HERE
    assert guide.uploads()


def put(host, source, target, mode):
    """As FTP does it: the bytes arrive, the date is now, the mode is the server's."""
    for path in [source, *sorted(source.rglob("*"))]:
        there = target / path.relative_to(source)
        if path.is_dir():
            there.mkdir(mode=0o755, parents=True, exist_ok=True)
        else:
            shutil.copyfile(path, there)
            there.chmod(mode)
        host.give(there)


def open_host(work, archive, project):
    """A suEXEC host on which collectstatic has filled a directory, and nothing was done yet."""
    host = shared_host.Host(work, "suexec" if harness.ROOT else "plain", None)
    host.guide = archive.guide
    host.collected = work.fresh("collected")
    project.collect(host.collected)
    host.paths = project.manifest(host.collected)
    return host


@pytest.fixture
def host(work, archive, project):
    with open_host(work, archive, project) as host:
        yield host


def unpack(host, archive, home):
    """The archive, uploaded to a home directory and unpacked there."""
    put(host, archive.tar, home / archive.tar.name, 0o644)
    follow(host, home, *archive.guide.commands("Upload"))


def snapshot(home):
    """Everything below a directory: its mode, its owner, and its bytes."""
    found = {}
    for path in home.rglob("*"):
        status = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        found[str(path.relative_to(home))] = status.st_mode, status.st_uid, data
    return found


def check_names(host, every=1):
    """Names of the manifest, hashed and original: each gives its bytes and its promise."""
    for name, hashed in list(host.paths.items())[::every]:
        check_hashed_name(host, hashed)
        answer = host.get(name)
        seen = answer.status, answer.body, answer["Cache-Control"]
        assert seen == (200, (host.collected / hashed).read_bytes(), MUTABLE), (name, answer)


def check_hashed_name(host, hashed):
    answer = host.get(hashed)
    digits = re.search(r"\.([0-9a-f]{12})(\.|$)", hashed)[1]
    seen = answer.status, answer.body, answer["Cache-Control"], answer["ETag"]
    wanted = (host.collected / hashed).read_bytes(), IMMUTABLE, f'"{digits}"'
    assert seen == (200, *wanted), (hashed, answer)


def check_a_compressed_copy(host, name="admin/css/base.css"):
    for asked in (host.paths[name], name):
        answer = host.get(asked, accept_encoding="gzip")
        assert answer["Content-Encoding"] == "gzip", (asked, answer)
        assert answer["Vary"] == "Accept-Encoding"
        assert gzip.decompress(answer.body) == (host.collected / host.paths[name]).read_bytes()


def check_what_is_closed(host):
    catalog = host.cgi_url.replace("handback.cgi", "handback.catalog")
    for name in ("staticfiles.json", ".htaccess", ".handback/catalog"):
        assert host.get(name).status in (403, 404), name
    assert b"HANDBACK" not in host.ask(catalog).body


def test_the_readme_done_on_the_host_and_undone_again(host, archive):
    put(host, host.collected, host.root, 0o644)
    before = snapshot(host.home)
    unpack(host, archive, host.home)
    compress, compress_better, level_1, _ = archive.guide.commands("Prepare")
    show, delete = archive.guide.commands("Open the check page")
    follow(host, host.home, compress, compress_better, level_1, show)
    page = host.ask(host.url.removesuffix("static/") + "handback-check/check.html")
    assert b"Handback" in page.body
    program = host.cgi_url.replace("handback.cgi", "handback-probe.cgi")
    assert host.ask(program).body.startswith(b"handback-probe 1\n")
    follow(host, host.home, delete)
    check_names(host)
    check_a_compressed_copy(host)
    check_what_is_closed(host)
    missing = host.get("admin/css/base.000000000000.css")
    assert (missing.status, missing["Cache-Control"]) == (404, "no-store")
    follow(host, host.home, *archive.guide.commands("Remove"))
    assert snapshot(host.home) == before
    answer = host.get("admin/css/base.css")
    assert (answer.status, answer["Cache-Control"]) == (200, None)


def without_mode(host):
    (host.cgi_bin / "handback.cgi").chmod(0o644)


def open_to_the_group(host):
    host.cgi_bin.chmod(0o775)


def without_catalog(host):
    (host.cgi_bin / "handback.catalog").unlink()


def with_a_mere_copy(host):
    shutil.copy(host.root / ".handback/catalog", host.cgi_bin / "handback.catalog")


def at_another_url(host):
    elsewhere = host.cgi_url.replace("/cgi-bin/", "/elsewhere/")
    follow(host, host.home, host.guide.commands("Prepare")[2].replace("$CGI_URL", elsewhere))


def without_htaccess(host):
    (host.root / ".htaccess").unlink()


def with_a_forbidden_line(host):
    htaccess = host.root / ".htaccess"
    htaccess.write_text(htaccess.read_text() + "Options +ExecCGI\n")


# What was done wrong, what the README says is seen then, and what a hashed and an original name
# answer: the status of the one, whether it is immutable, and what the other may be.
FAULTS = [
    (without_mode, "original names are 403 or 500", (200, True), (403, 500)),
    (open_to_the_group, "original names are 403 or 500", (200, True), (500,)),
    (without_catalog, "original names are 503", (200, True), (503,)),
    (with_a_mere_copy, "original names are 503", (200, True), (503,)),
    (at_another_url, "original names are 404", (200, True), (404,)),
    (without_htaccess, "hashed names are not `immutable`", (200, False), (200,)),
    (with_a_forbidden_line, "every file is error 500", (500, False), (500,)),
]


@pytest.mark.needs_root("suEXEC")
def test_a_fault_is_seen_as_the_readme_says_and_mended_by_its_steps(host, archive):
    put(host, host.collected, host.root, 0o644)
    unpack(host, archive, host.home)
    name = "admin/css/base.css"
    for provoke, row, hashed, originals in FAULTS:
        (host.root / ".htaccess").unlink(missing_ok=True)  # "in a hurry"
        follow(host, host.home, *archive.guide.commands("Upload"),
               archive.guide.commands("Prepare")[2])
        answers = host.get(host.paths[name]), host.get(name)
        assert [answer.status for answer in answers] == [200, 200], provoke
        provoke(host)
        answer, original = host.get(host.paths[name]), host.get(name)
        assert f"| {row} |" in archive.guide.sections["When it says red"]
        assert (answer.status, answer.immutable) == hashed, (provoke, answer)
        assert original.status in originals, (provoke, original)


def test_level_0_of_the_readme_needs_no_cgi(host, archive):
    put(host, host.collected, host.root, 0o644)
    unpack(host, archive, host.home)
    compress, _, _, level_0 = archive.guide.commands("Prepare")
    follow(host, host.home, compress, level_0)
    shutil.rmtree(host.cgi_bin)
    for name, hashed in host.paths.items():
        if PLAIN.fullmatch(hashed):
            check_hashed_name(host, hashed)
        answer = host.get(name)
        seen = answer.status, answer.body, answer["Cache-Control"]
        assert seen == (200, (host.collected / name).read_bytes(), MUTABLE), (name, answer)


def test_the_readme_done_elsewhere_and_uploaded_by_ftp(host, archive, work):
    """The other machine has other paths, and knows neither the account nor the host's dates."""
    desk = work.fresh("desk")
    host.give(desk)
    put(host, host.collected, desk / "public_html/static", 0o644)
    host.give(desk / "public_html")
    unpack(host, archive, desk)
    compress, _, level_1, _ = archive.guide.commands("Prepare")
    follow(host, desk, compress, level_1)
    for path, mode in archive.guide.uploads():
        put(host, desk / path, host.home / path, mode)
    shutil.rmtree(desk)
    check_names(host)
    check_a_compressed_copy(host)
    # Whatever dates and order the upload had: what is newer than the catalog is read, and right.
    for path in host.root.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() + 60,) * 2)
    check_names(host, every=10)
