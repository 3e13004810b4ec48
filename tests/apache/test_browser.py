"""The shipped pairings with Django under mod_wsgi, as a person meets them: in a browser."""

import re
import shutil

import pytest

from browser import Browser
from django_site import Project
from harness import CONFIGURATION, FRONTS, INCLUDES, Apache, Serve, prepare

PAIRINGS = CONFIGURATION / "mod_wsgi"


def pairing(front, project, work, serve, port):
    """The shipped file with the lines changed that it asks the reader to change."""
    program = work.cgi_release if front == "static" else work.program
    text = (PAIRINGS / INCLUDES[front]).read_text()
    changes = {
        r"(?m)^Define SITE .*": f"Define SITE {project.home}",
        r"(?m)^Define (HANDBACK\w*) .*": rf"Define \1 {program}",
        r"(?m)^( *)Define HANDBACK_SOCKET .*": rf"\1Define HANDBACK_SOCKET {serve.address}",
        r"<VirtualHost \*:80>": f"<VirtualHost *:{port}>",
    }
    for pattern, replacement in changes.items():
        text = re.sub(pattern, replacement, text)
    return text


@pytest.fixture(scope="module", params=FRONTS)
def paired(request, work, project):
    """Django and Handback in one virtual host, and nothing beside that file."""
    home = work.fresh("paired")
    shutil.copytree(project.home, home, dirs_exist_ok=True)
    own = Project(home)
    if request.param == "static":
        prepare(work, own.root, home / "state")
    with Serve(work, root=own.root) as serve:
        apache = Apache(work, "")
        with open(apache.configuration, "a") as configuration:
            configuration.write(pairing(request.param, own, work, serve, apache.port))
        with apache:
            yield apache, own


def test_the_admins_login_page_and_all_it_refers_to_are_served(paired):
    apache, project = paired
    page = apache.ask("/admin/login/")
    assert page.status == 200
    found = re.findall(rb'(?:href|src)="(/static/[^"]+)"', page.body)
    assert len(found) >= 4
    for target in found:
        answer = apache.ask(target)
        assert answer.status == 200, target
        assert answer.immutable, target
        assert answer.body == (project.root / target[len(b"/static/"):].decode()).read_bytes()


def test_what_is_not_static_is_djangos(paired):
    apache, _ = paired
    answer = apache.ask("/nothing/")
    assert answer.status == 404
    assert b"Not Found" in answer.body
    assert apache.ask("/admin/").status == 302


def test_compressed_files_reach_the_browser_with_their_coding(paired):
    apache, project = paired
    name = project.manifest()["css/site.css"]
    answer = apache.ask(f"/static/{name}", headers={"Accept-Encoding": "gzip, deflate, br"})
    assert answer["Content-Encoding"] == "br"
    assert answer.body == (project.root / f"{name}.br").read_bytes()


def test_chromium_shows_the_admins_login_page_styled_and_without_an_error(paired):
    apache, _ = paired
    with Browser() as browser:
        browser.open(f"http://localhost:{apache.port}/admin/login/")
        fetched = [each for each in browser.responses() if "/static/" in each[0]]
        assert len(fetched) >= 4
        assert [(url, status) for url, status, _ in fetched if status != 200] == []
        assert all("immutable" in headers["cache-control"] for _, _, headers in fetched)
        severe = [entry for entry in browser.log("browser") if entry["level"] == "SEVERE"]
        assert severe == []
        # From base.css and login.css: only applied style sheets give these.
        look = "return getComputedStyle(document.querySelector('%s')).%s"
        assert browser.run(look % ("#header", "backgroundColor")) == "rgb(65, 118, 144)"
        assert browser.run(look % (".submit-row input", "cursor")) == "pointer"
        assert browser.run("return [...document.styleSheets].every(s => s.cssRules.length > 0)")
