"""HANDBACK_LOCAL_REDIRECT: Apache's own file handler sends the files, from a closed URL."""

import hashlib
import os
import shutil

import pytest

import same_answers
from django_site import ASSETS, Project, write
from harness import (
    NEEDED, USUAL, Apache, Serve, defines, prepare, url_of, virtual_host, wait_until,
)
from same_answers import assert_same, hashed_url, parameters, with_tag
from test_fronts import run_cgi
from test_virtual_hosts import NEIGHBOURS

CLOSED = "/handback-files/"
REDIRECT = {"HANDBACK_LOCAL_REDIRECT": CLOSED}
ANNOUNCED = {"HANDBACK_DELIVERY": "local-redirect", "HANDBACK_DELIVERY_URL": CLOSED}

# Apache's two modules for CGI cannot be in one server.
GATEWAYS = {"cgid": "cgi", "cgi": "cgi", "fcgid": "fcgid", "static": "static"}

# What Debian's mime.conf and people's servers hold: each would change what is sent.
AROUND = """
AddLanguage br .br
AddLanguage en .en
AddType application/x-gzip .gz
AddEncoding x-gzip .gz
AddHandler cgi-script .cgi .php
AddDefaultCharset iso-8859-1
"""
LOG = 'CustomLog requests.log "%<U to %>U"\n'

# Names that Apache or a URL would read something into.
ODD = ["odd/x.en.css", "odd/x.php.js", "odd/x.cgi", "odd/a.tar.gz", "odd/what? #1 & 2%.txt",
       "odd/semi;colon=.css", 'odd/"quoted".txt', "odd/\u00fcber.html"]


def with_hash(name, data):
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.md5(data).hexdigest()[:12]}.{suffix}"


ODD_FILES = {with_hash(name, name.encode()): name.encode() for name in ODD}


LINK = with_hash("odd/link.css", next(iter(ODD_FILES.values())))


@pytest.fixture(scope="module")
def tree(work, project):
    """The project's own, with odd names beside."""
    home = work.fresh("project")
    shutil.copytree(project.home, home, dirs_exist_ok=True)
    for name, data in ODD_FILES.items():
        write(home / "static" / name, data)
    os.symlink(next(iter(ODD_FILES)).removeprefix("odd/"), home / "static" / LINK)
    made = Project(home)
    made.proven = project.proven
    return made


class Pair:
    """One Apache with two sites over one root: by local redirect, and with bodies."""

    def __init__(self, work, tree, gateway):
        front = GATEWAYS[gateway]
        state = {}
        if front == "static":
            state = {"HANDBACK_STATE": prepare(work, tree.root, HANDBACK_POOL="off")}
        text = LOG + "".join([
            virtual_host("redirect", AROUND, defines(front, root=tree.root, **REDIRECT, **state)),
            virtual_host("body", defines(front, root=tree.root, **state)),
        ])
        modules = ["cgi" if (name, gateway) == ("cgid", "cgi") else name for name in USUAL]
        self.apache = Apache(work, text, modules=modules)
        self.log = self.apache.home / "requests.log"

    def ask(self, target, **request):
        return self.apache.ask(target, "redirect", **request)

    def ask_body(self, target, **request):
        return self.apache.ask(target, "body", **request)

    def assert_same(self, target, **request):
        assert_same(self.ask(target, **request), self.ask_body(target, **request))

    def requests(self):
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture(scope="module", params=GATEWAYS)
def pair(request, work, tree):
    made = Pair(work, tree, request.param)
    with made.apache:
        yield made


def location_of(work, tree, target, headers=(), method="GET"):
    """What the program answers to a web server that follows its redirects."""
    params = parameters(target, method, headers) | ANNOUNCED
    return run_cgi(work, tree.root, params)[1].headers.get("location")


@pytest.mark.parametrize("case", same_answers.OF_A_FILE)
def test_a_request_for_a_file_has_the_answer_of_a_body(pair, tree, case):
    target = hashed_url(tree)
    headers = with_tag(same_answers.OF_A_FILE[case][0], pair, target)
    pair.assert_same(target, headers=headers)


