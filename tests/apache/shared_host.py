"""A private Apache as a shared host has it: whoever owns the site has files, .htaccess and a CGI.

    with shared_host.Host(work, "plain", project.root) as host:
        host.prepare("--htaccess", "1", "--cgi", host.cgi_url)   # as the owner of the files
        host.get("css/base.css", accept_encoding="br")           # a name below STATIC_URL
        host.ask("/index.html", method="HEAD")                   # any target

The kinds:
    plain         a document root and a cgi-bin (ScriptAlias, mod_cgid), mod_deflate as on Debian
    user          the same below /~alice/, the CGI in ~/public_html/cgi-bin
    suexec        as user, but of a real account, and suEXEC runs the CGI as that account
    passenger     as plain, but mod_passenger owns the site: what is no file is the application's
    brotli        as plain, with a server-wide SetOutputFilter BROTLI_COMPRESS
    alias         STATIC_URL is an Alias of the host's to a directory outside the document root
    subdirectory  the site lives below /shop/

host.root is STATIC_ROOT there (a copy of the tree that was given), host.url STATIC_URL,
host.cgi_bin and host.cgi_url the place for programs, host.documents what the owner sees as the
web's directory, host.home the owner's home, host.server_root the directory of Apache.
`overrides` is what AllowOverride grants; `extra` are lines of the host's own; `modules` loads more
and `without` less. A tree of None is a host to which nothing was uploaded yet.
host.upload(path, data) writes a file as the owner would, host.run(...) runs a program as the owner,
host.take_level(level) is what the owner does to have that level.
Started by root, the files belong to an owner who is not the user that Apache runs as.
"""

import json
import os
import pwd
import shutil
import subprocess
from pathlib import Path

import harness

KINDS = ("plain", "user", "suexec", "passenger", "brotli", "alias", "subdirectory")
STATIC_URLS = {"alias": "/static/", "subdirectory": "/shop/static/"}

# A uid that the machine has no name for, as Apache asks for none: only suEXEC needs an account.
NAMELESS = 61234
SUEXEC_LOG = Path("/var/log/apache2")

MODULES = harness.BASIC + (
    "authn_core authz_host access_compat alias env headers rewrite setenvif mime dir filter deflate"
    " negotiation autoindex expires cgid fcgid userdir"
).split()

# What Debian's Apache, cPanel and others set for the whole server, of what touches static files.
SERVER = """
    DirectoryIndex index.html
    AddDefaultCharset iso-8859-1
    AddType application/x-gzip .gz .tgz
    AddEncoding x-gzip .gz
    AddLanguage br .br
    AddLanguage de .de
    AddLanguage en .en
    AddCharset ISO-8859-1 .latin1
    AddHandler cgi-script .cgi .pl
    AddOutputFilterByType DEFLATE text/html text/plain text/xml text/css application/json
    AddOutputFilterByType DEFLATE text/javascript application/javascript application/wasm
    <FilesMatch "^\\.ht">
        Require all denied
    </FilesMatch>
    <IfModule mod_fcgid.c>
        AddHandler fcgid-script .fcgi
    </IfModule>
"""

# What an owner has in the document root already; the handler is what cPanel writes there.
OWN_FILES = {
    "index.html": "the owner's own page\n",
    "missing.html": "the owner's own 404\n",
    ".htaccess": "AddHandler application/x-httpd-php .php\nErrorDocument 404 /missing.html\n",
}

# What the archive has for the directory of the programs. Without it ScriptAlias wins, whatever the
# host's AddHandler says, and handback.fcgi runs as a CGI.
BESIDE_THE_PROGRAM = harness.CONFIGURATION / "shared-host/cgi-bin.htaccess"

# The Python application at the top of the site, as cPanel's "Setup Python App" has it. Passenger
# asks it for all that is no file; like any application it knows a page and has no others.
APPLICATION = """
def application(environ, start_response):
    found = environ["PATH_INFO"] == "/page/"
    status = "200 OK" if found else "404 Not Found"
    start_response(status, [("Content-Type", "text/plain")])
    return [b"the application's " + (b"page" if found else b"404")]
"""

