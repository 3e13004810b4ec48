"""HANDBACK_ROOT: the files of a directory at the top of the site, beside a real Django."""

import brotli
import pytest

from django_site import OLD, write
from harness import DELIVERIES, FRONTS, NEEDED, Apache, Serve, defines, virtual_host

ROBOTS = b"User-agent: *\nDisallow: /admin/\n"
SERVED = {
    "/robots.txt": ROBOTS,
    "/favicon.ico": b"\0\0\1\0an icon",
    "/.well-known/x": b"proof\n",
    "/.well-known/acme-challenge/y": b"challenge\n",
    "/sub/page.txt": b"below\n",
    "/with blank.txt": b"blank\n",
}
# In the same directory, and nobody's business.
HIDDEN = ["/.env", "/.git/config", "/sub/.htpasswd", "/.well-known/.secret", "/sub/.well-known/z",
          "/.well-knownx/z"]
PAGE = b"<p>compressed beforehand</p>\n" * 50
SECRET = b"a secret of this directory\n"


@pytest.fixture(scope="module")
def top(work):
    folder = work.fresh("top")
    for name, data in SERVED.items():
        write(folder / name[1:], data)
    for name in HIDDEN:
        write(folder / name[1:], SECRET)
    write(folder / "page.html", PAGE)
    write(folder / "page.html.br", brotli.compress(PAGE))
    # Of the same name as what the static mount has.
    write(folder / "static/data.json", SECRET)
    return folder


@pytest.fixture(scope="module")
def serve(work, project, top):
    with Serve(work, "--workers", 2, root=project.root, HANDBACK_ROOT=top) as serve:
        yield serve


def django(project, number):
    """The application, as the shipped pairings have it."""
    return (f'WSGIDaemonProcess site{number} python-path="{project.home}"\n'
            f"WSGIProcessGroup site{number}\n"
            f'WSGIScriptAlias / "{project.home}/example/wsgi.py"\n'
            f'<Directory "{project.home}/example">\nRequire all granted\n</Directory>\n')


PLACES = [(front, delivery, place) for front in FRONTS for delivery in DELIVERIES
          for place in ("before", "after")]


@pytest.fixture(scope="module")
def apache(work, project, top, serve):
    hosts = []
    for number, (front, delivery, place) in enumerate(PLACES):
        parts = [django(project, number),
                 defines(front, delivery, project.root, serve=serve, HANDBACK_ROOT=top)]
        hosts.append(virtual_host(f"{front}-{delivery}-{place}",
                                  *(parts if place == "before" else parts[::-1])))
    with Apache(work, "".join(hosts)) as apache:
        yield apache


@pytest.fixture(params=PLACES, ids="-".join)
def ask(request, apache):
    """Asks that site; the application stands before or after the Include."""
    host = "-".join(request.param)
    return lambda target, **more: apache.ask(target, host, **more)


@pytest.mark.parametrize("name", SERVED)
def test_a_file_of_the_directory_is_served(ask, name):
    answer = ask(name.replace(" ", "%20"))
    assert (answer.status, answer.body) == (200, SERVED[name])
    assert answer.from_handback
    assert answer["Cache-Control"] == "max-age=60, public"
    assert answer["Content-Length"] == str(len(SERVED[name]))


def is_django(answer):
    return not answer.from_handback and (
        b"Django" in answer.body or b"<h1>Not Found</h1>" in answer.body)


@pytest.mark.parametrize("target", [
    "/", "/admin/login/", "/nothing", "/sub", "/sub/", "/robots.txt/", "/robots.txt/more",
    "/.well-known/", "/.well-known/nothing", "/static", "/robots.txt%20", "/ROBOTS.TXT",
])
def test_every_other_url_stays_the_applications(ask, target):
    assert is_django(ask(target))


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_hidden_in_the_directory_is_not_served(ask, name):
    spellings = [name, name.replace("/.", "/%2e"), "/" + name, "/sub/.." + name,
                 "/sub/%2e%2e" + name, name + "?x"]
    for target in spellings:
        answer = ask(target)
        assert answer.status == 404, target
        assert SECRET not in answer.body


def test_a_directory_of_the_same_name_does_not_hide_the_static_files(ask, project):
    answer = ask("/static/data.json")
    assert (answer.status, answer.body) == (200, b'{"a": 1}\n')


def test_other_spellings_of_a_url_name_the_same_file(ask):
    for target in ("/robots.txt?x=1", "//robots.txt", "/%72obots.txt", "/sub/../robots.txt",
                   "/./robots.txt"):
        assert ask(target).body == ROBOTS, target