# A CGI under sanitizers starts slowly, and a live file is a body everywhere.
@pytest.mark.parametrize("pair", ["fcgid", "static"], indirect=True)
@pytest.mark.parametrize("case", same_answers.OF_A_FILE)
def test_a_request_for_a_live_file_has_the_answer_of_a_body(pair, case):
    target = "/static/live/plain.txt"
    headers = with_tag(same_answers.OF_A_FILE[case][0], pair, target)
    pair.assert_same(target, headers=headers)


@pytest.mark.parametrize("case", same_answers.OF_A_FILE)
def test_bytes_come_from_apache_where_it_answers_alike(work, tree, case):
    headers, bulk = same_answers.OF_A_FILE[case]
    tag = {"{tag}": f'"{hashed_url(tree).split(".")[-2]}"'}
    headers = {k: v.replace("{tag}", tag["{tag}"]) for k, v in headers.items()}
    location = location_of(work, tree, hashed_url(tree), headers)
    if bulk is not None:
        assert (location is not None) == bulk
    if location is not None:
        assert location.startswith(CLOSED)


@pytest.mark.parametrize("asked", same_answers.MALFORMED)
def test_a_range_that_is_none_has_the_answer_of_a_body(pair, tree, asked):
    pair.assert_same(hashed_url(tree), headers={"Range": asked})


@pytest.mark.parametrize("name", same_answers.FILES)
def test_a_file_of_any_name_has_the_answer_of_a_body(pair, tree, name):
    for target in {url_of(name), url_of(tree.manifest().get(name, name))}:
        for headers in ({}, {"Accept-Encoding": "gzip, br"}, {"Range": "bytes=0-1"}):
            pair.assert_same(target, headers=headers)


@pytest.mark.parametrize("name", ODD_FILES)
def test_apache_reads_nothing_into_a_name(work, pair, tree, name):
    target = url_of(name)
    for headers in ({}, {"Accept-Encoding": "gzip, br"}, {"Range": "bytes=0-1"}):
        pair.assert_same(target, headers=headers)
    answer = pair.ask(target)
    assert (answer.status, answer.body, answer.immutable) == (200, ODD_FILES[name], True)
    assert location_of(work, tree, target) is not None


@pytest.mark.parametrize("name", same_answers.MISSING)
def test_what_is_missing_has_the_answer_of_a_body(pair, name):
    pair.assert_same(url_of(name))


@pytest.mark.parametrize("method", same_answers.METHODS)
def test_every_method_has_the_answer_of_a_body(work, pair, tree, method):
    body = b"a=b" if method in ("POST", "DELETE") else None
    target = hashed_url(tree)
    for headers in ({}, {"Accept-Encoding": "br"}, {"Range": "bytes=0-1"}):
        pair.assert_same(target, method=method, headers=headers, body=body)
    assert location_of(work, tree, target, method=method) is None


def test_every_name_of_the_manifest_is_answered_with_its_own_bytes(pair, tree):
    for name, hashed in sorted(tree.manifest().items())[::7]:
        for asked in (name, hashed):
            answer = pair.ask(url_of(asked))
            assert (answer.status, answer.body) == (200, tree.bytes_of(name)), asked


def test_the_file_is_sent_from_the_closed_url(pair, tree):
    target = hashed_url(tree, "js/app.js")
    assert pair.ask(target + "?own=query&type=text/html").body == ASSETS["js/app.js"]
    line = f"{target} to {target.replace('/static/', CLOSED)}\n"
    wait_until(lambda: line in pair.requests(), what="the line in Apache's log")


def test_a_clients_query_changes_nothing(pair, tree):
    target = hashed_url(tree)
    for query in ("?type=text/html&charset=x&etag=y", "?etag=", "?&type=a", "?type=a%00b"):
        assert_same(pair.ask(target + query), pair.ask_body(target))


