"""A site of a person who has .htaccess and a cgi-bin, and nothing else."""

import json
import os
import pwd
import shutil
import subprocess

from harness import ROOT, SERVER_USER, as_server, no_sanitizer_report

# What hosts and Debian set for all sites, each of which would change what is sent.
LINES_OF_THE_HOST = """
AddLanguage br .br
AddLanguage en .en
AddType application/x-gzip .gz
AddEncoding x-gzip .gz
AddHandler cgi-script .cgi .php
AddDefaultCharset iso-8859-1
"""


class SharedSite:
    """A copy of a tree below a document root, and a directory with the programs beside it."""

    def __init__(self, work, tree, url="/static/", cgi_url="/cgi-bin/"):
        self.work, self.url, self.cgi_url = work, url, cgi_url
        self.home = work.fresh("shared")
        self.documents, self.cgi = self.home / "htdocs", self.home / "cgi-bin"
        self.root = self.documents / url.strip("/")
        self.cgi.mkdir()
        self.root.parent.mkdir(parents=True)
        shutil.copytree(tree, self.root, symlinks=True)
        (self.root / ".htaccess").unlink(missing_ok=True)
        for name, program in (("handback.cgi", work.cgi_release or work.cgi or work.program),
                              ("handback.fcgi", work.release or work.program)):
            shutil.copy(program, self.cgi / name)
            (self.cgi / name).chmod(0o755)
        # What the FastCGI program reads, which is the full one.
        (self.cgi / "handback.json").write_text(json.dumps({"root": str(self.root), "url": url}))
        self.give()

    def give(self):
        """Everything to the user that the servers run as, as uploads belong to their user."""
        if ROOT:
            user = pwd.getpwnam(SERVER_USER)
            for path in [self.home, *self.home.rglob("*")]:
                os.lchown(path, user.pw_uid, user.pw_gid)

    def prepare(self, *options, **environment):
        program = self.work.release or self.work.program
        command = [program, "prepare", "--beside", self.cgi, *options]
        settings = {"STATIC_ROOT": self.root, "STATIC_URL": self.url, **environment}
        done = subprocess.run(
            [str(part) for part in command], env={k: str(v) for k, v in settings.items()},
            capture_output=True, text=True, timeout=60, **as_server(),
        )
        no_sanitizer_report(done.stderr, "prepare")
        return done

    def lines(self, overrides="FileInfo", above=""):
        """What the host's own configuration says of this site."""
        return f"""
            DocumentRoot {self.documents}
            ScriptAlias {self.cgi_url} {self.cgi}/
            <Directory {self.cgi}>
                Require all granted
                <IfModule mod_env.c>
                    SetEnv ap_trust_cgilike_cl 1
                </IfModule>
                AllowOverride {overrides}
            </Directory>
            <Directory {self.documents}>
                Options FollowSymLinks
                AllowOverride {overrides}
                Require all granted
            </Directory>
            {above}
        """