def test_the_answer_is_whole_for_conditions_ranges_and_methods(ask):
    tag = ask("/robots.txt")["ETag"]
    assert ask("/robots.txt", headers={"If-None-Match": tag}).status == 304
    part = ask("/robots.txt", headers={"Range": "bytes=0-9"})
    assert (part.status, part.body) == (206, ROBOTS[:10])
    beyond = ask("/robots.txt", headers={"Range": "bytes=9999-"})
    assert (beyond.status, beyond["Content-Range"]) == (416, f"bytes */{len(ROBOTS)}")
    head = ask("/robots.txt", method="HEAD")
    assert (head.status, head["Content-Length"]) == (200, str(len(ROBOTS)))
    refused = ask("/robots.txt", method="POST", body=b"a=b")
    assert (refused.status, refused.from_handback) == (405, True)
    assert "GET" in refused["Allow"]


def test_a_compressed_copy_is_sent_to_who_accepts_it(ask, top):
    coded = ask("/page.html", headers={"Accept-Encoding": "br"})
    assert (coded["Content-Encoding"], coded["Vary"]) == ("br", "Accept-Encoding")
    assert brotli.decompress(coded.body) == PAGE
    assert ask("/page.html").body == PAGE
    assert ask("/page.html.br").status == 404


def test_a_new_file_is_served_at_once_and_a_deleted_one_is_the_applications(ask, top):
    path = top / "security.txt"
    path.unlink(missing_ok=True)
    assert is_django(ask("/security.txt"))
    write(path, b"Contact: mailto:a@example.org\n", OLD)
    try:
        answer = ask("/security.txt")
        assert (answer.status, answer.body) == (200, path.read_bytes())
    finally:
        path.unlink()
    assert is_django(ask("/security.txt"))


# What else a site may have in place of mod_wsgi.
NEIGHBOURS = {
    "a proxy before": ("ProxyPass / http://127.0.0.1:9/", ""),
    "a proxy after": ("", "ProxyPass / http://127.0.0.1:9/"),
    "a proxy in a Location": ('<Location "/">\nProxyPass http://127.0.0.1:9/\n</Location>', ""),
    "rules of its own": ("RewriteEngine On\nRewriteRule ^/old$ /new [R=302,L]", ""),
    "a handler for all": ('<Location "/">\nSetHandler server-info\n</Location>', ""),
    "error pages of a proxy": ("ProxyErrorOverride On", "ErrorDocument 404 /gone.html"),
    "compression of everything": ("SetOutputFilter DEFLATE", ""),
    "compression by type": ("AddOutputFilterByType DEFLATE text/html text/plain", ""),
    "brotli by type": ("AddOutputFilterByType BROTLI_COMPRESS text/html text/plain", ""),
    "XSendFile On": ("XSendFile On", ""),
}


@pytest.fixture(scope="module", params=[(f, d) for f in FRONTS for d in DELIVERIES], ids="-".join)
def crowd(request, work, project, top, serve):
    front, delivery = request.param
    lines = defines(front, delivery, project.root, serve=serve, HANDBACK_ROOT=top)
    hosts = [virtual_host(f"host{number}", before, lines, after)
             for number, (before, after) in enumerate(NEIGHBOURS.values())]
    with Apache(work, "".join(hosts)) as apache:
        apache.hands_back = delivery == "x-sendfile"
        yield apache


@pytest.mark.parametrize("case", NEIGHBOURS)
def test_what_a_virtual_host_holds_already_does_no_harm(crowd, case):
    host = f"host{list(NEIGHBOURS).index(case)}"
    answer = crowd.ask("/robots.txt", host)
    assert (answer.status, answer.body, answer.from_handback) == (200, ROBOTS, True)
    coded = crowd.ask("/page.html", host, headers={"Accept-Encoding": "gzip, br"})
    assert (coded["Content-Encoding"], brotli.decompress(coded.body)) == ("br", PAGE)
    if crowd.hands_back:
        plain = crowd.ask("/robots.txt", host, headers={"Accept-Encoding": "gzip, br"})
        assert (plain["Content-Encoding"], plain.body) == (None, ROBOTS)
    part = crowd.ask("/page.html", host, headers={"Accept-Encoding": "gzip", "Range": "bytes=1-2"})
    assert (part.status, part.body) == (206, PAGE[1:3])
    refused = crowd.ask("/robots.txt", host, method="POST", body=b"a")
    assert (refused.status, refused.from_handback) == (405, True)
    assert crowd.ask("/static/data.json", host).body == b'{"a": 1}\n'
    assert not crowd.ask("/.env", host).from_handback
    assert SECRET not in crowd.ask("/.env", host).body


def test_a_rule_before_the_include_comes_first_and_one_behind_it_does_not(work, project, top,
                                                                          serve, front):
    lines = defines(front, root=project.root, serve=serve, HANDBACK_ROOT=top)
    rule = "RewriteEngine On\nRewriteRule ^ https://example.org%{REQUEST_URI} [R=301,L]\n"
    hosts = virtual_host("before", rule, lines) + virtual_host("after", lines, rule)
    with Apache(work, hosts) as apache:
        assert apache.ask("/robots.txt", "before").status == 301
        assert apache.ask("/robots.txt", "after").body == ROBOTS
        assert apache.ask("/", "after").status == 301