@pytest.mark.parametrize("target", [
    "{closed}{name}",
    "{closed}{name}?type=text/html&etag=x",
    "/{closed}{name}",
    "/%68andback-files/{name}",
    "/handback-%66iles/{name}",
    "/./handback-files/{name}",
    "/static/../handback-files/{name}",
    "/static/%2e%2e/handback-files/{name}",
    "http://redirect{closed}{name}",
    "{closed}{name}/",
    "{closed}",
    "{closed}css/",
    "{closed}nothing.css",
])
def test_no_client_reaches_the_closed_url(pair, tree, target):
    name = tree.manifest()["css/site.css"]
    answer = pair.ask(target.format(closed=CLOSED, name=name))
    assert answer.status in (403, 404)
    assert not answer.immutable
    # Nor may the answer tell which files there are.
    if CLOSED in target:
        assert answer.status == pair.ask(CLOSED + "nothing.css").status


def test_a_client_cannot_say_that_it_was_redirected(pair, tree):
    for name in ("Redirect-Handback-Delivery", "REDIRECT_HANDBACK_DELIVERY", "Handback-Delivery"):
        target = CLOSED + tree.manifest()["css/site.css"]
        assert pair.ask(target, headers={name: "local-redirect"}).status == 403


def test_live_files_and_disproved_names_are_sent_as_bodies(work, tree):
    for name in ("live/plain.txt", "live/wrong.0123456789ab.css", "live/page.html"):
        assert location_of(work, tree, url_of(name)) is None, name
    assert location_of(work, tree, url_of(tree.proven)) is not None


def test_with_the_redirect_goes_nothing_that_makes_apache_answer_itself(work, tree):
    """With a status or a tag Apache would answer 304 and show the closed URL (RFC 3875 6.2.2)."""
    params = parameters(hashed_url(tree)) | ANNOUNCED
    headers = run_cgi(work, tree.root, params)[1].headers
    assert headers["location"].startswith(CLOSED)
    assert not {"status", "etag", "last-modified", "content-length", "x-sendfile"} & set(headers)


@pytest.mark.parametrize("page", ["", "ErrorDocument 404 /gone.html"], ids=["", "a page"])
@pytest.mark.parametrize("front", ["cgi", "fcgid", "static"])
def test_a_file_that_vanishes_is_a_404_that_no_cache_keeps(work, tree, front, page):
    """Apache is given another root than the program: as if the file had gone a moment ago."""
    told = (f"FcgidInitialEnv STATIC_ROOT {tree.root}\n"
            f'<Location "/static/">\nSetEnv STATIC_ROOT {tree.root}\n</Location>\n')
    lines = defines(front, root=work.fresh("empty"), **REDIRECT)
    with Apache(work, virtual_host("redirect", lines, told, page)) as apache:
        for accepted in ("identity", "br"):
            headers = {"Accept-Encoding": accepted}
            answer = apache.ask(hashed_url(tree), "redirect", headers=headers)
            assert answer.status == 404
            assert "no-store" in answer["Cache-Control"].split(", ")


@pytest.mark.parametrize("front", ["cgi", "fcgid", "static"])
@pytest.mark.parametrize("filters", ["AddOutputFilterByType BROTLI_COMPRESS;DEFLATE text/css",
                                     "SetOutputFilter DEFLATE", "SetOutputFilter BROTLI_COMPRESS"])
def test_what_comes_from_the_closed_url_is_not_compressed_again(work, tree, front, filters):
    lines = defines(front, root=tree.root, **REDIRECT)
    with Apache(work, virtual_host("a", filters, lines)) as apache:
        for accepted in ("gzip, br", "gzip"):
            answer = apache.ask(hashed_url(tree), "a", headers={"Accept-Encoding": accepted})
            coding = accepted.split(", ")[-1]
            suffix = {"br": ".br", "gzip": ".gz"}[coding]
            sibling = hashed_url(tree).removeprefix("/static/") + suffix
            assert answer["Content-Encoding"] == coding
            assert answer.body == (tree.root / sibling).read_bytes()
        target = hashed_url(tree, "font.woff2")
        answer = apache.ask(target, "a", headers={"Accept-Encoding": "gzip, br"})
        assert (answer["Content-Encoding"], answer.body) == (None, ASSETS["font.woff2"])


