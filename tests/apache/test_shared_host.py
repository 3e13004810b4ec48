"""The full program in a cgi-bin, with nothing but a handback.json beside it and one rule."""

import json
import shutil

import pytest

from django_site import ASSETS
from harness import Apache, own, url_of

RULE = "RewriteEngine On\nRewriteRule ^static/ /cgi-bin/handback [END]\n"


@pytest.fixture(scope="module")
def host(work, project):
    home = work.fresh("shared")
    cgi, documents = home / "cgi-bin", home / "htdocs"
    cgi.mkdir()
    documents.mkdir()
    shutil.copy(work.program, cgi / "handback")
    (cgi / "handback").chmod(0o755)
    (cgi / "handback.json").write_text(json.dumps({"root": str(project.root), "url": "/static/"}))
    (documents / ".htaccess").write_text(RULE)
    (documents / "index.html").write_text("my page")
    own(home)
    text = f"""
        DocumentRoot {documents}
        ScriptAlias /cgi-bin/ {cgi}/
        <Directory {cgi}>
            Require all granted
        </Directory>
        <Directory {documents}>
            AllowOverride FileInfo
            Require all granted
        </Directory>
    """
    with Apache(work, text) as apache:
        yield apache


def test_every_name_of_the_manifest_is_answered(host, project):
    for name, hashed in project.manifest().items():
        if not name.startswith("admin/"):
            assert host.ask(url_of(name)).body == project.bytes_of(name), name
            answer = host.ask(url_of(hashed))
            assert answer.body == project.bytes_of(hashed), hashed
            assert answer.immutable, hashed


def test_what_is_not_static_stays_with_the_host(host):
    assert host.ask("/index.html").body == b"my page"


def test_a_query_string_is_no_argument_of_the_program(host):
    answer = host.ask("/static/data.json?serve+--help")
    assert answer.body == ASSETS["data.json"]


def test_the_settings_beside_the_program_are_not_served(host):
    assert host.ask("/cgi-bin/handback.json").status in (403, 404, 500)
    assert b"root" not in host.ask("/cgi-bin/handback.json").body
