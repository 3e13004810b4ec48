"""The catalog as a file: who may have written it, what happens to it while it is served, and what
interrupts the one who writes it."""

import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

import catalog_file
import fastcgi
from catalog_file import AGREES, EVERY_RELEASE, POOLED, Mount, Name, Release
from client import Torn
from django_site import LIVE, write
from harness import (
    CGIS, ROOT, Apache, Load, Serve, as_server, no_sanitizer_report, url_of, wait_until,
)

IMMUTABLE = "max-age=315360000, public, immutable"
# No responder is given this max-age: whoever sends it has it from the catalog.
MARK = 77
FROM_CATALOG, COMPILED = f"max-age={MARK}, public", "max-age=60, public"
DEPLOYER = {"user": "nobody", "group": "nogroup", "extra_groups": []} if ROOT else {}
STRANGER = "games"
needs_root = pytest.mark.needs_root("to give files to other users")


@pytest.fixture(params=["handback", "handback.cgi"])
def responder(request, work):
    """Without a catalog that counts the static CGI becomes the full program beside it."""
    return {"handback": work.program, "handback.cgi": work.pairs["dev"]}[request.param]


def hashed(data):
    return hashlib.md5(data).hexdigest()[:12]


class Deployed:
    """A copy of the project in the hands of a deploy user, whose state lies beside the root."""

    def __init__(self, work, project):
        self.work, self.project, self.program = work, project, work.program
        self.home = work.fresh("deployed")
        self.root, self.state = self.home / "static", self.home / "state"
        self.catalog = self.state / "catalog"
        shutil.copytree(project.root, self.root)
        self.give_to_deployer()

    def give_to_deployer(self):
        for path in [self.home, *self.home.rglob("*")] if ROOT else []:
            shutil.chown(path, DEPLOYER["user"], DEPLOYER["group"])

    def start_prepare(self, *options, before=(), **environment):
        environment = {"STATIC_ROOT": self.root, "HANDBACK_STATE": self.state,
                       "HANDBACK_MAX_AGE": MARK, **environment}
        process = subprocess.Popen(
            [*before, self.work.program, "prepare", *options], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd="/", **DEPLOYER,
            env={key: str(value) for key, value in environment.items() if value is not None})
        self.work.spawned.append(process)
        return process

    def prepare(self, *options, code=0, **environment):
        process = self.start_prepare(*options, **environment)
        out, err = process.communicate(timeout=120)
        no_sanitizer_report(err, "prepare")
        assert process.returncode == code, out + err
        return out + err

    def settings(self):
        return {"STATIC_ROOT": self.root, "HANDBACK_STATE": self.state}

    def run_cgi(self, target="/static/css/site.css", **settings):
        """A program as a CGI, with no settings but these."""
        params = {**fastcgi.usual(target), **{k: str(v) for k, v in settings.items()}}
        done = subprocess.run([self.program], env=params, input=b"", capture_output=True,
                              cwd="/", timeout=20, **as_server())
        no_sanitizer_report(done.stderr.decode(errors="replace"), "CGI")
        return fastcgi.parse(done.stdout, done.stderr)

    def release(self, text):
        """Another release, as collectstatic would leave it."""
        own = type(self.project)(self.home)
        write(self.root / "data.json", text)
        name = f"data.{hashed(text)}.json"
        write(self.root / name, text)
        paths = own.manifest() | {"data.json": name}
        write(self.root / "staticfiles.json", json.dumps(
            {"paths": paths, "version": "1.0"}).encode())
        self.give_to_deployer()
        return name


@pytest.fixture
def deployed(work, project):
    made = Deployed(work, project)
    made.prepare()
    return made


def open_way(site, deployed, front, delivery="body"):
    """As the shipped files are told of a state directory beside the root."""
    settings = {"HANDBACK_STATE": deployed.state} if front in ("proxy", "static") else {}
    return site(front, delivery, deployed.root, **settings, static=deployed.work.pairs["release"],
                extra=f'Define HANDBACK_STATE "{deployed.state}"\n')


def judge_project(deployed, get):
    """Original, hashed and live names, whole, whatever the catalog is worth."""
    manifest = deployed.project.manifest()
    for name in ("css/site.css", "data.json", manifest["css/site.css"], "live/plain.txt"):
        answer = get(name)
        assert (answer.status, answer.body) == (200, deployed.project.bytes_of(name)), name


