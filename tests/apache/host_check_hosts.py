"""Hosts for the host check: a site, a cgi-bin and the page, as somebody has uploaded them."""

import copy
import hashlib
import json
import shutil
import subprocess

from harness import REPOSITORY, ROOT, SERVER_USER, Workplace, virtual_host, wait_until
from other_servers import Server

SHARED = REPOSITORY / "apache/shared-host"
PROBE = "handback-probe.cgi"

# What the Apache of every host holds.
HOST = """
    <IfModule mod_mime.c>
        AddType text/css .css
    </IfModule>
    <FilesMatch "^\\.ht">
        Require all denied
    </FilesMatch>
"""


def cgi_program(work):
    """As it is shipped: what is tested here is the host, and each page starts it many times."""
    return work.cgi_release or work.cgi


def level_0_of_the_probe(work):
    """What prepare writes for the one file of probe/level0."""
    root = work.fresh("level0") / "static"
    shutil.copytree(SHARED / "probe/level0", root)
    (root / ".htaccess").unlink()
    name = next(path.name for path in root.glob("*.css"))
    (root / "staticfiles.json").write_text(
        json.dumps({"paths": {"style.css": name}, "version": "1.0"}))
    settings = {"STATIC_ROOT": str(root), "HANDBACK_STATE": str(root.parent / "state")}
    subprocess.run([work.program, "prepare", "--htaccess", "0"], env=settings, capture_output=True)
    return (root / ".htaccess").read_text()


def put_check(work, folder, cgi_bin):
    """What the README has somebody upload: the page, the probe files, both programs."""
    folder.mkdir(parents=True)
    shutil.copy(SHARED / "check.html", folder)
    shutil.copytree(SHARED / "probe", folder / "probe")
    cgi_bin.mkdir(parents=True, exist_ok=True)
    shutil.copy(SHARED / "probe/cgi" / PROBE, cgi_bin)
    program = cgi_bin / "handback.cgi"
    shutil.copyfile(cgi_program(work), program)
    program.chmod(0o755)
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    (folder / "probe/SHA256SUMS").write_text(f"{digest}  handback.cgi\n")


class Uploaded:
    """One host of several in one Apache; `path` is where the site begins."""

    def __init__(self, work, name, path="", cgi_bin=None):
        self.name = name
        self.home = work.fresh("host")
        self.documents = self.home / "htdocs"
        self.check = self.documents / path / "handback-check"
        self.cgi_bin = self.documents / cgi_bin if cgi_bin else self.home / "cgi-bin"
        put_check(work, self.check, self.cgi_bin)
        self.page = "/" + str(self.check.relative_to(self.documents)) + "/check.html"

    def named(self, name):
        """The same files behind another virtual host."""
        other = copy.copy(self)
        other.name = name
        return other

    def give(self):
        if ROOT:
            for each in [self.home, *self.home.rglob("*")]:
                shutil.chown(each, SERVER_USER, SERVER_USER)

    def virtual_host(self, text="", override="FileInfo", options="FollowSymLinks",
                     script_alias="/cgi-bin/"):
        alias = f"ScriptAlias {script_alias} {self.cgi_bin}/" if script_alias else ""
        text = text.replace("CGI_BIN", str(self.cgi_bin))
        return virtual_host(f"{self.name}.localhost", HOST, f"""
            DocumentRoot {self.documents}
            {alias}
            <Directory {self.cgi_bin}>
                Require all granted
            </Directory>
            <Directory {self.documents}>
                AllowOverride {override}
                Options {options}
                Require all granted
            </Directory>
            {text}
        """)


def put_into(host):
    """The check on a host of shared_host.py; returns the page's URL path."""
    below = "shop/" if host.kind == "subdirectory" else ""
    put_check(host.work, host.documents / f"{below}handback-check", host.cgi_bin)
    host._give_all()
    user = f"~{host.user}/" if host.kind in ("user", "suexec") else ""
    return f"/{user}{below}handback-check/check.html"


def take_level(host, level):
    """What the owner does to have that level."""
    host.take_level(level)
    host._give_all()


def ascii_mode(path):
    """What an FTP program does to a file that it takes for text: line ends become CR LF."""
    data = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    path.write_bytes(data)


class Verdict:
    """What the page says when it is done."""

    def __init__(self, said):
        self.lines = {line["id"]: line for line in said["lines"]}
        self.level, self.command = said["level"], said["command"]
        self.summary, self.text = said["summary"], said["text"]

    def of(self, state):
        return {name for name, line in self.lines.items() if line["state"] == state}

    @property
    def red(self):
        return self.of("red")


READ = """
    const part = (line, name) => line.querySelector('.' + name).textContent;
    return {
        lines: [...document.querySelectorAll('li')].map(line => ({
            id: line.id, state: line.dataset.state, word: part(line, 'state'),
            said: part(line, 'said'), mend: part(line, 'mend') })),
        level: document.getElementById('level').dataset.level,
        command: document.getElementById('command').textContent,
        summary: document.getElementById('summary').textContent,
        text: document.body.innerText };
"""
DONE = "return document.getElementById('summary').dataset.done !== undefined"


def verdict(browser):
    wait_until(lambda: browser.run(DONE), 30, "the page's verdict")
    return Verdict(browser.run(READ))


def read_page(browser, port, page, host="localhost"):
    browser.open(f"http://{host}:{port}{page}")
    return verdict(browser)


class Front(Server):
    """An nginx before Apache, as panels set it up; `server` and the others are its own lines."""

    file = "nginx"

    def __init__(self, work, apache, host, server="", http="", proxy="", listen=""):
        super().__init__(work, "front")
        names = "client_body proxy fastcgi uwsgi scgi".split()
        temporary = "".join(f"{name}_temp_path {self.home}/{name};\n" for name in names)
        configuration = self.home / "nginx.conf"
        configuration.write_text(f"""
            daemon off;
            worker_processes 1;
            pid {self.home}/pid;
            error_log {self.log_path} info;
            events {{ worker_connections 128; }}
            http {{
                {temporary}
                access_log off;
                include /etc/nginx/mime.types;
                {http}
                server {{
                    listen 127.0.0.1:{self.port} {listen};
                    root {host.documents};
                    location / {{ try_files /nothing @apache; }}
                    location @apache {{
                        proxy_pass http://127.0.0.1:{apache.port};
                        proxy_http_version 1.1;
                        proxy_set_header Host {host.name}.localhost;
                        {proxy}
                    }}
                    {server}
                }}
            }}
        """)
        self.command = ["/usr/sbin/nginx", "-p", self.home, "-e", self.log_path,
                        "-c", configuration]


if __name__ == "__main__":  # renews the file that comes from prepare
    place = Workplace()
    (SHARED / "probe/level0/.htaccess").write_text(level_0_of_the_probe(place))
    place.remove()
