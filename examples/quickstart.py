"""The second half of examples/quickstart, which has installed and built what this needs.

Usage: quickstart.py start|check|stop CONFIG FRONT DELIVERY   (empty: the default, or all of them)

It works on copies in a directory below the temporary one, so that nothing has to be readable in
the checkout and a later build does not change what is running.
"""

import contextlib
import http.client
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import brotli

CHECKOUT = Path(__file__).resolve().parent.parent
STATE_FILE = CHECKOUT / "build" / "quickstart.json"
APACHE = "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
STATIC_URL = "/static/"

# What each front needs beside the modules of every Apache here.
FRONT_MODULES = {
    "mod_fcgid": ["fcgid"],
    "mod_proxy_fcgi": ["proxy", "proxy_fcgi"],
    "cgi": ["cgid"],
}
DELIVERIES = ["x-sendfile", "body"]
# Where Debian's Django admin links to.
JAVASCRIPT = "/usr/share/javascript"
COMMON_MODULES = ["mpm_event", "authz_core", "alias", "env", "setenvif", "headers", "rewrite", "wsgi"]

# Root's Apache gives up its rights to this user, as Debian's does.
SERVER_USER = "www-data" if os.geteuid() == 0 else None


class Fault(Exception):
    """Something that ends this program with one line."""


def say(text):
    print(text, flush=True)


# ---------------------------------------------------------------- interruptions


class Interrupts:
    """Makes Ctrl-C and its kin an exception, so that every way out ends what was started."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self):
        self._holders = 0
        self._pending = None

    def install(self):
        for number in self.SIGNALS:
            signal.signal(number, self._handle)

    @contextlib.contextmanager
    def held(self):
        """For what must not be cut short: recording what has been started, and ending it."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
        if self._pending is not None:
            self._handle(self._pending, None)

    def _handle(self, number, _frame):
        if self._holders > 0:
            self._pending = number
            return
        # A second one must not cut the cleaning up short.
        for other in self.SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        sys.exit(128 + number)


interrupts = Interrupts()


# ---------------------------------------------------------------- processes


class Process:
    """One process that this program started, also in an earlier run, and its descendants.

    It leads a session of its own, and its command line and theirs name the site's directory: this
    tells them from everybody else's. The time of its start tells it from a later process with the
    same number.
    """

    def __init__(self, pid, started, directory, child=None):
        self.pid = pid
        self.started = started
        self._directory = directory
        self._child = child

    def is_alive(self):
        stat = _stat(self.pid)
        return stat is not None and stat["state"] != "Z" and stat["started"] == self.started

    def _members(self):
        """The process and its descendants, as far as they live."""
        members = []
        for entry in os.listdir("/proc"):
            stat = _stat(entry) if entry.isdigit() else None
            if stat is not None and stat["session"] == self.pid and stat["state"] != "Z":
                if str(self._directory) in _command_line(entry):
                    members.append(int(entry))
        return members

    def stop(self):
        """Asks the process to end, then its descendants, then ends what is left of them."""
        if self.is_alive():
            _kill(self.pid, signal.SIGTERM)
            wait_until(lambda: not self.is_alive(), 10)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._members():
                _kill(pid, number)
            wait_until(lambda: not self._members(), 2)
        if self._child is not None:
            self._child.wait()