# Who wrote it


def test_a_catalog_of_the_owner_of_the_root_is_used(site, deployed, front):
    way = open_way(site, deployed, front)
    assert way.get("css/site.css")["Cache-Control"] == FROM_CATALOG
    assert way.get(deployed.project.manifest()["css/site.css"])["Cache-Control"] == IMMUTABLE
    judge_project(deployed, way.get)
    assert "handback: HB003" not in way.diagnoses()


def everybody(catalog):
    catalog.chmod(0o666)


def stranger(catalog):
    shutil.chown(catalog, STRANGER)


@needs_root
@pytest.mark.parametrize("harm", [everybody, stranger])
def test_a_catalog_that_others_could_have_written_is_set_aside(site, deployed, front, harm):
    harm(deployed.catalog)
    way = open_way(site, deployed, front)
    assert way.get("css/site.css")["Cache-Control"] == COMPILED
    judge_project(deployed, way.get)
    wait_until(lambda: "handback: HB0033: " in way.diagnoses(), 3, "HB0033")
    shutil.chown(deployed.catalog, DEPLOYER["user"])
    deployed.catalog.chmod(0o644)
    wait_until(lambda: way.get("css/site.css")["Cache-Control"] == FROM_CATALOG, 5, "mended")


def test_a_catalog_that_its_group_may_write_is_used_and_reported(site, deployed, front):
    deployed.catalog.chmod(0o664)
    way = open_way(site, deployed, front)
    assert way.get("css/site.css")["Cache-Control"] == FROM_CATALOG
    wait_until(lambda: "handback: HB0036: " in way.diagnoses(), 3, "HB0036")


@needs_root
def test_a_catalog_of_a_stranger_does_not_vouch_for_itself_by_its_own_roots(
        work, project, responder):
    """Without STATIC_ROOT the roots come from the catalog: their owners prove nothing then."""
    made = Deployed(work, project)
    made.program = responder
    secret = made.home / "secret"
    write(secret / "key.txt", b"a secret\n")
    bait = made.home / "bait"
    bait.mkdir()
    shutil.chown(bait, STRANGER)
    made.state.mkdir()
    made.catalog.write_bytes(catalog_file.write(
        [Mount(root="../bait"), Mount(url="/static/x/", root="../secret")], []))
    shutil.chown(made.catalog, STRANGER)
    answer = made.run_cgi("/static/x/key.txt", HANDBACK_STATE=made.state)
    assert b"a secret" not in answer.body
    assert b"HB0033" in answer.stderr


# Another format


@pytest.mark.parametrize("version", [catalog_file.VERSION - 1, catalog_file.VERSION + 1])
def test_another_version_of_the_format_is_set_aside(site, deployed, front, version):
    good = deployed.catalog.read_bytes()
    deployed.catalog.write_bytes(good[:8] + version.to_bytes(4, "little") + good[12:])
    way = open_way(site, deployed, front)
    assert way.get("css/site.css")["Cache-Control"] == COMPILED
    judge_project(deployed, way.get)
    wait_until(lambda: "handback: HB0034: " in way.diagnoses(), 3, "HB0034")
    deployed.prepare()
    wait_until(lambda: way.get("css/site.css")["Cache-Control"] == FROM_CATALOG, 5, "made anew")


def test_what_prepare_writes_is_read_by_the_description_of_the_format(deployed):
    names = catalog_file.read(deployed.catalog.read_bytes())
    manifest = deployed.project.manifest()
    assert {name for _, name, release in names if release != EVERY_RELEASE} == set(manifest)
    for (_, name, release), (path, _, flags, proof, size, md5) in names.items():
        assert path == (manifest[name] if release != EVERY_RELEASE else name)
        assert proof == AGREES and flags & POOLED, name
        assert hashed(deployed.project.bytes_of(path)) == md5.hex()[:12], name
        assert size == (deployed.root / path).stat().st_size


def hand_made(deployed, names, mounts=None, releases=()):
    data = catalog_file.write(mounts or [Mount(max_age=MARK)], names, releases)
    shutil.rmtree(deployed.state)
    deployed.state.mkdir()
    deployed.catalog.write_bytes(data)
    assert set(name for _, name, _ in catalog_file.read(data)) == {one.name for one in names}
    deployed.give_to_deployer()


