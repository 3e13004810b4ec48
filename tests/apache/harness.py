"""A private Apache and a private `handback serve`, on loopback, in a directory of their own.

Started by root, both run as www-data, as on a real machine; started by anyone else, as that user.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import client
import fastcgi
from django_site import ASSETS

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGURATION = REPOSITORY / "apache"
MODULES = Path("/usr/lib/apache2/modules")
ROOT = os.geteuid() == 0
SERVER_USER = "www-data"

# "cgi" is the full program as a CGI, "static" the static CGI.
FRONTS = ("cgi", "fcgid", "proxy", "static")
DELIVERIES = ("body", "x-sendfile")
# The static CGI once more, under sanitizers.
CHECKED = "static-checked"
STATIC = ("static", CHECKED)
# Those that start a program for each request.
CGIS = ("cgi", *STATIC)
INCLUDES = {"cgi": "cgi.conf", "fcgid": "mod_fcgid.conf", "proxy": "mod_proxy_fcgi.conf",
            "static": "cgi.conf", CHECKED: "cgi.conf"}

# What the static CGI takes from its environment: what the shipped files set. It has all other
# settings from its catalog.
TAKEN = {"STATIC_ROOT", "STATIC_URL", "MEDIA_ROOT", "MEDIA_URL", "RELEASE_ID", "HANDBACK_ROOT",
         "HANDBACK_STATE", "HANDBACK_DELIVERY", "HANDBACK_CODING_HEADER", "HANDBACK_DELIVERY_URL",
         "HANDBACK_DELIVERY_ROOT"}

# Tests that have a front and not this one, and why.
NOT_THROUGH_STATIC = {
    "test_example_project.py::test_in_development_files_are_served_from_where_they_are_written":
        "HANDBACK_DIRS is for development: the static CGI does not take it",
    "test_deploy.py::test_while_the_manifest_is_broken_the_last_good_one_stays":
        "it reads no manifest: prepare did, when it was whole",
    "test_virtual_hosts.py::test_a_site_that_forgets_a_define_is_refused":
        "cgi.conf refuses it, before any program is started",
    "test_virtual_hosts.py::test_a_program_that_is_not_there_is_a_refused_configuration":
        "cgi.conf refuses it, before any program is started",
}

# What the header of each shipped file says it needs, and what any Apache has.
BASIC = "mpm_event authz_core".split()
NEEDED = {
    "cgi": "cgid alias env headers authz_core".split(),
    "fcgid": "fcgid alias env headers authz_core".split(),
    "proxy": "proxy proxy_fcgi env headers".split(),
}
NEEDED["static"] = NEEDED["cgi"]
USUAL = BASIC + (
    "authn_core authn_file authz_host authz_user auth_basic alias env headers rewrite setenvif"
    " mime dir filter deflate brotli proxy proxy_http proxy_fcgi fcgid cgid xsendfile wsgi"
).split()

SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|ThreadSanitizer")
DIAGNOSIS = re.compile(r"handback: HB\d{4}: \S[^:]*.*: .*\S")


def wait_until(true, seconds=10, what="it"):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def no_sanitizer_report(text, where):
    found = SANITIZER.search(text)
    if found:
        raise AssertionError(f"{where}: {text[max(0, found.start() - 300):found.end() + 3000]}")


def free_port():
    """Below the range from which the kernel takes the ports of clients, ours among them."""
    while True:
        port = random.randrange(12000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def as_server():
    """How subprocess starts a program as the user that Apache runs as."""
    return {"user": SERVER_USER, "group": SERVER_USER, "extra_groups": []} if ROOT else {}


def own(path):
    """Gives a directory to the user that the servers run as."""
    Path(path).mkdir(parents=True, exist_ok=True)
    if ROOT:
        shutil.chown(path, SERVER_USER, SERVER_USER)


class Workplace:
    """The directory of the whole run; its name is the secret that no response may tell."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="handback-test-"))
        self.path.chmod(0o755)
        client.WATCH.forbid(self.path.name)
        self.count = 0
        self.leaving = []
        self.spawned = []
        self.program = self._copy("HANDBACK_PROGRAM", "build/dev/bin/handback", "dev")
        self.release = self._copy("HANDBACK_PROGRAM_RELEASE", "build/release/bin/handback", "rel")
        # In directories of their own: without a catalog they become the program beside them.
        self.cgi = self._copy("HANDBACK_PROGRAM", "build/dev/bin/handback", "cgi", "handback.cgi")
        self.cgi_release = self._copy("HANDBACK_PROGRAM_RELEASE", "build/release/bin/handback",
                                      "cgi-rel", "handback.cgi")
        # And beside it: {kind of build: the static CGI of such a pair}.
        self.pairs = {"dev": self._pair("both", self.program, self.cgi),
                      "release": self._pair("both-rel", self.release, self.cgi_release)}
        self.tsan = self._copy("HANDBACK_PROGRAM_TSAN", "build/tsan/bin/handback", "tsan")
        self.refusing = self._copy(
            "HANDBACK_WITHOUT_OPENAT2", "build/dev/tests/unit/without_openat2", "refusing",
            "without_openat2")

    def _pair(self, name, program, cgi):
        place = self.path / f"bin-{name}"
        place.mkdir()
        return [shutil.copy(each, place) for each in (program, cgi) if each][-1]

    def _copy(self, variable, default, name, file="handback"):
        """A copy that the servers' user can reach: a checkout may lie in a closed home."""
        source = Path(os.environ.get(variable) or REPOSITORY / default).with_name(file)
        if not source.is_file():
            return None
        target = self.path / f"bin-{name}" / file
        target.parent.mkdir()
        shutil.copyfile(source, target)
        target.parent.chmod(0o755)
        target.chmod(0o755)
        return target

    def without_openat2(self, answer):
        """What servers are started under so that openat2 is answered ENOSYS or EPERM."""
        assert self.refusing, "no program: build it, or name it by HANDBACK_WITHOUT_OPENAT2"
        return [self.refusing, answer]

    def fresh(self, name="d"):
        self.count += 1
        path = self.path / f"{name}{self.count}"
        path.mkdir()
        path.chmod(0o755)
        return path

    def remove(self):
        faults = []
        for server in self.leaving:
            try:
                server.join()
            except Exception as fault:  # the others are to be waited for all the same
                faults.append(fault)
        try:
            if faults:
                raise faults[0]
        finally:
            for process in self.spawned:
                process.kill()  # only what a failed test has left behind is still there
                process.wait()
            shutil.rmtree(self.path, ignore_errors=True)