@pytest.mark.parametrize("front", ["cgi", "fcgid", "static"])
def test_a_proxy_or_a_password_for_the_whole_site_does_no_harm(work, tree, front):
    lines = defines(front, root=tree.root, **REDIRECT)
    proxy = "ProxyPass / http://127.0.0.1:9/\n"
    locked = '<Location "/">\nRequire all denied\n</Location>\n'
    hosts = [virtual_host("before", proxy, lines), virtual_host("after", lines, proxy),
             virtual_host("locked", locked, lines)]
    with Apache(work, "".join(hosts)) as apache:
        for host in ("before", "after"):
            assert apache.ask(hashed_url(tree), host).body == tree.bytes_of("css/site.css")
            assert apache.ask(CLOSED + "css/site.css", host).status == 403
        assert apache.ask(hashed_url(tree), "locked").status == 403


# The header of each file says that such rules must leave the closed URL out.
AROUND_IT = {case: pair for case, pair in NEIGHBOURS.items() if "all but static" not in case} | {
    "a rewrite of all but both URLs": (
        f"RewriteEngine On\nRewriteCond %{{REQUEST_URI}} !^(/static/|{CLOSED})\n"
        "RewriteRule ^ /app [PT]", ""),
    "no links and no access": (
        "<Directory />\nOptions None\nAllowOverride All\nRequire all denied\n</Directory>", ""),
    "listings and negotiation": (
        '<Location "/">\nOptions Indexes MultiViews Includes ExecCGI\n</Location>', ""),
}


@pytest.fixture(scope="module", params=["cgi", "fcgid", "static"])
def crowd(request, work, tree):
    # A file that would decide about every answer, if Apache read it.
    write(tree.root / ".htaccess", b"Require all denied\nHeader set ETag x\n")
    lines = defines(request.param, root=tree.root, **REDIRECT)
    hosts = [virtual_host(f"host{number}", before, lines, after)
             for number, (before, after) in enumerate(AROUND_IT.values())]
    with Apache(work, LOG + "".join(hosts)) as apache:
        yield apache
    (tree.root / ".htaccess").unlink()


@pytest.mark.parametrize("case", AROUND_IT)
def test_what_a_virtual_host_holds_already_does_no_harm(crowd, tree, case):
    host, target = f"host{list(AROUND_IT).index(case)}", hashed_url(tree)
    answer = crowd.ask(target, host, headers={"Accept-Encoding": "br"})
    assert (answer.status, answer["Content-Encoding"]) == (200, "br")
    assert answer.body == (tree.root / (target.replace("/static/", "") + ".br")).read_bytes()
    assert answer["ETag"] == f'"{target.split(".")[-2]}.br"'
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    part = crowd.ask(target, host, headers={"Range": "bytes=2-5"})
    assert (part.status, part.body) == (206, tree.bytes_of("css/site.css")[2:6])
    link = crowd.ask(url_of(LINK), host)
    assert (link.status, link.body, link.immutable) == (200, ODD_FILES[next(iter(ODD_FILES))], True)
    assert crowd.ask(CLOSED + target.replace("/static/", ""), host).status in (403, 404)


@pytest.mark.parametrize("front", ["cgi", "fcgid", "static"])
def test_a_virtual_host_does_not_inherit_the_redirect_of_the_server(work, tree, project, front):
    own = defines(front, root=tree.root, **REDIRECT)
    other = virtual_host("b", defines(front, root=project.root))
    with Apache(work, LOG + own + other) as apache:
        assert apache.ask(hashed_url(project), "b").body == project.bytes_of("css/site.css")
        assert apache.ask(CLOSED + "css/site.css", "b").status == 403
    with Apache(work, own) as apache:
        answer = apache.ask(hashed_url(tree))
        assert (answer.status, answer["ETag"]) == (200, f'"{hashed_url(tree).split(".")[-2]}"')