def test_what_is_written_by_the_description_of_the_format_is_used(site, deployed, front):
    """As many names as take several pages, one release, and the files of the project."""
    manifest = deployed.project.manifest()
    names = [Name(name=hashed_name, type="text/x-mine") for hashed_name in manifest.values()]
    names += [Name(name=original, path=hashed_name, type="text/x-mine", release=0)
              for original, hashed_name in manifest.items()]
    hand_made(deployed, names, releases=[Release("one", ["../static"])])
    way = open_way(site, deployed, front)
    for name in ("css/site.css", manifest["css/site.css"], "img/\u00e9t\u00e9.txt"):
        answer = way.get(name)
        assert (answer.status, answer.body) == (200, deployed.project.bytes_of(name))
        assert answer["Content-Type"].startswith("text/x-mine")
    assert way.get(manifest["css/site.css"])["Cache-Control"] == IMMUTABLE
    assert way.get("css/site.css")["Cache-Control"] == FROM_CATALOG


def sparse(catalog):
    with open(catalog, "wb") as file:
        file.write(struct.pack("=8sII", b"HANDBACK", catalog_file.VERSION, catalog_file.BYTE_ORDER))
        file.truncate(1 << 30)


STRANGE = {
    "a directory": lambda catalog: catalog.mkdir(),
    "a FIFO": os.mkfifo,
    "a link to itself": lambda catalog: catalog.symlink_to("catalog"),
    "a link to a device": lambda catalog: catalog.symlink_to("/dev/zero"),
    "an empty file": lambda catalog: catalog.touch(),
    "one byte": lambda catalog: catalog.write_bytes(b"H"),
    "a manifest": lambda catalog: catalog.write_bytes(b'{"paths": {}, "version": "1.0"}'),
    "a gigabyte of nothing": sparse,
}


def bytes_read_by(pid):
    return int(Path(f"/proc/{pid}/io").read_text().split()[1])


@pytest.mark.parametrize("case", STRANGE)
def test_what_is_no_catalog_is_set_aside_at_once(work, deployed, case):
    deployed.catalog.unlink()
    STRANGE[case](deployed.catalog)
    for deployed.program in (work.program, work.pairs["dev"]):
        reply = deployed.run_cgi(**deployed.settings())
        assert (reply.status, reply.body) == ("200 OK", deployed.project.bytes_of("css/site.css"))
        assert reply.headers["cache-control"] == COMPILED
        assert b"handback: HB0030: " in reply.stderr
    with Serve(work, "--workers", 1, root=deployed.root, HANDBACK_STATE=deployed.state) as serve:
        assert serve.answers_well()
        assert serve.stderr().count("handback: HB0030: ") == 1
        assert not serve.status()["catalog"]["stored"]
        assert bytes_read_by(serve.process.pid) < 100_000_000
        shutil.rmtree(deployed.catalog) if case == "a directory" else deployed.catalog.unlink()
        deployed.prepare()
        wait_until(lambda: serve.status()["catalog"]["stored"], 5, "the catalog that is one")


SECRET = b"what no client may have\n"
LEADING_OUT = ["../secret.txt", "css/../../secret.txt", "{home}/secret.txt", "//secret.txt",
               "css/./../../secret.txt", "..", ".", "a\n../secret.txt", ".hidden/secret.txt",
               ".htpasswd", "../state/secret.txt", "outside.txt"]


@pytest.fixture
def tempting(deployed):
    """Secrets beside the root, in the state, hidden in root and pool, and behind a link."""
    write(deployed.home / "secret.txt", SECRET)
    (deployed.root / "outside.txt").symlink_to("../secret.txt")
    names = []
    for number, path in enumerate(LEADING_OUT):
        path = path.format(home=deployed.home)
        names += [Name(name=f"bait{number}.txt", path=path),
                  Name(name=f"pooled{number}.txt", path=path, flags=POOLED)]
    hand_made(deployed, [Name(name="css/site.css"), *names], releases=[Release("a", ["../static"])])
    for place in (deployed.root, deployed.state / "pool"):
        write(place / ".hidden/secret.txt", SECRET)
        write(place / ".htpasswd", SECRET)
    write(deployed.state / "secret.txt", SECRET)
    (deployed.state / "pool/outside.txt").symlink_to("../secret.txt")
    deployed.give_to_deployer()
    return deployed, [name.name for name in names]