def is_gone(pid):
    """Whether a process has ended, though perhaps nobody has asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Serve:
    """`handback serve`, listening on a unix socket or, when `listen` is (HOST, PORT), there."""

    def __init__(self, work, *options, listen=None, root=None, program=None, user=None, under=(),
                 **environment):
        self.work = work
        self.home = work.fresh("serve")
        own(self.home)
        self.identity = as_server()
        if user:
            shutil.chown(self.home, user)
            self.identity["user"] = user
        self.address = listen or self.home / "socket"
        self.stderr_path = self.home / "stderr"
        name = f"unix:{self.address}"
        if isinstance(self.address, tuple):
            host, port = self.address
            name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            **({"STATIC_ROOT": str(root)} if root else {}),
            **{key: str(value) for key, value in environment.items()},
        }
        self.name = name
        self.program = str(program or work.program)
        self.command = [*under, self.program, "serve", "--listen", name, *map(str, options)]
        self.process = None

    def spawn(self):
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=stderr, stderr=stderr, cwd="/", **self.identity,
            )
        self.work.spawned.append(self.process)
        return self

    def start(self):
        self.spawn()
        wait_until(self.answers, what="serve: listening")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"serve exited with {self.process.returncode}: {self.stderr()}")
        try:
            fastcgi.connect(self.address).close()
            return True
        except OSError:
            return False

    def answers_well(self):
        """Whether a connection of its own receives the project's data.json."""
        reply = fastcgi.ask(self.address, fastcgi.usual("/static/data.json"))
        return (reply.status[:3], reply.body) == ("200", ASSETS["data.json"])

    def status(self):
        """What `serve --status --json` says, as a dictionary."""
        command = [self.program, "serve", "--status", self.name, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def stderr(self):
        return self.stderr_path.read_text(errors="replace") if self.stderr_path.exists() else ""

    def workers(self):
        """The worker processes of this master, by the kernel's own list."""
        pid = self.process.pid
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self, seconds=20):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"serve did not end within {seconds} s of TERM: {self.stderr()}")
        no_sanitizer_report(self.stderr(), "serve")
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def defines(front, delivery="body", root=None, url="/static/", serve=None, **more):
    """The lines that a user would write before the Include, and the Include.

    Only what the front uses: mod_proxy_fcgi.conf needs the root for the hand-back alone.
    """
    lines = []
    if root is not None and (front != "proxy" or delivery == "x-sendfile"):
        lines.append(f'Define STATIC_ROOT "{root}"')
    if url is not None:
        lines.append(f"Define STATIC_URL {url}")
    if serve is not None and front == "proxy":
        lines.append(f"Define HANDBACK_SOCKET {serve.address}")
    if delivery == "x-sendfile":
        lines.append("Define HANDBACK_XSENDFILE")
    lines += [f"Define {name} {value}" for name, value in more.items()]
    include = f"Include handback/{INCLUDES[front]}"
    if front in STATIC:  # HANDBACK_CGI may name either program
        include = (f"Define HANDBACK_CGI ${{CGI_{front}}}\n{include}\n"
                   "Define HANDBACK_CGI ${CGI_full}")
    return "\n".join(lines) + f"\n{include}\n"


