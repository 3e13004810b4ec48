"""A private nginx and a private lighttpd, on loopback, with the files of examples/ as shipped."""

import json
import re
import signal
import socket
import subprocess

import client
from harness import REPOSITORY, as_server, free_port, no_sanitizer_report, own, wait_until

EXAMPLES = REPOSITORY / "examples"
HERE = "www.example.org"


def edited(text, changes):
    """The edits that a user would make; each must find something."""
    for old, new in changes.items():
        assert old in text, f"the file does not hold {old!r}"
        text = text.replace(old, str(new))
    return text


def nginx_settings(work, root, media):
    """The handback.json in the header of nginx.conf, as a file."""
    text = (EXAMPLES / "nginx.conf").read_text()
    lines = re.findall(r"^#   ([ {}].*)$", text, re.M)
    shown = "\n".join(lines[: lines.index("}") + 1])
    names = {"/srv/example/static": root, "/srv/example/media": media}
    path = work.fresh("settings") / "handback.json"
    path.write_text(edited(shown, names))
    assert len(json.loads(path.read_text())["mounts"]) == 2
    return path


class Server:
    """What both have in common; a subclass says how it is started."""

    def __init__(self, work, name):
        self.work = work
        self.home = work.fresh(name)
        own(self.home)
        self.port = free_port()
        self.log_path = self.home / "error.log"
        self.process = None

    def example(self, serve, root, media, application, changes):
        """The shipped file of this server, edited."""
        text = (EXAMPLES / self.file).read_text()
        names = {"/srv/example/static": root, "/srv/example/media": media,
                 "/run/handback/example.sock": serve.address}
        return edited(edited(text, names), {**self.site(application), **(changes or {})})

    def start(self):
        with open(self.home / "output", "ab") as output:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self.home, **as_server(),
            )
        self.work.spawned.append(self.process)
        wait_until(self._listens, what=f"{self.file}: listening")
        return self

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.file}: {self.log()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def log(self):
        paths = [self.home / "output", self.log_path]
        return "".join(p.read_text(errors="replace") for p in paths if p.exists())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        no_sanitizer_report(self.log(), self.file)

    def ask(self, target, host=HERE, **request):
        return client.ask(self.port, target, host, **request)

    def connect(self, host=HERE, **options):
        return client.Connection(self.port, host, **options)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Nginx(Server):
    file = "nginx.conf"

    def __init__(self, work, serve, root, media, application=9, http="", changes=None):
        """`http`: what the machine's own nginx.conf holds beside the include."""
        super().__init__(work, "nginx")
        included = self.home / "example.conf"
        included.write_text(self.example(serve, root, media, application, changes))
        temporary = "client_body proxy fastcgi uwsgi scgi".split()
        lines = [f"{name}_temp_path {self.home}/{name};" for name in temporary]
        configuration = self.home / "server.conf"
        configuration.write_text(
            f"daemon off;\nworker_processes 2;\npid {self.home}/pid;\n"
            f"error_log {self.log_path} info;\nevents {{ worker_connections 512; }}\n"
            # What the program named: the only trace of it that is left.
            f"http {{\nlog_format named '$request_uri $upstream_http_x_accel_redirect';\n"
            f"access_log {self.home}/named.log named;\ninclude /etc/nginx/mime.types;\n"
            + "\n".join(lines) + f"\n{http}\ninclude {included};\n}}\n"
        )
        self.command = ["/usr/sbin/nginx", "-p", self.home, "-e", self.log_path,
                        "-c", configuration]

    def site(self, application):
        return {"listen 80;": f"listen 127.0.0.1:{self.port};",
                "127.0.0.1:8000": f"127.0.0.1:{application}"}

    def named(self):
        """The internal URL of each request so far, or "-"."""
        return (self.home / "named.log").read_text().split("\n")


class Lighttpd(Server):
    file = "lighttpd.conf"

    def __init__(self, work, serve, root, media, application=9, before="", changes=None):
        """`before`: what the machine's own lighttpd.conf holds."""
        super().__init__(work, "lighttpd")
        configuration = self.home / "server.conf"
        configuration.write_text(
            f'server.document-root = "{work.fresh("empty")}"\n'
            f'server.bind = "127.0.0.1"\nserver.port = {self.port}\n'
            f'server.errorlog = "{self.log_path}"\nserver.upload-dirs = ( "{self.home}" )\n'
            f'mimetype.assign = ( ".css" => "text/x-wrong" )\n{before}\n'
            + self.example(serve, root, media, application, changes)
        )
        self.command = ["/usr/sbin/lighttpd", "-D", "-f", configuration]

    def site(self, application):
        return {'"port" => 8000': f'"port" => {application}'}