def test_sites_keep_their_own_directories(work, project, front, delivery):
    """The server's own site, two virtual hosts, and one that has no such directory."""
    parts, serves = [], []
    # With the other delivery, what the virtual hosts would inherit is wrong for them.
    other = "body" if delivery == "x-sendfile" else "x-sendfile"
    for name in ("own", "a", "b", "none"):
        folder = work.fresh("top")
        write(folder / "robots.txt", name.encode())
        more = {} if name == "none" else {"HANDBACK_ROOT": folder}
        serves.append(Serve(work, root=project.root, **more))
        way = other if name == "own" else delivery
        lines = defines(front, way, project.root, serve=serves[-1], **more)
        parts.append(lines if name == "own" else virtual_host(name, lines))
    with serves[0], serves[1], serves[2], serves[3], Apache(work, "".join(parts)) as apache:
        for name in ("a", "b"):
            answer = apache.ask("/robots.txt", name)
            assert (answer.status, answer.body) == (200, name.encode())
        assert apache.ask("/robots.txt", "none").status in (403, 404)
        assert apache.ask("/static/data.json", "none").status == 200
    with serves[0], Apache(work, parts[0]) as apache:
        assert apache.ask("/robots.txt").body == b"own"


def test_these_files_are_handed_back_where_that_is_defined(work, project, front, delivery):
    """Of a name that cannot be handed back the program says that it sends the file itself."""
    folder = work.fresh("top")
    write(folder / "read me.txt", ROBOTS)
    with Serve(work, root=project.root, HANDBACK_ROOT=folder) as serve:
        lines = defines(front, delivery, project.root, serve=serve, HANDBACK_ROOT=folder)
        with Apache(work, lines) as apache:
            assert apache.ask("/read%20me.txt").body == ROBOTS
            assert ("HB0045" in apache.log() + serve.stderr()) == (delivery == "x-sendfile")


def test_a_compressed_copy_is_handed_back_with_its_coding(apache, serve, front):
    """Were the coding's header not announced, the program would say that it sends it itself."""
    host = f"{front}-x-sendfile-before"
    answer = apache.ask("/page.html", host, headers={"Accept-Encoding": "br"})
    assert answer["Content-Encoding"] == "br"
    assert "page.html" not in apache.log() + serve.stderr()


def test_a_file_that_apache_may_not_send_is_a_404_that_no_cache_keeps(work, project, top):
    """As when it vanishes after the program has looked: the program is told another directory."""
    other = work.fresh("other")
    write(other / "robots.txt", ROBOTS)
    lines = defines("fcgid", "x-sendfile", project.root, HANDBACK_ROOT=other)
    with Apache(work, virtual_host("a", lines, f"FcgidInitialEnv HANDBACK_ROOT {top}")) as apache:
        answer = apache.ask("/robots.txt", "a")
        assert answer.status == 404
        assert "no-store" in answer["Cache-Control"].split(", ")


def test_the_modules_that_the_file_names_suffice(work, project, top, serve, front, delivery):
    modules = NEEDED[front] + ["rewrite"] + (["xsendfile"] if delivery == "x-sendfile" else [])
    lines = defines(front, delivery, project.root, serve=serve, HANDBACK_ROOT=top)
    with Apache(work, virtual_host("a", lines), modules=modules) as apache:
        assert apache.ask("/robots.txt", "a").body == ROBOTS


def test_the_next_site_inherits_no_define(work, project, top, serve, front):
    check = "".join(f"<IfDefine {name}>\nError {name}\n</IfDefine>\n"
                    for name in ("HANDBACK_ROOT", "HANDBACK_LOCAL_REDIRECT"))
    more = {} if front == "proxy" else {"HANDBACK_LOCAL_REDIRECT": "/files/"}
    lines = defines(front, root=project.root, serve=serve, HANDBACK_ROOT=top, **more)
    code, said = Apache(work, virtual_host("a", lines) + check).test_configuration()
    assert code == 0, said


def test_what_apache_asks_itself_for_is_not_routed(work, project, front):
    """The index of DocumentRoot is not that of HANDBACK_ROOT, though both have the name."""
    folder, pages = work.fresh("top"), work.fresh("pages")
    write(folder / "index.html", b"of the root mount")
    write(pages / "index.html", b"of DocumentRoot")
    site = (f"DocumentRoot {pages}\nDirectoryIndex index.html\n"
            f"<Directory {pages}>\nRequire all granted\n</Directory>\n")
    with Serve(work, root=project.root, HANDBACK_ROOT=folder) as serve:
        lines = defines(front, root=project.root, serve=serve, HANDBACK_ROOT=folder)
        with Apache(work, virtual_host("a", site, lines)) as apache:
            assert apache.ask("/", "a").body == b"of DocumentRoot"
            assert apache.ask("/index.html", "a").body == b"of the root mount"