def prepare(work, root, state=None, **settings):
    """What a deploy does for those who answer from a catalog; the state directory. A root that is
    not there is left unprepared."""
    state = state or work.fresh("state")
    told = {"STATIC_ROOT": root, **settings, "HANDBACK_STATE": state}
    done = subprocess.run(
        [work.release or work.program, "prepare"], capture_output=True, text=True, timeout=120,
        cwd="/", env={"PATH": os.environ["PATH"]} | {k: str(v) for k, v in told.items()})
    no_sanitizer_report(done.stderr, "prepare")
    assert done.returncode in (0, 1) or not Path(root).is_dir(), done.stderr
    return state


def settings_lines(front, settings):
    """Settings for the programs that Apache starts itself."""
    directive = "FcgidInitialEnv" if front == "fcgid" else "SetEnv"
    return "".join(f'{directive} {name} "{value}"\n' for name, value in settings.items()
                   if front not in STATIC or name in TAKEN)


def virtual_host(name, *parts, port="*"):
    inside = "\n".join(parts)
    return f"<VirtualHost *:{port}>\nServerName {name}\n{inside}\n</VirtualHost>\n"


class Apache:
    """An Apache that reads nothing of the machine's own configuration."""

    def __init__(self, work, text, modules=None, program=None, cgi=None, under=(), static=None):
        self.work, self.under = work, under
        self.home = work.fresh("apache")
        own(self.home)
        self.port = free_port()
        self.modules = list(dict.fromkeys(USUAL if modules is None else BASIC + modules))
        # Nobody includes what is for shared hosts.
        aside = shutil.ignore_patterns("shared-host")
        shutil.copytree(CONFIGURATION, self.home / "handback", ignore=aside)
        self.log_path = self.home / "error.log"
        program = program or work.program
        full, static = cgi or program, static or work.cgi_release or work.cgi
        programs = {"HANDBACK": program, "HANDBACK_CGI": full, "CGI_full": full,
                    "CGI_static": static, f"CGI_{CHECKED}": work.cgi}
        lines = [f"Define {name} {path}\n" for name, path in programs.items()]
        self.configuration = self.home / "httpd.conf"
        self.configuration.write_text(self._basics() + "".join(lines) + text)

    def _basics(self):
        has = self.modules.__contains__
        lines = [f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in self.modules]
        lines += [
            f"ServerRoot {self.home}",
            f"DefaultRuntimeDir {self.home}",
            f"PidFile {self.home}/pid",
            f"ErrorLog {self.log_path}",
            "LogLevel info",
            "ServerName localhost",
            f"Listen 127.0.0.1:{self.port}",
            "ServerTokens Prod",
            f"DocumentRoot {self.work.fresh('empty')}",
            # As Debian ships it: what is not granted is closed.
            "<Directory />\nRequire all denied\n</Directory>",
            "StartServers 2\nServerLimit 2\nMinSpareThreads 1",
            "ThreadsPerChild 32\nMaxRequestWorkers 64",
            "MaxKeepAliveRequests 0\nKeepAliveTimeout 2",
        ]
        lines += [f"User {SERVER_USER}", f"Group {SERVER_USER}"] if ROOT else []
        lines += [f"ScriptSock {self.home}/cgid"] if has("cgid") else []
        lines += ["TypesConfig /etc/mime.types"] if has("mime") else []
        lines += [f"WSGISocketPrefix {self.home}/wsgi"] if has("wsgi") else []
        if has("fcgid"):
            lines += [f"FcgidIPCDir {self.home}/fcgid", f"FcgidProcessTableFile {self.home}/shm"]
        return "\n".join(lines) + "\n"

    def _control(self, *arguments):
        command = [*self.under, "apache2", "-d", self.home, "-f", self.configuration, *arguments]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30)

    def test_configuration(self):
        """What `apachectl configtest` would say: exit code and message."""
        done = self._control("-t")
        return done.returncode, done.stderr + done.stdout

    def start(self):
        done = self._control("-k", "start")
        if done.returncode:
            raise AssertionError(f"Apache does not start: {done.stderr}")
        wait_until(self._listens, what="Apache: listening")
        # Without its pid file "-k graceful" would start a second Apache on the same port.
        wait_until((self.home / "pid").exists, what="Apache: the pid file")
        if "cgid" in self.modules:
            wait_until(self._runs_programs, what="Apache: mod_cgid's daemon")
        return self

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def _runs_programs(self):
        """mod_cgid's socket is root's for a moment: whoever connects then receives a 503."""
        sockets = list(self.home.glob("cgid.*"))
        return bool(sockets) and sockets[0].stat().st_uid == self.home.stat().st_uid

    def graceful(self):
        before = self.log().count("resuming normal operations")
        done = self._control("-k", "graceful")
        assert done.returncode == 0, done.stderr
        wait_until(
            lambda: self.log().count("resuming normal operations") > before, what="graceful"
        )

    def children(self):
        """The processes of Apache, by the kernel's own list."""
        pid = (self.home / "pid").read_text().strip()
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def stop(self):
        """Apache takes two seconds to go; the end of the run waits for all of them at once."""
        pid_file = self.home / "pid"
        if pid_file.exists():
            self.pid = int(pid_file.read_text())
            os.kill(self.pid, signal.SIGTERM)
            self.work.leaving.append(self)
        no_sanitizer_report(self.log(), "Apache's error log")

    def join(self):
        wait_until(lambda: is_gone(self.pid), 20, "Apache: ended")
        no_sanitizer_report(self.log(), "Apache's error log")

    def ask(self, target, host="localhost", **request):
        return client.ask(self.port, target, host, **request)

    def connect(self, host="localhost", **options):
        return client.Connection(self.port, host, **options)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Way:
    """One way in and one way out: requests to it go through that front and delivery."""

    def __init__(self, apache, host, front, delivery, project=None, serve=None, again=None):
        self.apache, self.host, self.front, self.delivery = apache, host, front, delivery
        self.project, self.serve, self.again = project, serve, again

    def ask(self, target, **request):
        return self.apache.ask(target, self.host, **request)

    def get(self, name, **headers):
        """GET of a name below /static/, headers as keywords: accept_encoding="br"."""
        return self.ask(url_of(name), headers=header_names(headers))

    def connect(self, **options):
        return self.apache.connect(self.host, **options)

    def prepare(self):
        """The end of a deploy: who answers from a catalog of its own has it made anew."""
        if self.again:
            self.again()

    def diagnoses(self):
        """All that the program has said so far, wherever this front lets it say it."""
        return self.apache.log() + (self.serve.stderr() if self.serve else "")