PASSENGER = """
    PassengerRoot /usr/lib/ruby/vendor_ruby/phusion_passenger/locations.ini
    PassengerInstanceRegistryDir {server}
    PassengerLogFile {server}/passenger.log
    PassengerDisableSecurityUpdateCheck on
    PassengerDisableAnonymousTelemetry on
    PassengerMaxPoolSize 1
    PassengerEnabled on
    PassengerAppRoot {home}/app
    PassengerAppType wsgi
    PassengerStartupFile passenger_wsgi.py
    PassengerPython /usr/bin/python3
"""

# As Debian has it for user directories; many hosts list directories.
OPTIONS = "Options MultiViews Indexes SymLinksIfOwnerMatch"

# What only one kind loads beside the usual modules.
OWN_MODULES = {"suexec": ["suexec"], "brotli": ["brotli"], "passenger": ["passenger"]}


def granted(folder, overrides, *lines):
    inside = [f"AllowOverride {overrides}", "Require all granted", *lines]
    return f'<Directory "{folder}">\n' + "\n".join(inside) + "\n</Directory>\n"


class Account:
    """A real account: suEXEC asks the system for the owner of a user directory."""

    def __init__(self, work):
        self.home = work.fresh("home")
        self.name = f"hb-{os.getpid()}-{work.count}"
        subprocess.run(
            ["useradd", "--no-create-home", "--home-dir", self.home, "--user-group",
             "--shell", "/usr/sbin/nologin", self.name],
            check=True, capture_output=True,
        )
        entry = pwd.getpwnam(self.name)
        self.ids = entry.pw_uid, entry.pw_gid
        SUEXEC_LOG.mkdir(mode=0o750, exist_ok=True)  # else suEXEC refuses everything
        work.leaving.append(self)

    def join(self):
        """At the end of the run, when no process of the account is left."""
        subprocess.run(["userdel", "--force", self.name], capture_output=True)


