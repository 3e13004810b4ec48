"""The static CGI: what is its own beside the answers, which all modules ask for through the front
"static". How `prepare --beside` writes its catalog is the matter of test_beside.py."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

import catalog_file
import fastcgi
from catalog_file import Mount, Name
from conftest import FRONTS_OF
from django_site import ASSETS, readable, write
from harness import NOT_THROUGH_STATIC, as_server, no_sanitizer_report, prepare, url_of, wait_until
from random_requests import Generator
from same_answers import FILES, MISSING, OF_A_FILE, TAG, parameters

IMMUTABLE = "max-age=315360000, public, immutable"
MARK = 77  # no responder is given this max-age: whoever sends it has it from the catalog
FROM_CATALOG, LIVE = f"max-age={MARK}, public", "max-age=60, public"
OWNER, STRANGER = "nobody", "games"
needs_root = pytest.mark.needs_root("to give files to other users")
DRAIN_SECONDS, DRAIN_BYTES = 10, 16 << 20


class Host:
    """A cgi-bin, a root and a state directory beside each other, all of one user."""

    def __init__(self, work, project, program=None, like=None):
        """Prepared; a copy of another one takes less time."""
        self.work, self.project = work, project
        self.home = work.fresh("host")
        self.bin, self.root = self.home / "cgi-bin", self.home / "static"
        self.state = self.home / "state"
        self.cgi = self.bin / "handback.cgi"
        self.catalog, self.beside = self.state / "catalog", self.bin / "handback.catalog"
        if like:
            subprocess.run(["cp", "-a", f"{like.home}/.", self.home], check=True)
            return
        self.bin.mkdir()
        shutil.copy(program or work.cgi, self.cgi)
        self.copy_root()
        prepare(work, self.root, self.state, HANDBACK_MAX_AGE=MARK)
        self.give()

    def copy_root(self):
        """Without the many files of the admin, and the large one."""
        left_out = shutil.ignore_patterns("admin", "big.*")
        shutil.copytree(self.project.root, self.root, ignore=left_out)
        paths = {name: hashed for name, hashed in self.project.manifest().items()
                 if (self.root / hashed).is_file()}
        manifest = json.dumps({"paths": paths, "version": "1.0"})
        write(self.root / "staticfiles.json", manifest.encode())

    def give(self):
        for path in [self.home, *self.home.rglob("*")] if os.geteuid() == 0 else []:
            shutil.chown(path, OWNER, "nogroup")

    def link(self, target="../state/catalog"):
        self.beside.symlink_to(target)

    def write_beside(self):
        """As `prepare --beside` does."""
        done = subprocess.run(
            [self.work.release or self.work.program, "prepare", "--beside", self.bin], timeout=60,
            capture_output=True, env={"STATIC_ROOT": str(self.root), "HANDBACK_MAX_AGE": str(MARK),
                                      "HANDBACK_STATE": str(self.state)})
        assert done.returncode in (0, 1), done.stderr
        self.give()

    def put_full_program(self):
        shutil.copy(self.work.program, self.bin / "handback")

    def start(self, target="/static/css/site.css", **more):
        params = {key: str(value) for key, value in more.items() if value is not None}
        environment = fastcgi.usual(target) | {"SCRIPT_FILENAME": str(self.cgi)} | params
        process = subprocess.Popen([self.cgi], env=environment, cwd="/", stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **as_server())
        self.work.spawned.append(process)
        return process

    def ask(self, target="/static/css/site.css", **more):
        out, err = self.start(target, **more).communicate(b"", timeout=20)
        no_sanitizer_report(err.decode(errors="replace"), "handback.cgi")
        return fastcgi.parse(out, err)

    def ask_told(self, target="/static/css/site.css", **more):
        """With what cgi.conf sets."""
        return self.ask(target, STATIC_ROOT=self.root, STATIC_URL="/static/", **more)


@pytest.fixture(scope="module")
def prepared(work, project):
    return Host(work, project)


@pytest.fixture
def host(prepared):
    return Host(prepared.work, prepared.project, like=prepared)


def is_from_catalog(reply):
    return (reply.status, reply.headers["cache-control"]) == ("200 OK", FROM_CATALOG)


def is_live(host, reply, name="css/site.css"):
    wanted = ("200 OK", LIVE, (host.root / name).read_bytes())
    return (reply.status, reply.headers["cache-control"], reply.body) == wanted


def is_503(reply):
    return reply.status == "503 Service Unavailable" and (
        reply.headers["cache-control"] == "no-store" and int(reply.headers["retry-after"]) > 0)


def numbers(reply):
    """Of what it said, in order."""
    return re.findall(r"handback: (HB\d+): ", reply.stderr.decode())


# Where it finds its catalog


def absolute(host):
    host.link(host.catalog)


def relative(host):
    host.link()


def chain(host):
    (host.home / "one").symlink_to("elsewhere/two")
    (host.home / "elsewhere").mkdir()
    (host.home / "elsewhere/two").symlink_to(host.catalog)
    host.link("../one")


def linked_directory(host):
    """Moved since prepare: the directories on the way keep their names."""
    (host.home / "deep/er").mkdir(parents=True)
    host.state.rename(host.home / "deep/er/state")
    host.state.symlink_to("deep/er/state")
    host.link()


def written(host):
    host.write_beside()


def program_behind_a_link(host):
    """What counts is where the program lies, not by which name it is started."""
    host.write_beside()
    (host.home / "public").mkdir()
    (host.home / "public/handback.cgi").symlink_to(host.cgi)
    host.cgi = host.home / "public/handback.cgi"


@pytest.mark.parametrize("put", [absolute, relative, chain, linked_directory, written,
                                 program_behind_a_link])
def test_a_catalog_beside_it_needs_no_environment(host, put):
    manifest = host.project.manifest()
    put(host)
    reply = host.ask()
    assert (reply.body, reply.stderr) == (host.project.bytes_of("css/site.css"), b"")
    assert is_from_catalog(reply)
    hashed = host.ask(url_of(manifest["css/site.css"]), HTTP_ACCEPT_ENCODING="br")
    assert (hashed.headers["cache-control"], hashed.headers["content-encoding"]) == (
        IMMUTABLE, "br")


def test_the_catalog_beside_it_comes_first_then_the_state_directory_then_the_root(host, work):
    for seconds, state in ((1, host.home / "first"), (2, host.state), (3, host.root / ".handback")):
        prepare(work, host.root, state, HANDBACK_MAX_AGE=seconds)
    host.link("../first/catalog")
    told = {"HANDBACK_STATE": host.state}
    assert host.ask_told(**told).headers["cache-control"] == "max-age=1, public"
    host.beside.unlink()
    assert host.ask_told(**told).headers["cache-control"] == "max-age=2, public"
    assert host.ask_told().headers["cache-control"] == "max-age=3, public"
    host.catalog.unlink()
    assert is_live(host, host.ask_told(**told)), "a state directory that is named is the only one"


def test_a_pool_that_the_catalog_beside_it_names_answers_when_the_root_is_gone(host):
    host.write_beside()
    shutil.rmtree(host.root)
    host.root.mkdir()
    host.give()
    name = host.project.manifest()["js/app.js"]
    reply = host.ask(url_of(name))
    assert (reply.status, reply.body) == ("200 OK", ASSETS["js/app.js"])


# A mere copy


def test_a_mere_copy_is_refused_and_the_live_tree_served(host):
    shutil.copy(host.catalog, host.beside)
    host.give()
    reply = host.ask_told()
    assert is_live(host, reply) and numbers(reply) == ["HB0039"]
    assert "prepare --beside" in reply.stderr.decode()


def test_a_mere_copy_is_refused_and_the_full_program_beside_it_answers(host):
    shutil.copy(host.catalog, host.beside)
    host.put_full_program()
    host.give()
    reply = host.ask_told()
    assert reply.body == host.project.bytes_of("css/site.css")
    assert reply.headers["cache-control"] == LIVE and "HB0039" in numbers(reply)


def test_a_mere_copy_and_nothing_else_is_503(host):
    shutil.copy(host.catalog, host.beside)
    host.give()
    reply = host.ask()
    assert is_503(reply) and numbers(reply)[0] == "HB0039"


def test_one_that_was_written_beside_a_program_is_refused_in_a_state_directory(host):
    host.write_beside()
    shutil.copy(host.beside, host.catalog)
    host.beside.unlink()
    host.give()
    reply = host.ask_told(HANDBACK_STATE=host.state)
    assert is_live(host, reply) and numbers(reply) == ["HB0039"]


# Without a catalog


def test_without_a_catalog_the_full_program_beside_it_answers(host, work):
    """As it does alone: header and body, and what is said."""
    host.catalog.unlink()
    host.put_full_program()
    host.give()
    alone = work.fresh("alone") / "handback"
    shutil.copy(work.program, alone)
    names = ["css/site.css", host.project.manifest()["js/app.js"], "live/plain.txt", "nothing.css"]
    for name in names:
        found = host.ask_told(url_of(name), HTTP_RANGE="bytes=2-9")
        cgi, host.cgi = host.cgi, alone
        wanted = host.ask_told(url_of(name), HTTP_RANGE="bytes=2-9")
        host.cgi = cgi
        assert (found.raw, found.stderr) == (wanted.raw, wanted.stderr), name


def test_without_a_catalog_the_live_tree_is_served_and_only_proven_names_are_promised(host):
    host.catalog.unlink()
    manifest = host.project.manifest()
    names = {"css/site.css": LIVE, manifest["js/app.js"]: IMMUTABLE, "live/plain.txt": LIVE,
             host.project.proven: IMMUTABLE}
    for name, control in names.items():
        reply = host.ask_told(url_of(name))
        assert (reply.status, reply.headers["cache-control"]) == ("200 OK", control), name
        assert reply.body == (host.root / name).read_bytes()
        assert reply.stderr == b""
    disproved = host.ask_told("/static/live/wrong.0123456789ab.css")
    assert disproved.headers["cache-control"] == "max-age=60, private"
    for name in ("nothing.css", ".handback/catalog", "staticfiles.json", "../manage.py"):
        assert host.ask_told(url_of(name)).status == "404 Not Found", name


def test_without_a_catalog_and_a_root_it_is_503_and_says_what_to_do(host):
    host.catalog.unlink()
    reply = host.ask()
    assert is_503(reply) and numbers(reply) == ["HB0038"]
    assert "prepare --beside" in reply.stderr.decode()
    assert str(host.home).encode() not in reply.raw


BAD = {
    "a root that is relative": {"STATIC_ROOT": "static"},
    "a URL that is none": {"STATIC_URL": "/a b\n/"},
    "a state that is relative": {"HANDBACK_STATE": "state"},
    "uploads that are relative": {"MEDIA_ROOT": "media", "MEDIA_URL": "/media/"},
    "a delivery root with a line end": {"HANDBACK_DELIVERY_ROOT": "/a\nb"},
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_value_is_named_and_503(host, case):
    """Whatever lies beside: a site is not served by settings other than its own."""
    host.link()
    name = next(iter(BAD[case]))
    reply = host.ask(**{"STATIC_ROOT": host.root, **BAD[case]})
    assert is_503(reply) and numbers(reply) == ["HB0004"]
    assert name in reply.stderr.decode()


def test_the_directory_of_a_project_is_not_served(host):
    write(host.root / "manage.py", b"")
    host.give()
    for told in ({"HANDBACK_STATE": host.state}, {}):
        reply = host.ask_told("/static/data.json", **told)
        assert is_503(reply) and numbers(reply) == ["HB0014"], told


# Catalogs that do not count


def other_version(data, by):
    return data[:8] + (catalog_file.VERSION + by).to_bytes(4, "little") + data[12:]


DAMAGED = {
    "an older format": (lambda data: other_version(data, -1), "HB0034"),
    "a newer format": (lambda data: other_version(data, 1), "HB0034"),
    "another byte order": (lambda data: data[:12] + data[15:11:-1] + data[16:], "HB0034"),
    "cut in its head": (lambda data: data[:300], "HB0030"),
    "cut in the middle": (lambda data: data[:len(data) // 8192 * 4096], "HB0030"),
    "a page too long": (lambda data: data + bytes(4096), "HB0030"),
    "a bit of its head": (lambda data: data[:400] + bytes([data[400] ^ 4]) + data[401:], "HB0030"),
    "nothing": (lambda data: b"", "HB0030"),
    "zeros": (lambda data: bytes(len(data)), "HB0030"),
}


@pytest.mark.parametrize("case", DAMAGED)
@pytest.mark.parametrize("found", ["beside", "state"])
def test_a_damaged_catalog_is_set_aside_and_never_believed(host, case, found):
    damage, number = DAMAGED[case]
    host.write_beside()
    path = host.beside if found == "beside" else host.catalog
    path.write_bytes(damage(path.read_bytes()))
    told = {}
    if found == "state":
        host.beside.unlink()
        told = {"HANDBACK_STATE": host.state}
    host.give()
    reply = host.ask_told(**told)
    assert is_live(host, reply) and numbers(reply) == [number]
    assert is_503(host.ask(**told))


def test_what_is_set_aside_is_said_once_by_whichever_program_answers(host):
    host.put_full_program()
    host.catalog.write_bytes(other_version(host.catalog.read_bytes(), 1))
    host.give()
    assert numbers(host.ask_told(HANDBACK_STATE=host.state)) == ["HB0034"]
    host.link()
    assert numbers(host.ask_told()) == ["HB0034"]


def test_a_page_that_is_damaged_costs_only_the_names_on_it(host):
    host.link()
    good, manifest = host.catalog.read_bytes(), host.project.manifest()
    head = int.from_bytes(good[24:32], "little")
    name, refused = manifest["css/site.css"], 0
    for page in range(head, len(good), 4096):
        at = page + 100
        host.catalog.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        reply = host.ask(url_of(name))
        if is_503(reply):
            refused += 1
            assert numbers(reply), page
        else:
            assert reply.body == host.project.bytes_of(name), page
    assert 1 <= refused <= 3, "two of slots, where it is looked for, and the one of its leaf"


@needs_root
def test_a_catalog_of_the_owner_of_its_directory_counts_and_that_of_a_stranger_does_not(host):
    host.write_beside()
    assert is_from_catalog(host.ask())
    shutil.chown(host.beside, STRANGER)
    reply = host.ask()
    assert is_503(reply) and numbers(reply)[0] == "HB0033"
    reply = host.ask_told()
    assert is_live(host, reply) and numbers(reply) == ["HB0033"]
    shutil.chown(host.beside, "root")
    assert is_from_catalog(host.ask())


@needs_root
def test_a_directory_that_everybody_may_write_to_vouches_for_no_catalog(host):
    host.write_beside()
    host.bin.chmod(0o777)
    assert numbers(host.ask())[0] == "HB0033"
    assert is_from_catalog(host.ask_told()), "the owner of the root is known all the same"


@needs_root
def test_a_state_directory_of_a_stranger_does_not_count_beside_a_root_of_another(host):
    for path in (host.state, host.catalog):
        shutil.chown(path, STRANGER)
    reply = host.ask_told(HANDBACK_STATE=host.state)
    assert is_live(host, reply) and numbers(reply) == ["HB0033"]
    assert is_from_catalog(host.ask(HANDBACK_STATE=host.state)), "no root was named, and one owner"


def test_a_catalog_that_everybody_may_write_to_does_not_count(host):
    host.link()
    host.catalog.chmod(0o666)
    reply = host.ask_told()
    assert is_live(host, reply) and numbers(reply) == ["HB0033"]
    host.catalog.chmod(0o664)
    reply = host.ask_told()
    assert is_from_catalog(reply) and numbers(reply) == ["HB0036"]


@pytest.mark.needs_root("or the tester owns the file and reads it all the same")
def test_a_catalog_that_nobody_lets_it_read_is_said_and_not_only_missed(host):
    host.link()
    host.catalog.chmod(0o600)
    reply = host.ask_told()
    assert is_live(host, reply) and numbers(reply) == ["HB0030"]
    assert "chmod" in reply.stderr.decode()


# Its environment


# What suEXEC lets through, as mod_cgi and a RewriteRule of .htaccess fill it in.
OF_SUEXEC = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SERVER_SOFTWARE": "Apache", "SERVER_SIGNATURE": "", "SERVER_NAME": "example.org",
    "SERVER_ADDR": "127.0.0.1", "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_ADMIN": "me@example.org", "REQUEST_SCHEME": "https", "HTTPS": "on",
    "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "5", "REQUEST_METHOD": "GET", "QUERY_STRING": "",
    "SCRIPT_NAME": "/cgi-bin/handback.cgi", "REDIRECT_STATUS": "200", "HTTP_HOST": "example.org",
    "HTTP_ACCEPT_ENCODING": "gzip, br", "UNIQUE_ID": "x", "CONTEXT_PREFIX": "/cgi-bin/",
}


def test_what_suexec_leaves_of_the_environment_suffices(host):
    write(host.home / "top/robots.txt", b"*\n")
    write(host.home / "media/photo.png", b"png")
    settings = {"mounts": [
        {"kind": "static", "root": "static", "headers": {"*.css": {"X-Mine": "yes"}}},
        {"kind": "media", "url": "/media/", "root": "media"},
        {"kind": "root", "url": "/", "root": "top"}], "state": "state"}
    write(host.home / "settings.json", json.dumps(settings).encode())
    done = subprocess.run([host.work.program, "prepare", "--beside", host.bin], timeout=60,
                          env={"HANDBACK_CONFIG": str(host.home / "settings.json")})
    assert done.returncode in (0, 1)
    readable(host.home / "top"), readable(host.home / "media"), host.give()
    hashed = host.project.manifest()["css/site.css"]
    wanted = {url_of(hashed): "css/site.css", "/static/js/app.js": "js/app.js"}
    for target, name in wanted.items():
        answer = suexec(host, target)
        sibling = host.root / f"{host.project.manifest()[name]}.br"
        assert answer.body == sibling.read_bytes() and answer.stderr == b""
        assert answer.headers["content-encoding"] == "br"
    assert suexec(host, url_of(hashed)).headers["x-mine"] == "yes"
    assert suexec(host, "/robots.txt").body == b"*\n"
    assert suexec(host, "/media/photo.png").body == b"png"
    assert suexec(host, "/elsewhere").status == "404 Not Found"


def suexec(host, target):
    """It goes to the directory and starts the program by its bare name, as an empty PATH does."""
    environment = OF_SUEXEC | {"REQUEST_URI": target, "REDIRECT_URL": target, "PATH": "",
                               "SCRIPT_FILENAME": str(host.cgi), "DOCUMENT_ROOT": str(host.home)}
    done = subprocess.run([host.cgi.name], env=environment, stdin=subprocess.DEVNULL, cwd=host.bin,
                          capture_output=True, timeout=20, **as_server())
    return fastcgi.parse(done.stdout, done.stderr)


IGNORED = {"HANDBACK_MAX_AGE": "5", "HANDBACK_CONFIG": "/nowhere", "HANDBACK_IMMUTABLE": "*",
           "HANDBACK_DIRS": "/etc", "HANDBACK_FOLLOW": "/etc", "HANDBACK_TYPO": "x"}
TAKEN = {"HANDBACK_DELIVERY": "body", "HANDBACK_CODING_HEADER": "X-Coding"}


def test_a_setting_that_has_no_effect_is_said_and_has_none(host):
    host.link()
    plain = host.ask(**TAKEN)
    assert (numbers(plain), is_from_catalog(plain)) == ([], True)
    reply = host.ask(**IGNORED, **TAKEN)
    assert reply.raw == plain.raw
    assert numbers(reply) == ["HB0006"] * len(IGNORED)
    assert all(f": {name} has" in reply.stderr.decode() for name in IGNORED)


def test_roots_and_urls_of_the_environment_beat_those_of_the_catalog(host, work):
    host.link()
    moved = host.home / "moved"
    name = host.project.manifest()["css/site.css"]
    host.root.rename(moved)
    shutil.rmtree(host.state / "pool")
    assert is_503(host.ask(url_of(name)))
    reply = host.ask(url_of(name), STATIC_ROOT=moved)
    assert reply.body == (moved / name).read_bytes()
    media, top = work.fresh("media"), work.fresh("top")
    write(media / "face.html", b"<p>")
    write(top / "robots.txt", b"*\n")
    more = {"STATIC_ROOT": moved, "MEDIA_ROOT": media, "MEDIA_URL": "/up/", "HANDBACK_ROOT": top}
    upload = host.ask("/up/face.html", **more)
    assert upload.headers["content-disposition"].startswith("attachment")
    assert host.ask("/robots.txt", **more).body == b"*\n"
    assert host.ask("/robots.txt").status == "404 Not Found"
    assert host.ask(url_of(name), **more).body == reply.body


def test_release_id_chooses_the_release(host, work):
    for number in "12":
        write(host.root / f"r{number}.css", f"release {number}\n".encode())
        manifest = {"paths": {"site.css": f"r{number}.css"}, "version": "1.0"}
        write(host.root / f"r{number}/staticfiles.json", json.dumps(manifest).encode())
    prepare(work, host.root, host.state)
    host.link()
    for number in "12":
        reply = host.ask("/static/site.css", RELEASE_ID=f"r{number}")
        assert (reply.body, reply.stderr) == (f"release {number}\n".encode(), b"")
    assert numbers(host.ask("/static/site.css", RELEASE_ID="r3")) == ["HB0026"]


# The same answers as the full program


@pytest.fixture(scope="module")
def twins(work, project):
    """Asks both release programs, with the same environment and catalog."""
    both = [work.release, work.cgi_release]
    assert all(both), "no release programs: build them, or name them by HANDBACK_PROGRAM_RELEASE"
    state = prepare(work, project.root)
    told = {"STATIC_ROOT": str(project.root), "HANDBACK_STATE": str(state)}

    def ask(params):
        environment = told | {k: v for k, v in params.items() if "\0" not in k + v}
        replies = []
        for program in both:
            done = subprocess.run([program], env=environment, input=b"", capture_output=True,
                                  cwd="/", timeout=20)
            replies.append((done.returncode, boundless(done.stdout), done.stderr))
        return replies

    return ask


def boundless(raw):
    found = re.search(rb"boundary=(\S+)", raw)
    return raw.replace(found[1], b"BOUNDARY") if found else raw


DELIVERED = {
    "body": {},
    "x-sendfile": {"HANDBACK_DELIVERY": "x-sendfile", "HANDBACK_CODING_HEADER": "X-Coding"},
    "local-redirect": {"HANDBACK_DELIVERY": "local-redirect", "HANDBACK_DELIVERY_URL": "/closed/"},
    "x-accel-redirect": {"HANDBACK_DELIVERY": "x-accel-redirect",
                         "HANDBACK_DELIVERY_URL": "/closed/"},
}


@pytest.mark.parametrize("delivery", DELIVERED)
def test_every_request_of_a_file_has_the_answer_of_the_full_program(twins, project, delivery):
    name = project.manifest()["css/site.css"]
    tag = f'"{name.split(".")[-2]}"'
    for headers, _ in OF_A_FILE.values():
        headers = {key: value.replace(TAG, tag) for key, value in headers.items()}
        full, static = twins(parameters(url_of(name), headers=headers) | DELIVERED[delivery])
        assert static == full, headers
    for name in FILES + MISSING + [project.manifest().get(name, name) for name in FILES]:
        for method in ("GET", "HEAD", "OPTIONS", "PUT"):
            full, static = twins(parameters(url_of(name), method) | DELIVERED[delivery])
            assert static == full, (name, method)


def test_random_requests_have_the_answers_of_the_full_program(twins, project):
    manifest = project.manifest()
    paths = [f"/static/{name}" for pair in list(manifest.items())[::6] for name in pair]
    paths += [f"/static/{name}" for name in FILES] + ["/media/x.png", "/robots.txt"]
    tags = {f"/static/{name}": (f'"{name.split(".")[-2]}"', "Tue, 14 Nov 2023 22:13:20 GMT", 20000)
            for name in list(manifest.values())[::6] if name.count(".") > 1}
    random = Generator(20261121, paths, tags)
    kinds = Counter()
    for number in range(500):
        asked = random.request()
        params = fastcgi.usual(asked.target.decode("latin-1"), REQUEST_METHOD=asked.method)
        params |= asked.variables() | list(DELIVERED.values())[number % 4]
        full, static = twins(params)
        assert static == full, asked
        kinds[full[1][8:11]] += 1
    assert len(kinds) >= 8 and kinds[b"200"] > 100, kinds


# Arguments, bodies, descriptors, clients


def test_a_request_body_is_read_away_and_no_further_than_its_bound(host):
    host.link()
    process = host.start(REQUEST_METHOD="POST", CONTENT_LENGTH=str(1 << 40))
    sent, piece = 0, bytes(1 << 20)
    try:
        while sent < 8 * DRAIN_BYTES:
            sent += os.write(process.stdin.fileno(), piece)
    except BrokenPipeError:
        pass
    assert DRAIN_BYTES <= sent <= DRAIN_BYTES + (2 << 20), "what it reads, and what a pipe holds"
    reply = fastcgi.parse(process.stdout.read())
    assert reply.status == "405 Method Not Allowed"


@pytest.fixture(scope="module", autouse=True)
def slow_bodies(prepared):
    """Two clients that never end, begun here: the time they may take passes in other tests."""
    made = Host(prepared.work, prepared.project, like=prepared)
    made.link()
    began, ended = time.monotonic(), threading.Event()
    silent, trickling = (made.start(REQUEST_METHOD="POST", CONTENT_LENGTH="1000000") for _ in "12")

    def trickle():
        while not ended.wait(0.4):
            try:
                os.write(trickling.stdin.fileno(), b"x")
            except OSError:
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    yield began, {"silent": silent, "trickling": trickling}
    ended.set()
    thread.join()


def test_a_request_body_that_never_ends_is_bounded_in_time(slow_bodies):
    began, processes = slow_bodies
    for kind, process in processes.items():
        left = began + 2.5 * DRAIN_SECONDS - time.monotonic()
        wait_until(lambda: process.poll() is not None, max(left, 0.1), f"{kind}: the end")
        assert fastcgi.parse(process.stdout.read()).status == "405 Method Not Allowed"


CLOSED = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-", "all three": "<&- >&- 2>&-"}


@pytest.mark.parametrize("case", CLOSED)
def test_a_closed_descriptor_spoils_no_file_and_no_answer(host, case):
    """What is opened next would take its number."""
    host.link()
    before = {path: path.stat().st_mtime_ns for path in host.home.rglob("*")}
    command = f'exec "$0" {CLOSED[case]}'
    environment = fastcgi.usual("/static/css/site.css", HANDBACK_TYPO="x", REQUEST_METHOD="POST",
                                CONTENT_LENGTH="5")
    done = subprocess.run(["/bin/sh", "-c", command, host.cgi], env=environment, input=b"12345",
                          capture_output=True, timeout=20, cwd="/")
    if "stdout" not in case and case != "all three":
        assert fastcgi.parse(done.stdout).status == "405 Method Not Allowed"
    else:
        assert done.stdout == b""
    assert {path: path.stat().st_mtime_ns for path in host.home.rglob("*")} == before


@pytest.mark.parametrize("ignored", [False, True], ids=["SIGPIPE", "EPIPE"])
def test_a_client_that_goes_away_ends_it_quietly(host, ignored):
    """Some servers start it with the signal ignored."""
    host.link()
    write(host.root / "big.bin", ASSETS["big.bin"])
    kept = signal.signal(signal.SIGPIPE, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        process = subprocess.Popen(
            [host.cgi], env=fastcgi.usual("/static/big.bin"), stdin=subprocess.DEVNULL, cwd="/",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=False)
    finally:
        signal.signal(signal.SIGPIPE, kept)
    assert process.stdout.read(1000).startswith(b"Status: 200 ")
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(10) == (1 if ignored else -signal.SIGPIPE)
    assert said == b""


# For whoever has a shell


def describe(host, **environment):
    environment = {key: str(value) for key, value in environment.items()}
    return subprocess.run([host.cgi, "--version"], env=environment, capture_output=True, text=True,
                          timeout=20, stdin=subprocess.DEVNULL)


def test_started_by_a_person_it_tells_its_catalog(host):
    host.link()
    done = describe(host)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert re.match(r"handback\.cgi \d+\.\d+\.\d+: ", first)
    word, path = second.split(": ")
    assert word == "catalog" and Path(path).resolve() == host.catalog


def test_started_by_a_person_without_a_catalog_it_tells_what_is_wrong(host):
    assert "HB0038" in describe(host).stderr and describe(host).returncode == 1
    shutil.copy(host.catalog, host.beside)
    done = describe(host)
    assert done.returncode == 1 and "HB0039" in done.stderr and "catalog:" not in done.stdout
    done = describe(host, STATIC_ROOT="static")
    assert done.returncode == 1 and "HB0004" in done.stderr


# What it costs


def is_of_musl(program):
    return b"musl" in program.read_bytes() or b"GNU C Library" not in program.read_bytes()


@pytest.fixture(scope="module")
def large(work, project):
    """The release program beside a catalog of 20,000 names, and one of them."""
    assert work.cgi_release, "what it costs is measured on the release program"
    host = Host(work, project, work.cgi_release)
    names = [Name(name=f"some/directory/file-{number}.{number:012x}.css", type="text/css")
             for number in range(20_000)]
    host.catalog.write_bytes(catalog_file.write([Mount(max_age=MARK)], names))
    for name in (names[1].name, names[-1].name):
        write(host.root / name, b"body { margin: 0 }\n")
    host.link()
    host.give()
    assert host.catalog.stat().st_size > 1_500_000
    return host, names[-1].name


def calls(host, target, which, **more):
    """Its system calls, as strace tells them."""
    trace = host.work.fresh("trace") / "calls"
    environment = fastcgi.usual(target) | more
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", f"trace={which}", "-o", trace, host.cgi], input=b"",
        env=environment, capture_output=True, timeout=30)
    if b"ptrace" in done.stderr:
        pytest.skip("not run: no process may be traced here")
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines()]
    return [line for line in lines if not line.startswith("+++")], fastcgi.parse(done.stdout)


def test_of_a_large_catalog_it_reads_no_more_than_16_kilobytes(large):
    host, name = large
    for target, status in ((url_of(name), "200"), ("/static/no/such.css", "404")):
        lines, reply = calls(host, target, "pread64,read,readv,preadv,mmap,openat,open,openat2")
        assert reply.status.startswith(status)
        opened = next(line for line in lines if "/catalog" in line and "= -1" not in line)
        fd = opened.rpartition("= ")[2]
        read = [line for line in lines if line.startswith((f"pread64({fd},", f"read({fd},"))]
        total = sum(int(line.rpartition("= ")[2]) for line in read)
        assert 4096 < total <= 16384 and len(read) <= 4, read
        assert not [line for line in lines if line.startswith("mmap") and f", {fd}, " in line]


def test_an_answer_takes_no_memory_but_that_of_the_head(large):
    """brk and anonymous mappings are what malloc would ask for."""
    host, name = large
    if not is_of_musl(host.cgi):
        pytest.skip("not run: the C library of this build allocates as it starts")
    for more in ({}, {"HTTP_RANGE": "bytes=0-1,4-5", "HTTP_ACCEPT_ENCODING": "br"},
                 {"REQUEST_METHOD": "POST", "HTTP_IF_NONE_MATCH": '"x", "y"'}):
        lines, _ = calls(host, url_of(name), "brk,mmap,mremap", **more)
        assert [line.partition("(")[0] for line in lines] == ["mmap"], lines


WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE")


def test_it_writes_nothing_but_its_answer(large):
    host, name = large
    changing = ("write,writev,pwrite64,sendfile,unlink,unlinkat,rename,renameat,renameat2,mkdir,"
                "mkdirat,link,linkat,symlink,symlinkat,truncate,ftruncate,chmod,fchmod,fchmodat,"
                "utimensat,socket,connect,fork,vfork,clone,execve,open,openat,openat2")
    lines, _ = calls(host, url_of(name), changing, HANDBACK_TYPO="x")
    opened = [line for line in lines if line.startswith("open") and "/dev/null" not in line]
    assert opened and not [line for line in opened if WRITING.search(line)], opened
    others = [line for line in lines if not line.startswith(("open", "execve"))]
    assert others and all(re.match(r"writev?\([12],", line) for line in others), others


def test_the_release_is_one_small_static_file(work):
    assert work.cgi_release, "no release program"
    told = subprocess.run(["readelf", "-lW", work.cgi_release], capture_output=True, text=True)
    assert told.returncode == 0 and "LOAD" in told.stdout
    assert "INTERP" not in told.stdout and "Requesting program interpreter" not in told.stdout
    if is_of_musl(work.cgi_release):
        assert work.cgi_release.stat().st_size <= 100 * 1024


# Through it run all tests that have a front


def test_every_test_that_has_a_front_has_this_one_or_a_reason():
    """Of the modules that were collected."""
    modules = {name.partition("::")[0] for name in FRONTS_OF}
    without = {name for name, fronts in FRONTS_OF.items() if fronts and "static" not in fronts}
    assert without == {name for name in NOT_THROUGH_STATIC if name.partition("::")[0] in modules}