@pytest.mark.parametrize("delivery", ["body", "x-sendfile"])
def test_no_path_of_a_catalog_leads_out_of_root_and_pool(site, tempting, front, delivery):
    """A CGI looks a leaf at when it needs it; whoever serves on refuses the catalog as a whole."""
    deployed, names = tempting
    way = open_way(site, deployed, front, delivery)
    used = way.get("css/site.css")["Cache-Control"] == FROM_CATALOG
    assert used == (front in CGIS)
    for name in names:
        answer = way.get(name)
        assert answer.status in (404, 503), name
        assert SECRET not in answer.body
    if front not in CGIS:
        assert "handback: HB0030: " in way.diagnoses()


# While it is served


def halves(catalog, good):
    """An upload that was broken off, and goes on."""
    os.truncate(catalog, len(good) // 2)
    time.sleep(0.5)
    with open(catalog, "r+b") as file:
        file.seek(len(good) // 2)
        file.write(good[len(good) // 2:])


def slowly(catalog, good):
    """As FTP overwrites: cut to nothing, and then piece by piece."""
    with open(catalog, "r+b") as file:
        file.truncate(0)
        for at in range(0, len(good), 4096):
            file.write(good[at:at + 4096])
            file.flush()
            time.sleep(0.02)


def flips(catalog, good):
    """One byte after another, all over the file, is wrong for a moment."""
    with open(catalog, "r+b", buffering=0) as file:
        for at in range(200, len(good), len(good) // 60):
            os.pwrite(file.fileno(), bytes([good[at] ^ 0x40]), at)
            time.sleep(0.01)
            os.pwrite(file.fileno(), good[at:at + 1], at)


def noise(catalog, good):
    """Something else of the same length."""
    with open(catalog, "r+b", buffering=0) as file:
        os.pwrite(file.fileno(), random.Random(1).randbytes(len(good)), 0)
        time.sleep(0.5)
        os.pwrite(file.fileno(), good, 0)


def gone(catalog, good):
    catalog.unlink()
    time.sleep(0.5)
    catalog.write_bytes(good)


def asker_of(way, wanted, front):
    """A request for Load: right, or refused as this front may refuse it."""
    names = list(wanted)

    def ask():
        name = random.choice(names)
        try:
            answer = way.get(name)
        except Torn:
            if front == "fcgid":
                return None  # its process is lost
            raise
        if (answer.status, answer.body) == (200, wanted[name]):
            return None
        if front in CGIS and answer.status == 503 and answer["Retry-After"]:
            return None if answer["Cache-Control"] == "no-store" else "a 503 that may be stored"
        if front == "fcgid" and answer.status in (500, 503):
            return None
        return f"{name}: {answer.status} with {len(answer.body)} of {len(wanted[name])} bytes"

    return ask


@pytest.mark.parametrize("harm", [halves, slowly, flips, noise, gone])
def test_a_catalog_that_is_changed_in_place_harms_no_answer(site, deployed, front, harm):
    manifest = deployed.project.manifest()
    names = ["css/site.css", "data.json", "img/dot.png", "LICENSE"]
    wanted = {name: deployed.project.bytes_of(name)
              for name in [*names, *(manifest[name] for name in names), *LIVE]}
    way = open_way(site, deployed, front)
    assert way.get("css/site.css")["Cache-Control"] == FROM_CATALOG
    good = deployed.catalog.read_bytes()
    with Load(asker_of(way, wanted, front), threads=3) as load:
        load.wait_for(20)
        harm(deployed.catalog, good)
        load.wait_for(20)
    assert not load.failures, load.failures[:5]
    # Whoever compiled meanwhile takes the catalog again.
    wait_until(lambda: way.get("css/site.css")["Cache-Control"] == FROM_CATALOG, 5, "whole again")
    for name, body in wanted.items():
        assert way.get(name).body == body


def shuffle(catalog, good, ended):
    """Noise and the right bytes by turns, in place: both are read by halves."""
    with open(catalog, "r+b", buffering=0) as file:
        while not ended.is_set():
            os.pwrite(file.fileno(), random.randbytes(len(good)), 0)
            os.pwrite(file.fileno(), good, 0)


def cut_and_mend(catalog, good, ended):
    with open(catalog, "r+b", buffering=0) as file:
        while not ended.is_set():
            os.truncate(file.fileno(), random.randrange(len(good)))
            os.pwrite(file.fileno(), good, 0)


@pytest.mark.parametrize("harm", [shuffle, cut_and_mend])
def test_a_cgi_is_right_or_503_however_fast_its_catalog_changes(deployed, harm, cgi_program):
    """What was checked must not be read again from a file that others write to. The static CGI
    alone may also take a file of the live tree."""
    deployed.program = cgi_program
    manifest = deployed.project.manifest()
    names = [name for pair in manifest.items() for name in pair]
    ended = threading.Event()
    thread = threading.Thread(target=harm,
                              args=(deployed.catalog, deployed.catalog.read_bytes(), ended))
    thread.start()
    try:
        for name in random.choices(names, k=60):
            reply = deployed.run_cgi(url_of(name), **deployed.settings())
            if reply.status.startswith("503"):
                assert reply.headers["cache-control"] == "no-store", name
            else:
                assert reply.status == "200 OK", (name, reply.status, reply.stderr)
                live = cgi_program.name == "handback.cgi" and (deployed.root / name).read_bytes()
                assert reply.body in (deployed.project.bytes_of(name), live), name
    finally:
        ended.set()
        thread.join()


# Copies


def answers_of(deployed, settings):
    manifest = deployed.project.manifest()
    names = [*LIVE, deployed.project.proven, "nothing.css", *manifest, *manifest.values()]
    for name in random.Random(7).sample(names, 25):
        reply = deployed.run_cgi(url_of(name), HTTP_ACCEPT_ENCODING="br, gzip", **settings)
        yield name, reply.raw, reply.stderr


@pytest.mark.parametrize("inside", [False, True], ids=["beside the root", "in the root"])
def test_a_relocated_copy_answers_the_same(work, project, inside, responder):
    made = Deployed(work, project)
    made.program = responder
    made.prepare(**({"HANDBACK_STATE": None} if inside else {}))
    state = "static/.handback" if inside else "state"
    before = list(answers_of(made, {"HANDBACK_STATE": made.home / state}))
    assert sum(b"Status: 200" in raw for _, raw, _ in before) > 15
    copy = work.fresh("copy")
    subprocess.run(["rsync", "-a", f"{made.home}/", f"{copy}/"], check=True)
    shutil.rmtree(made.home)
    assert list(answers_of(made, {"HANDBACK_STATE": copy / state})) == before


def test_the_same_input_gives_the_same_bytes_on_two_machines(work, project):
    first, second = Deployed(work, project), Deployed(work, project)
    for path in second.root.rglob("*"):
        if path.is_file() and path.name != "staticfiles.json":
            moment = 1_600_000_000 + random.Random(str(path)).randrange(10**7)
            os.utime(path, (moment, moment))
    for made in (first, second):
        made.prepare()
    for name in ("catalog", "releases.json"):
        assert (first.state / name).read_bytes() == (second.state / name).read_bytes(), name


# Whoever writes it


def leftovers(state):
    known = {"catalog", "lock", "releases.json", "manifests", "pool", ".htaccess"}
    strange = [path.name for path in state.iterdir() if path.name not in known]
    return strange + [path for path in state.rglob(".*") if path.name != ".htaccess"]


def check_pool(state):
    """Whatever has its final name is whole."""
    for path in (state / "pool").rglob("*"):
        parts = path.name.split(".")
        if path.is_file() and not path.name.startswith(".") and path.suffix[1:] not in (
                "br", "gz", "zst"):
            digits = parts[-2] if len(parts) > 2 else parts[-1]
            assert hashed(path.read_bytes()) == digits, path


@pytest.fixture
def in_between(deployed):
    """A release was prepared, another is there: its state before, and both catalogs."""
    before = deployed.home / "before"
    deployed.prepare()
    old = deployed.catalog.read_bytes()
    deployed.release(b'{"a": 2}\n')
    shutil.copytree(deployed.state, before, symlinks=True)
    deployed.give_to_deployer()

    def again():
        shutil.rmtree(deployed.state)
        shutil.copytree(before, deployed.state, symlinks=True)
        # Half of the pool is to be added once more.
        for path in sorted((deployed.state / "pool").rglob("*.*"))[::2]:
            path.unlink()
        deployed.give_to_deployer()

    again()
    began = time.monotonic()
    deployed.prepare(HANDBACK_POOL="copy")
    return deployed, old, deployed.catalog.read_bytes(), time.monotonic() - began, again


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_prepare_that_is_killed_leaves_the_old_catalog_or_the_new(in_between, number):
    deployed, old, new, took, again = in_between
    assert old != new
    killed = 0
    for step in range(30 if number == signal.SIGKILL else 6):
        again()
        process = deployed.start_prepare(HANDBACK_POOL="copy")
        time.sleep(random.Random(step).uniform(0, took))
        process.send_signal(number)
        process.communicate(timeout=60)
        killed += process.returncode != 0
        assert deployed.catalog.read_bytes() in (old, new), step
        check_pool(deployed.state)
        deployed.prepare(HANDBACK_POOL="copy")
        assert deployed.catalog.read_bytes() == new, step
        assert leftovers(deployed.state) == [], step
    assert killed > 0


def test_a_file_size_limit_leaves_the_old_catalog(in_between):
    """As with a disk quota: the catalog itself does not fit any more."""
    deployed, old, new, _, again = in_between
    again()
    process = deployed.start_prepare(
        before=["/usr/bin/prlimit", f"--fsize={len(new) // 2}"], HANDBACK_POOL="copy")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and "HB0084" in err, err
    assert deployed.catalog.read_bytes() == old
    check_pool(deployed.state)
    deployed.prepare()
    assert deployed.catalog.read_bytes() == new
    assert leftovers(deployed.state) == []


@needs_root
@pytest.mark.parametrize("room", ["40k", "200k", "2m"])
def test_a_full_disk_leaves_the_old_catalog_or_a_good_one(work, project, room):
    made = Deployed(work, project)
    made.state.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={room},mode=755", "tmpfs", made.state])
    if mounted.returncode != 0:
        pytest.skip("not run: no file system may be mounted here")
    try:
        made.give_to_deployer()
        process = made.start_prepare()
        _, err = process.communicate(timeout=60)
        no_sanitizer_report(err, "prepare")
        assert process.returncode in (1, 2) and "HB0084" in err, err
        assert process.returncode == 2 or catalog_file.read(made.catalog.read_bytes())
        check_pool(made.state)
        reply = made.run_cgi(**made.settings())
        assert (reply.status, reply.body) == ("200 OK", project.bytes_of("css/site.css"))
        subprocess.run(["mount", "-o", "remount,size=50m", made.state], check=True)
        made.prepare()
        assert made.run_cgi(**made.settings()).headers["cache-control"] == FROM_CATALOG
        assert leftovers(made.state) == []
    finally:
        subprocess.run(["umount", made.state], check=True)


def test_two_prepares_at_once_end_well(in_between):
    deployed, _, new, _, again = in_between
    again()
    processes = [deployed.start_prepare(HANDBACK_POOL="copy") for _ in range(3)]
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert deployed.catalog.read_bytes() == new
    assert leftovers(deployed.state) == []


def test_a_prepare_waits_for_another_and_says_so(deployed):
    with open(deployed.state / "lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = deployed.start_prepare()
        line = process.stderr.readline()
        assert "handback: HB0081: another prepare (process " in line
        assert process.poll() is None
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err


@needs_root
def test_a_state_that_may_not_be_written_is_one_line_and_stays(deployed):
    deployed.release(b'{"a": 2}\n')
    for path in [deployed.state, *deployed.state.rglob("*")]:
        shutil.chown(path, "root", "root")
    before = {path: path.stat() for path in deployed.state.rglob("*")}
    said = deployed.prepare(code=2)
    assert "handback: HB0080: " in said and len(said.splitlines()) == 1
    assert "HANDBACK_STATE" in said
    assert {path: path.stat() for path in deployed.state.rglob("*")} == before


def test_a_state_on_a_read_only_file_system_is_one_line_and_stays(deployed):
    if not ROOT or subprocess.run(["mount", "--bind", deployed.state, deployed.state]).returncode:
        pytest.skip("not run: no file system may be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", deployed.state], check=True)
        before = deployed.catalog.read_bytes()
        said = deployed.prepare(code=2)
        assert "handback: HB0080: " in said and len(said.splitlines()) == 1
        assert deployed.catalog.read_bytes() == before
        assert deployed.run_cgi(**deployed.settings()).headers["cache-control"] == FROM_CATALOG
    finally:
        subprocess.run(["umount", deployed.state], check=True)


# The policy


@pytest.fixture
def configured(work, project):
    """Prepared with a settings file that no responder sees."""
    made = Deployed(work, project)
    for name, data in (("media/face.html", b"<script>1</script>\n"), ("top/robots.txt", b"*\n")):
        write(made.home / name, data)
    settings = {
        "mounts": [
            {"kind": "static", "url": "/static/", "root": "static", "max_age": MARK,
             "mimetypes": {".json": "application/x-mine"},
             "headers": {"*.css": {"X-Mine": "yes"}}, "index_file": True},
            {"kind": "media", "url": "/media/", "root": "media", "max_age": 5},
            {"kind": "root", "url": "/", "root": "top", "allow_all_origins": False},
        ],
        "state": "state",
    }
    write(made.home / "settings.json", json.dumps(settings).encode())
    made.give_to_deployer()
    made.prepare(STATIC_ROOT=None, HANDBACK_STATE=None, HANDBACK_MAX_AGE=None,
                 HANDBACK_CONFIG=made.home / "settings.json")
    (made.home / "settings.json").unlink()
    return made


POLICY = [
    ("/static/css/site.css", {"cache-control": FROM_CATALOG, "x-mine": "yes"}),
    ("/static/data.json", {"content-type": "application/x-mine", "x-mine": None}),
    ("/media/face.html", {"cache-control": "max-age=5, public",
                          "content-disposition": 'attachment; filename="face.html"'}),
    ("/robots.txt", {"cache-control": COMPILED, "access-control-allow-origin": None}),
]


def test_a_cgi_that_knows_only_its_state_has_the_whole_policy(configured, responder):
    configured.program = responder
    for target, wanted in POLICY:
        reply = configured.run_cgi(target, HANDBACK_STATE=configured.state)
        assert reply.status == "200 OK" and reply.stderr == b"", (target, reply.stderr)
        for name, value in wanted.items():
            assert reply.headers.get(name) == value, (target, name)


def test_an_apache_that_knows_only_the_state_serves_the_site(work, configured):
    text = f"""
        SetEnv HANDBACK_STATE "{configured.state}"
        ScriptAliasMatch "^/(static|media)/" "${{HANDBACK_CGI}}"
        <Directory "{work.program.parent}">
            Require all granted
        </Directory>
    """
    with Apache(work, text) as apache:
        answer = apache.ask("/static/css/site.css")
        assert (answer.status, answer["X-Mine"]) == (200, "yes")
        assert answer.body == configured.project.bytes_of("css/site.css")
        assert apache.ask("/media/face.html")["Cache-Control"] == "max-age=5, public"


def test_the_environment_beats_the_policy_of_the_catalog(configured):
    reply = configured.run_cgi(HANDBACK_STATE=configured.state, HANDBACK_MAX_AGE=9)
    assert reply.headers["cache-control"] == "max-age=9, public"
    assert reply.headers["x-mine"] == "yes"
    assert reply.stderr == b""


def test_a_catalog_for_another_url_is_set_aside(deployed, responder):
    deployed.program = responder
    reply = deployed.run_cgi("/assets/css/site.css", STATIC_URL="/assets/", **deployed.settings())
    assert (reply.status, reply.body) == ("200 OK", deployed.project.bytes_of("css/site.css"))
    assert reply.headers["cache-control"] == COMPILED
    assert b"handback: HB0035: " in reply.stderr


def test_a_catalog_for_another_url_and_no_root_is_503(deployed, responder):
    deployed.program = responder
    reply = deployed.run_cgi("/assets/css/site.css", STATIC_URL="/assets/",
                             HANDBACK_STATE=deployed.state)
    assert reply.status.startswith("503") and reply.headers["cache-control"] == "no-store"
    assert b"handback: HB0035: " in reply.stderr