def asker(apache, target, body):
    """A request for Load: each thread keeps a connection of its own open, as browsers do."""
    own = threading.local()

    def ask():
        try:
            if not hasattr(own, "connection"):
                own.connection = apache.connect()
            answer = own.connection.ask(target)
            if answer["Connection"] == "close":
                own.__dict__.clear()
        except (OSError, AssertionError):
            own.__dict__.clear()
            raise
        if (answer.status, answer.body) == (200, body):
            return None
        return f"{answer.status} with {len(answer.body)} of {len(body)} bytes"

    return ask


class Load:
    """Threads that ask without pause until the end of the block, and what went wrong.

    `ask` is one request; it returns None, or in a few words what is wrong with the answer.
    """

    def __init__(self, ask, threads=8):
        self.ask = ask
        self.answered, self.failures = 0, []  # each failure with its moment
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self):
        while not self.ended.is_set():
            try:
                fault = self.ask()
            except (OSError, AssertionError) as error:
                fault = repr(error)
            with self.lock:
                if fault is None:
                    self.answered += 1
                else:
                    self.failures.append((time.monotonic(), fault))

    def wait_for(self, count, seconds=20):
        """Until so many more were answered."""
        goal = self.answered + count
        wait_until(lambda: self.answered >= goal, seconds, f"{count} answers")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def header_names(keywords):
    return {name.replace("_", "-"): value for name, value in keywords.items()}