def wait_until(is_true, seconds):
    """Whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _stat(pid):
    """State, session and start time of a process; None when there is none."""
    try:
        text = Path("/proc", str(pid), "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name before the last parenthesis may hold spaces and parentheses itself.
    fields = text.rpartition(")")[2].split()
    return {"state": fields[0], "session": int(fields[3]), "started": int(fields[19])}


def _command_line(pid):
    try:
        return Path("/proc", str(pid), "cmdline").read_text(errors="replace")
    except OSError:
        return ""


def _kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise Fault(f"process {pid} belongs to another user: stop it as that user") from None


def spawn(processes, directory, arguments, log, environment, user=None):
    """Starts a process that outlives this program and adds it to the list."""
    options = {}
    if user is not None:
        options = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    with open(log, "ab") as output, interrupts.held():
        child = subprocess.Popen(
            arguments,
            cwd="/",
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **options,
        )
        process = Process(child.pid, _stat(child.pid)["started"], directory, child)
        processes.append(process)
    return process


# ---------------------------------------------------------------- the site


@dataclass
class Expected:
    """What a name below /static/ is to be answered with."""

    content: bytes
    has_br: bool = False
    immutable: bool = False


class Site:
    """Copies of the program, the Apache files and the Django project, and the collected files."""

    config = None
    # The values of the Django project's settings that are not the same for all.
    settings = {}

    def __init__(self, directory):
        self.directory = directory
        self.program = directory / "bin" / "handback"
        self.apache = directory / "apache"
        self.django = directory / "django"
        self.static_root = directory / "static"
        self.database = directory / "database" / "db.sqlite3"
        self.environment = {
            "DATABASE": str(self.database),
            "SECRET_KEY": secrets.token_urlsafe(40),
            "STATIC_CONFIG": self.config,
            "STATIC_ROOT": str(self.static_root),
            "STATIC_URL": STATIC_URL,
            **self.settings,
        }
        # Apache's Defines for this site and settings of the program, beside root and URL.
        self.defines = {}
        self.program_settings = {}
        # Name -> Expected, for every name that is checked.
        self.expected = {}

    def make(self):
        self.program.parent.mkdir()
        shutil.copyfile(CHECKOUT / "build" / "bin" / "handback", self.program)
        self.program.chmod(0o755)
        shutil.copytree(CHECKOUT / "apache", self.apache, copy_function=shutil.copyfile)
        shutil.copytree(
            CHECKOUT / "examples" / "django",
            self.django,
            copy_function=shutil.copyfile,
            ignore=shutil.ignore_patterns("__pycache__", "db.sqlite3", "collected", "RELEASE_ID"),
        )
        self.collect()
        # The program finds it beside itself, whoever starts it.
        settings = self.program.with_name("handback.json")
        settings.write_text(json.dumps(self.program_settings, indent=4) + "\n")

    def collect(self):
        """Collects the static files and fills self.expected."""
        raise NotImplementedError

    def url_of(self, original):
        """The name that pages use for a file."""
        return original

    def remarks(self, url):
        """What is to be seen in this configuration alone: lines of a title and a text."""
        return []

    def make_database(self):
        """Makes the database with one user and returns that user's password."""
        say("Making the site's database ...")
        password = secrets.token_urlsafe(9)
        self.database.parent.mkdir()
        self.manage("migrate", "--noinput")
        self.manage(
            "createsuperuser",
            "--noinput",
            "--username=admin",
            "--email=admin@localhost",
            DJANGO_SUPERUSER_PASSWORD=password,
        )
        if SERVER_USER is not None:
            # SQLite also writes beside the database.
            shutil.chown(self.database.parent, SERVER_USER, SERVER_USER)
            shutil.chown(self.database, SERVER_USER, SERVER_USER)
        return password

    def manage(self, *arguments, **environment):
        """Runs manage.py and returns what it prints."""
        return self.run(
            f"manage.py {arguments[0]}",
            ["/usr/bin/python3", "-B", str(self.django / "manage.py"), *arguments],
            **environment,
        )

    def run(self, name, command, **environment):
        done = subprocess.run(
            command,
            env={
                "PATH": f"{self.program.parent}:/usr/bin:/bin",
                "LANG": "C.UTF-8",
                **self.environment,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise Fault(f"{name} failed:\n{done.stdout.rstrip()}")
        return done.stdout

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def files(self):
        """The names of what was collected."""
        found = [path for path in self.static_root.rglob("*") if path.is_file()]
        return sorted(str(path.relative_to(self.static_root)) for path in found)

    def add_brotli_siblings(self, names):
        """Makes a .br file beside each file for which it is smaller."""
        # Handback does not believe a sibling that is younger than two seconds: it may be half
        # written. Nothing writes here any more, so all times are set back instead of waiting.
        earlier = time.time() - 60
        for name in names:
            source = self.static_root / name
            content = source.read_bytes()
            os.utime(source, (earlier, earlier))
            compressed = brotli.compress(content, quality=9)
            if len(compressed) < len(content):
                sibling = self._sibling(name)
                sibling.write_bytes(compressed)
                os.utime(sibling, (earlier, earlier))

    def expect(self, name, file, immutable):
        """That this file of the tree is to answer for the name, as it is now."""
        content = (self.static_root / file).read_bytes()
        self.expected[name] = Expected(content, self._sibling(file).exists(), immutable)

    def _sibling(self, name):
        return self.static_root / f"{name}.br"


class DefaultSite(Site):
    """Django's own default: no manifest, every file under its own name."""

    config = "default"

    def collect(self):
        say("Collecting the static files of a Django site with the admin ...")
        self.manage("collectstatic", "--noinput")
        say("Making a .br file beside each of them ...")
        names = self.files()
        self.add_brotli_siblings(names)
        for name in names:
            self.expect(name, name, immutable=False)

    def remarks(self, url):
        return [("Config", "default: no hashed names, so nothing is immutable")]


class ManifestSite(Site):
    """Hashed names, a prepared catalog, and a second release in the place of the first."""

    config = "manifest"
    releases = ["release-1", "release-2"]
    # The second release: with this, what only the first one had is gone from STATIC_ROOT.
    options = ["--clear"]
    told = "hashed names, and one manifest that each collectstatic replaces"
    where = "deleted by collectstatic --clear, and kept in the pool"

    def __init__(self, directory):
        super().__init__(directory)
        state = directory / "state"
        # Beside the root: inside, --clear would delete it.
        self.environment["HANDBACK_STATE"] = str(state)
        self.environment["RELEASE_ID"] = self.releases[-1]
        self.defines["HANDBACK_STATE"] = str(state)
        self.program_settings["state"] = str(state)
        self.former = None

    def manifest_path(self, release):
        return self.static_root / "staticfiles.json"

    def collect(self):
        say("Collecting and preparing the static files of a Django site with the admin ...")
        self._release(self.releases[0])
        self.former = self.url_of("pages/site.css")
        say("Collecting and preparing a second release, with a changed style sheet ...")
        with open(self.django / "pages" / "static" / "pages" / "site.css", "a") as sheet:
            sheet.write("\nh1 {\n    color: #063;\n}\n")
        self._release(self.releases[1], *self.options)

    def url_of(self, original):
        return self.manifest[original]

    def remarks(self, url):
        return [
            ("Config", f"{self.config}: {self.told}"),
            ("Former", url(STATIC_URL + self.former)),
            ("", f"of {self.releases[0]}: {self.where}"),
            ("State", f"{self.environment['HANDBACK_STATE']} (catalog, pool)"),
        ]

    def _release(self, release, *options):
        self.manage("collectstatic", "--noinput", *options, RELEASE_ID=release)
        self.manifest = json.loads(self.manifest_path(release).read_text())["paths"]
        # collectstatic has prepared; the files that are added here have to be looked at as well.
        self.add_brotli_siblings({*self.manifest, *self.manifest.values()})
        self.run("handback prepare", [str(self.program), "prepare"], RELEASE_ID=release)
        for original, hashed in self.manifest.items():
            self.expect(original, hashed, immutable=False)
            self.expect(hashed, hashed, immutable=True)


class CustomSite(ManifestSite):
    """A manifest for each release, side by side."""

    config = "custom"
    options = []
    told = "a manifest for each release, STATIC_ROOT/<release>/staticfiles.json"
    where = "its manifest lies beside that of release-2"

    def manifest_path(self, release):
        return self.static_root / release / "staticfiles.json"


class DevelopmentSite(Site):
    """Nothing is collected: files are looked up where they are written."""

    config = "default"
    settings = {"DEBUG": "1"}

    def collect(self):
        self.static_root.mkdir()
        directories = self.manage("handback_dirs").strip().split(":")
        self.program_settings["dirs"] = directories
        self.program_settings["follow"] = [JAVASCRIPT]
        # The first directory that has a name answers for it.
        for directory in reversed(directories):
            for path in Path(directory).rglob("*"):
                if path.is_file():
                    name = str(path.relative_to(directory))
                    self.expected[name] = Expected(path.read_bytes())

    def remarks(self, url):
        sheet = self.django / "pages" / "static" / "pages" / "site.css"
        return [
            ("Config", "development: nothing is collected; change this file, and reload:"),
            ("", f"{sheet}"),
        ]


SITES = {
    "default": DefaultSite,
    "manifest": ManifestSite,
    "custom": CustomSite,
    "development": DevelopmentSite,
}


def make_work_directory():
    """An empty directory that the web server's user can enter."""
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        parents = [Path(parent).resolve(), *Path(parent).resolve().parents]
        if all(path.stat().st_mode & 0o001 for path in parents):
            directory = Path(tempfile.mkdtemp(prefix="handback-", dir=parent)).resolve()
            directory.chmod(0o755)
            return directory
    raise Fault("there is no temporary directory that every user may enter")


# ---------------------------------------------------------------- one Apache


class Server:
    """A private Apache with Django under mod_wsgi and Handback under one front."""

    def __init__(self, site, front, delivery):
        self.site = site
        self.front = front
        self.delivery = delivery
        self.directory = site.directory / f"{front}-{delivery}"
        self.run = self.directory / "run"
        self.log = self.directory / "error.log"
        self.socket = self.run / "handback.sock"
        self.port = None
        self.processes = []

    def start(self):
        """Returns when Django answers. Whatever happens, stop has to follow."""
        self.run.mkdir(parents=True)
        if SERVER_USER is not None:
            shutil.chown(self.run, SERVER_USER, SERVER_USER)
        if self.front == "mod_proxy_fcgi":
            self._start_responder()
        self._start_apache()

    def stop(self):
        with interrupts.held():
            # The last one started is Apache, which would answer 503 without the others.
            for process in reversed(self.processes):
                process.stop()
            self.processes = []

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def _start_responder(self):
        responder = spawn(
            self.processes,
            self.site.directory,
            [self.site.program, "serve", "--listen", f"unix:{self.socket}"],
            log=self.log,
            environment={"STATIC_ROOT": str(self.site.static_root), "STATIC_URL": STATIC_URL},
            user=SERVER_USER,
        )
        self._wait_for(responder, self._listens, "handback serve does not listen")

    def _start_apache(self):
        configuration = self.directory / "apache.conf"
        # Another program may take the free port before Apache does.
        for attempt in range(3):
            self.port = free_port()
            configuration.write_text(self._configuration())
            apache = spawn(
                self.processes,
                self.site.directory,
                [APACHE, "-D", "FOREGROUND", "-f", str(configuration)],
                log=self.log,
                environment=self.site.environment,
            )
            try:
                self._wait_for(apache, self._answers, "Apache gave no answer from Django")
                return
            except Fault:
                if attempt == 2 or "could not bind to address" not in self.log.read_text():
                    raise
                self.processes.remove(apache)
                apache.stop()
                self.log.unlink()

    def _configuration(self):
        lines = [
            f'ServerRoot "{self.directory}"',
            # Here and in the virtual host: else Apache asks the resolver for its name.
            "ServerName 127.0.0.1",
            f"Listen 127.0.0.1:{self.port}",
            f'DefaultRuntimeDir "{self.run}"',
            f'PidFile "{self.run}/apache.pid"',
            f'ErrorLog "{self.log}"',
        ]
        for module in COMMON_MODULES + FRONT_MODULES[self.front]:
            lines.append(f'LoadModule {module}_module "{MODULES}/mod_{module}.so"')
        if self.delivery == "x-sendfile":
            lines.append(f'LoadModule xsendfile_module "{MODULES}/mod_xsendfile.so"')
        if SERVER_USER is not None:
            lines += [f"User {SERVER_USER}", f"Group {SERVER_USER}"]
        if self.front == "mod_fcgid":
            lines += [
                f'FcgidIPCDir "{self.run}"',
                f'FcgidProcessTableFile "{self.run}/fcgid.shm"',
            ]
        if self.front == "cgi":
            lines.append(f'ScriptSock "{self.run}/cgid.sock"')

        # Debian's own Apache begins with the same refusal, so what follows has to allow enough.
        lines += [
            "<Directory />",
            "    Require all denied",
            "</Directory>",
            f'WSGISocketPrefix "{self.run}/wsgi"',
            f"<VirtualHost 127.0.0.1:{self.port}>",
            "    ServerName 127.0.0.1",
            # mod_wsgi wants a home, which a system's user need not have.
            f'    WSGIDaemonProcess example threads=4 python-path="{self.site.django}"'
            f' home="{self.site.django}"',
            "    WSGIProcessGroup example",
            "    WSGIApplicationGroup %{GLOBAL}",
            f'    WSGIScriptAlias / "{self.site.django}/example/wsgi.py"',
            f'    <Directory "{self.site.django}/example">',
            "        Require all granted",
            "    </Directory>",
            f'    Define STATIC_ROOT "{self.site.static_root}"',
            f'    Define STATIC_URL "{STATIC_URL}"',
        ]
        lines += [f'    Define {name} "{value}"' for name, value in self.site.defines.items()]
        program = "HANDBACK_CGI" if self.front == "cgi" else "HANDBACK"
        if self.front == "mod_proxy_fcgi":
            lines.append(f'    Define HANDBACK_SOCKET "{self.socket}"')
        else:
            lines.append(f'    Define {program} "{self.site.program}"')
        if self.delivery == "x-sendfile":
            lines.append("    Define HANDBACK_XSENDFILE")
        lines += [
            f'    Include "{self.site.apache}/{self.front}.conf"',
            "</VirtualHost>",
        ]
        return "\n".join(lines) + "\n"

    def _listens(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def _answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/admin/login/")
            return connection.getresponse().status == 200
        except (http.client.HTTPException, OSError):
            return False
        finally:
            connection.close()

    def _wait_for(self, process, is_ready, complaint):
        wait_until(lambda: is_ready() or not process.is_alive(), 20)
        if not is_ready():
            raise Fault(complaint)

    def end_of_log(self):
        """To be appended to the message of a fault."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(["\nThe end of the log:", *lines[-10:]])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---------------------------------------------------------------- start, stop


def start(config, front, delivery):
    stop(quietly=True)
    site = SITES[config](make_work_directory())
    server = Server(site, front, delivery)
    try:
        site.make()
        password = site.make_database()
        say(f"Starting an Apache with Handback under {front}, delivery {delivery} ...")
        server.start()
        sheet = site.url_of("admin/css/base.css")
        check_names(server, [sheet, "admin/css/base.css"])
        remember(site, server)
    except BaseException as reason:
        with interrupts.held():
            server.stop()
            log = server.end_of_log()
            site.remove()
            STATE_FILE.unlink(missing_ok=True)
        if isinstance(reason, Fault):
            raise Fault(f"{reason}{log}") from None
        raise
    lines = [
        ("Open", server.url("/admin/")),
        ("", f"user admin, password {password}"),
        ("and", server.url("/")),
        ("", "a page that shows what Handback answered; such as"),
        ("", server.url(STATIC_URL + sheet)),
        *site.remarks(server.url),
        ("Stop", "examples/quickstart --stop"),
        ("Files", f"{server.directory} (apache.conf, error.log)"),
    ]
    say("\n" + "\n".join(f"{title:7}{text}" for title, text in lines))


def remember(site, server):
    state = {
        "directory": str(site.directory),
        "url": server.url("/"),
        "processes": [{"pid": p.pid, "started": p.started} for p in server.processes],
    }
    # In one step, so that an interrupted run cannot leave half a record.
    draft = STATE_FILE.with_suffix(".draft")
    draft.write_text(json.dumps(state, indent=4) + "\n")
    draft.replace(STATE_FILE)


def stop(quietly=False):
    try:
        state = json.loads(STATE_FILE.read_text())
    except FileNotFoundError:
        if not quietly:
            say("Nothing to stop.")
        return
    say(f"Stopping the site at {state['url']} ...")
    with interrupts.held():
        for record in reversed(state["processes"]):
            Process(record["pid"], record["started"], state["directory"]).stop()
        shutil.rmtree(state["directory"], ignore_errors=True)
        STATE_FILE.unlink()


# ---------------------------------------------------------------- check


def check(configs, fronts, deliveries):
    for config in configs:
        say(f"Configuration {config}")
        check_config(config, fronts, deliveries)


def check_config(config, fronts, deliveries):
    site = SITES[config](make_work_directory())
    try:
        site.make()
        say(f"Fetching {len(site.expected)} names, with and without br ...")
        for front in fronts:
            for delivery in deliveries:
                print(f"{front:14} {delivery:10}  ", end="", flush=True)
                started = time.monotonic()
                server = Server(site, front, delivery)
                try:
                    server.start()
                    plain, encoded = check_names(server, site.expected)
                except Fault as fault:
                    say("WRONG")
                    raise Fault(f"{fault}{server.end_of_log()}") from None
                finally:
                    server.stop()
                seconds = time.monotonic() - started
                say(f"{plain + encoded} answers right, {encoded} of them br  ({seconds:.1f} s)")
    finally:
        with interrupts.held():
            site.remove()


def check_names(server, names):
    """Fetches these of the expected names; returns how many answers were plain and br."""
    counts = {None: 0, "br": 0}
    expected = server.site.expected
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        for name in sorted(names):
            for accept in (None, "br"):
                coding = check_answer(server, connection, name, expected[name], accept)
                counts[coding] += 1
    finally:
        connection.close()
    if counts["br"] == 0 and any(each.has_br for each in expected.values()):
        raise Fault(f"{server.front}, {server.delivery}: not one answer was br")
    return counts[None], counts["br"]


def check_answer(server, connection, name, expected, accept):
    """Compares one answer with what is expected, and returns its coding."""
    path = STATIC_URL + urllib.parse.quote(name)
    request = f"{server.front}, {server.delivery}: GET {path}"
    if accept is not None:
        request += f" with Accept-Encoding: {accept}"

    def expect(what, wanted, found):
        if wanted != found:
            raise Fault(f"{request}: {what} should be {wanted}, is {found}")

    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        if accept is not None:
            connection.putheader("Accept-Encoding", accept)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
    except (http.client.HTTPException, OSError) as error:
        raise Fault(f"{request}: {type(error).__name__}: {error}") from None

    wanted_coding = "br" if accept == "br" and expected.has_br else None
    expect("the status", 200, answer.status)
    expect("Content-Encoding", wanted_coding, answer.getheader("Content-Encoding"))
    if wanted_coding == "br":
        try:
            body = brotli.decompress(body)
        except brotli.error:
            raise Fault(f"{request}: the body is not br") from None
    expect("the length of the content", len(expected.content), len(body))
    if body != expected.content:
        raise Fault(f"{request}: the content differs from the file")
    is_immutable = "immutable" in answer.getheader("Cache-Control", "").split(", ")
    expect("immutable", expected.immutable, is_immutable)
    for field, value in answer.getheaders():
        if str(server.site.directory) in value:
            raise Fault(f"{request}: {field} names a path of this machine")
    return wanted_coding


# ---------------------------------------------------------------- main


def main():
    action, config, front, delivery = sys.argv[1:]
    interrupts.install()
    os.umask(0o022)
    try:
        if action == "start":
            start(config or "manifest", front or "mod_fcgid", delivery or "x-sendfile")
        elif action == "check":
            check(
                [config] if config else list(SITES),
                [front] if front else list(FRONT_MODULES),
                [delivery] if delivery else DELIVERIES,
            )
        else:
            stop()
    except Fault as fault:
        print(f"quickstart: {fault}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # Nobody reads on, which Python would complain about once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        print(f"quickstart: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