@pytest.mark.parametrize("front", ["cgi", "fcgid", "static"])
def test_a_root_mount_that_holds_the_same_name_changes_nothing(work, tree, front):
    target = hashed_url(tree, "js/app.js")
    top = work.fresh("top")
    write(top / target[1:], b"of the directory\n")
    lines = defines(front, root=tree.root, HANDBACK_ROOT=top, **REDIRECT)
    with Apache(work, LOG + lines) as apache:
        assert apache.ask(target).body == ASSETS["js/app.js"]
        log = apache.home / "requests.log"
        line = f"{target} to {target.replace('/static/', CLOSED)}\n"
        wait_until(lambda: log.exists() and line in log.read_text(), what="the line in the log")


@pytest.mark.parametrize("front", ["cgi", "fcgid", "static"])
def test_the_modules_that_the_file_names_suffice(work, tree, front):
    lines = virtual_host("a", defines(front, root=tree.root, **REDIRECT))
    with Apache(work, lines, modules=NEEDED[front] + ["setenvif"]) as apache:
        answer = apache.ask(hashed_url(tree), "a", headers={"Accept-Encoding": "br"})
        assert (answer.status, answer["Content-Encoding"]) == (200, "br")
        assert answer["Content-Type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("front", ["cgi", "fcgid", "static"])
def test_both_ways_of_handing_back_at_once_are_refused(work, tree, front):
    text = virtual_host("a", defines(front, "x-sendfile", tree.root, **REDIRECT))
    code, said = Apache(work, text).test_configuration()
    assert code != 0
    assert "HANDBACK_XSENDFILE or HANDBACK_LOCAL_REDIRECT" in said


def test_mod_proxy_fcgi_refuses_the_define(work, tree):
    serve = Serve(work, root=tree.root)
    text = virtual_host("a", defines("proxy", serve=serve, **REDIRECT))
    code, said = Apache(work, text).test_configuration()
    assert code != 0
    assert "HANDBACK_LOCAL_REDIRECT" in said


def test_behind_mod_proxy_fcgi_bodies_are_sent_and_it_is_said_once(site, tree):
    """It follows no redirect: clients would receive an empty answer, and the closed URL."""
    way = site("proxy", "body", tree.root, **ANNOUNCED)
    for _ in range(5):
        answer = way.ask(hashed_url(tree))
        assert (answer.status, answer["Location"]) == (200, None)
        assert answer.body == tree.bytes_of("css/site.css")
    assert way.diagnoses().count("HB0047") == 1


# The ways to a socket, one of which an administrator may have taken from cgi.conf to here.
SOCKETS = {
    "the shipped file": "{include}",
    "another type of backend": "{include}\nProxyFCGIBackendType GENERIC",
    "a handler": '<Location "/static/">\nSetHandler "proxy:unix:{socket}|fcgi://x/"\n'
                 "Require all granted\n</Location>",
    "a rule": 'RewriteEngine On\nRewriteRule ^/static/ "unix:{socket}|fcgi://x/" [P]',
}


@pytest.mark.parametrize("case", SOCKETS)
def test_mod_proxy_fcgi_that_announces_the_redirect_receives_bodies(work, tree, case):
    with Serve(work, root=tree.root, HANDBACK_DELIVERY_URL=CLOSED) as serve:
        route = SOCKETS[case].format(include=defines("proxy", serve=serve), socket=serve.address)
        announced = '<Location "/static/">\nSetEnv HANDBACK_DELIVERY local-redirect\n</Location>\n'
        with Apache(work, virtual_host("a", route, announced)) as apache:
            answer = apache.ask(hashed_url(tree), "a")
            assert (answer.status, answer["Location"]) == (200, None)
            assert answer.body == tree.bytes_of("css/site.css")