def url_of(name, prefix="/static/"):
    """The URL as a browser would write it: UTF-8, percent-encoded."""
    safe = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/"
    return prefix + "".join(chr(c) if c in safe else f"%{c:02X}" for c in os.fsencode(name))


class Site:
    """One root behind one front, with servers of its own: for tests that change the tree.

    Before the static CGI `prepare` runs, with the same settings; `prepared=False` leaves it with
    the live tree. `static` is another program in its place.
    """

    def __init__(self, work, front, delivery, root, program=None, extra="", prepared=True,
                 static=None, **settings):
        self.serve, again = None, None
        self.front = front
        text, more = extra, {}
        if front == "proxy":
            self.serve = Serve(work, "--workers", 2, root=root, program=program, **settings)
        elif front in STATIC:
            state = settings.pop("HANDBACK_STATE", None)
            if prepared and not state:
                state = prepare(work, root, **settings)
                again = partial(prepare, work, root, state, **settings)
            more = {"HANDBACK_STATE": f'"{state}"'} if state else {}
        if front != "proxy":
            text += settings_lines(front, settings)
        text += defines(front, delivery, root, serve=self.serve, **more)
        self.apache = Apache(work, text, program=program, static=static)
        self.way = Way(self.apache, "localhost", front, delivery, serve=self.serve, again=again)

    def __enter__(self):
        if self.serve:
            self.serve.start()
        self.apache.start()
        return self.way

    def __exit__(self, *_):
        self.apache.stop()
        if self.serve:
            self.serve.stop()