class Host:
    def __init__(self, work, kind, tree, overrides="FileInfo", extra="", modules=(), without=(),
                 cgi=None):
        assert kind in KINDS, kind
        self.work, self.kind = work, kind
        self.account = Account(work) if kind == "suexec" else None
        self.home = self.account.home if self.account else self._home()
        self.ids = self.account.ids if self.account else (NAMELESS, NAMELESS)
        self._places()
        self.cgi = cgi or work.cgi
        self._make_what_is_there(APPLICATION if kind == "passenger" else None)
        if tree is not None:
            shutil.copytree(tree, self.root, symlinks=True)
            self._upload_programs()
        self._give_all()
        self._make_apache(overrides, extra, list(modules), without)

    def _home(self):
        home = self.work.fresh("homes") / "alice"
        home.mkdir(mode=0o755)
        return home

    def _places(self):
        """Where the host puts what, and below which URLs."""
        self.documents = self.home / "public_html"
        self.user = self.account.name if self.account else "alice"
        self.url, self.cgi_url = STATIC_URLS.get(self.kind, "/static/"), "/cgi-bin/handback.cgi"
        self.cgi_bin, self.root = self.home / "cgi-bin", self.documents / "static"
        if self.kind in ("user", "suexec"):
            self.url, self.cgi_bin = f"/~{self.user}/static/", self.documents / "cgi-bin"
            self.cgi_url = f"/~{self.user}/cgi-bin/handback.cgi"
        elif self.kind == "alias":
            self.root = self.home / "collected"
        elif self.kind == "subdirectory":
            self.root = self.documents / "shop/static"

    def _make_what_is_there(self, application):
        for folder in (self.documents, self.cgi_bin):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for name, text in OWN_FILES.items():
            (self.documents / name).write_text(text)
        if application:
            (self.home / "app").mkdir()
            (self.home / "app/passenger_wsgi.py").write_text(application)

    def _upload_programs(self):
        self.put_program(self.cgi or self.work.program, "handback.cgi")
        # Read by the full program alone, as handback.fcgi or in place of the static CGI.
        settings = {"root": str(self.root), "url": self.url}
        (self.cgi_bin / "handback.json").write_text(json.dumps(settings))

    def put_program(self, program, name):
        """A copy of a program in the cgi-bin, executable."""
        target = self.cgi_bin / name
        shutil.copyfile(program, target)
        target.chmod(0o755)
        self.give(target)
        return target

    def give(self, path):
        """To the owner: an upload belongs to whoever uploads."""
        if harness.ROOT:
            os.lchown(path, *self.ids)

    def _give_all(self):
        self.give(self.home)
        for folder, folders, names in os.walk(self.home):
            for name in folders + names:
                self.give(os.path.join(folder, name))

    def _make_apache(self, overrides, extra, modules, without):
        modules += OWN_MODULES.get(self.kind, [])
        modules = [name for name in MODULES + modules if name not in without]
        self.apache = harness.Apache(self.work, "", modules=modules)
        self.server_root = self.apache.home
        with open(self.apache.configuration, "a") as file:
            file.write(SERVER + self._site(overrides) + extra)

    def _site(self, overrides):
        """The host's own lines for this site."""
        text = granted(self.documents, overrides, OPTIONS)
        text += granted(self.cgi_bin, overrides, "Options ExecCGI", "SetHandler cgi-script")
        if self.kind == "user":
            text += f'UserDir "{self.home.parent}/*/public_html"\n'
        elif self.kind == "suexec":
            text += "UserDir public_html\n"
        else:
            text += f'DocumentRoot "{self.documents}"\nScriptAlias /cgi-bin/ "{self.cgi_bin}/"\n'
        if self.kind == "alias":
            text += f'Alias "{self.url}" "{self.root}/"\n'
            text += granted(self.root, overrides, OPTIONS)
        elif self.kind == "brotli":
            text += "SetOutputFilter BROTLI_COMPRESS\n"
        elif self.kind == "passenger":
            text += PASSENGER.format(server=self.server_root, home=self.home)
        return text

    def run(self, *command, check=True, **environment):
        """Runs a program as the owner of the files, with nothing of our own environment."""
        identity = {}
        if harness.ROOT:
            identity = {"user": self.ids[0], "group": self.ids[1], "extra_groups": []}
        return subprocess.run(
            list(map(str, command)), cwd=self.home, capture_output=True, text=True, timeout=120,
            env={"PATH": "/usr/bin:/bin", **environment}, check=check, **identity,
        )

    def prepare(self, *options, check=True, program=None):
        """`handback prepare` as the owner; the exit code and what it said."""
        done = self.run(
            program or self.work.program, "prepare", *options, check=False,
            STATIC_ROOT=str(self.root), STATIC_URL=self.url,
        )
        harness.no_sanitizer_report(done.stderr, "prepare")
        assert not check or done.returncode == 0, done
        return done

    def take_level(self, level, *options, program=None, **more):
        """The .htaccess of that level, and what its program needs beside itself."""
        if level == 3:
            self.put_program(program or self.work.program, "handback.fcgi")
            self.upload(self.cgi_bin / ".htaccess", BESIDE_THE_PROGRAM.read_text())
        url = self.cgi_url.replace(".cgi", ".fcgi") if level == 3 else self.cgi_url
        beside = ["--beside", self.cgi_bin] if self.cgi else []
        return self.prepare("--htaccess", level, "--cgi", url, *beside, *options,
                            program=program, **more)

    def upload(self, path, data, mode=0o644):
        """Writes a file, named relative to STATIC_ROOT or absolute, as the owner's."""
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        path.chmod(mode)
        self.give(path)
        return path

    def ask(self, target, **request):
        return self.apache.ask(target, **request)

    def get(self, name, method="GET", **headers):
        """A request for a name below STATIC_URL, headers as keywords: accept_encoding="br"."""
        target = harness.url_of(name, self.url)
        return self.ask(target, method=method, headers=harness.header_names(headers))

    def log(self):
        return self.apache.log()

    def start(self):
        self.apache.start()
        return self

    def stop(self):
        self.apache.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
