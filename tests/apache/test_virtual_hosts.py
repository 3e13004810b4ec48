"""The shipped Apache files, included as they stand into sites of every kind."""

import base64
import hashlib
import re
from contextlib import contextmanager

import brotli
import pytest

from conftest import WAYS
from django_site import write
from harness import (
    CONFIGURATION, INCLUDES, NEEDED, USUAL, Apache, Serve, defines, virtual_host, wait_until,
)

STYLE = {name: f"body {{ content: 'this is {name}' }}\n".encode() * 30 for name in "ab"}


@pytest.fixture(scope="module")
def roots(work):
    """Two sites that hold the same names with different contents."""
    made = {}
    for name in "ab":
        made[name] = work.fresh(f"root-{name}-")
        write(made[name] / "x.css", STYLE[name])
        write(made[name] / "x.css.br", brotli.compress(STYLE[name]))
    return made


@pytest.fixture(scope="module")
def serves(work, roots):
    with Serve(work, root=roots["a"]) as a, Serve(work, root=roots["b"]) as b:
        yield {"a": a, "b": b}


@pytest.fixture
def lines(front, delivery, roots, serves):
    """The Defines and the Include of site a or b behind the front under test."""

    def make(name, **more):
        given = {"front": front, "delivery": delivery, "root": roots[name], "serve": serves[name]}
        return defines(**{**given, **more})

    return make


@pytest.fixture
def apache(work):
    @contextmanager
    def start(*parts, **options):
        with Apache(work, "\n".join(parts), **options) as server:
            yield server

    return start


def serves_site(server, name, host):
    """Both codings: the second needs every line of the hand-back recipe."""
    plain = server.ask("/static/x.css", host)
    coded = server.ask("/static/x.css", host, headers={"Accept-Encoding": "br"})
    return (
        (plain.status, plain.body) == (200, STYLE[name])
        and coded["Content-Encoding"] == "br"
        and brotli.decompress(coded.body) == STYLE[name]
    )


def test_two_virtual_hosts_serve_two_roots(apache, lines):
    with apache(virtual_host("a", lines("a")), virtual_host("b", lines("b"))) as server:
        for _ in range(3):
            assert serves_site(server, "a", "a")
            assert serves_site(server, "b", "b")


def test_the_servers_own_site_and_a_virtual_host_keep_apart(apache, lines, work, delivery):
    state = work.fresh("state")
    own = lines("a", HANDBACK_STATE=state)
    # With the other delivery, what the virtual host would inherit is wrong for it.
    other = "body" if delivery == "x-sendfile" else "x-sendfile"
    with apache(own, virtual_host("b", lines("b", delivery=other))) as server:
        assert serves_site(server, "b", "b")
    with apache(own) as server:
        assert serves_site(server, "a", "a")


def test_the_modules_that_the_file_names_suffice(apache, lines, front, delivery):
    modules = NEEDED[front] + (["xsendfile"] if delivery == "x-sendfile" else [])
    with apache(virtual_host("a", lines("a")), modules=modules) as server:
        assert serves_site(server, "a", "a")


def test_the_header_of_each_file_names_the_modules_it_needs(front):
    text = (CONFIGURATION / INCLUDES[front]).read_text()
    named = re.search(r"^# Modules: (.*); xsendfile with HANDBACK_XSENDFILE\.$", text, re.M)[1]
    assert sorted(named.split(", ")) == sorted(NEEDED[front])


FORGOTTEN = [
    (front, delivery, name)
    for front, names in {
        "cgi": ["STATIC_ROOT", "STATIC_URL"],
        "fcgid": ["STATIC_ROOT", "STATIC_URL"],
        "proxy": ["HANDBACK_SOCKET", "STATIC_URL"],
    }.items()
    for delivery in ("body", "x-sendfile")
    for name in names + (["STATIC_ROOT"] if (front, delivery) == ("proxy", "x-sendfile") else [])
]


@pytest.mark.parametrize("case", FORGOTTEN, ids="-".join)
def test_a_site_that_forgets_a_define_is_refused(work, roots, serves, case):
    """Also where the site before it defined the same name: that is where it would be inherited."""
    front, delivery, name = case
    first = defines(front, delivery, roots["a"], serve=serves["a"])
    second = defines(front, delivery, roots["b"], serve=serves["b"])
    forgetful = "\n".join(line for line in second.splitlines() if f"Define {name} " not in line)
    assert forgetful != second
    code, said = Apache(work, virtual_host("a", first) + virtual_host("b", forgetful)
                        ).test_configuration()
    assert code != 0
    assert f"Define {name}" in said
    code, said = Apache(work, virtual_host("a", first) + virtual_host("b", second)
                        ).test_configuration()
    assert (code, "Syntax OK" in said) == (0, True)


@pytest.mark.parametrize("name", ["HANDBACK", "HANDBACK_CGI"])
def test_a_server_that_never_defines_the_program_is_refused(work, roots, name):
    front = {"HANDBACK": "fcgid", "HANDBACK_CGI": "cgi"}[name]
    text = f"UnDefine {name}\n" + virtual_host("a", defines(front, root=roots["a"]))
    code, said = Apache(work, text).test_configuration()
    assert code != 0
    assert f"Define {name} " in said


@pytest.mark.parametrize("half", ["MEDIA_ROOT", "MEDIA_URL"])
def test_half_a_media_mount_is_refused(work, lines, front, delivery, half):
    if (front, delivery, half) == ("proxy", "body", "MEDIA_URL"):
        half = "MEDIA_ROOT"  # there the URL alone is whole: the root is the program's own matter
    text = virtual_host("a", lines("a", **{half: "/media/"}))
    code, said = Apache(work, text).test_configuration()
    assert code != 0
    assert "MEDIA_ROOT" in said and "MEDIA_URL" in said


def test_the_program_stays_defined_for_the_next_site(apache, lines, front):
    name = "HANDBACK_CGI" if INCLUDES[front] == "cgi.conf" else "HANDBACK"
    check = f"<IfDefine !{name}>\nError gone\n</IfDefine>\n"
    rest = "STATIC_ROOT STATIC_URL MEDIA_ROOT MEDIA_URL HANDBACK_SOCKET HANDBACK_STATE"
    for gone in rest.split() + ["HANDBACK_XSENDFILE"]:
        check += f"<IfDefine {gone}>\nError {gone}\n</IfDefine>\n"
    more = {"MEDIA_ROOT": "/nowhere", "MEDIA_URL": "/media/", "HANDBACK_STATE": "/nowhere"}
    with apache(virtual_host("a", lines("a", **more)), check) as server:
        assert serves_site(server, "a", "a")


def test_a_graceful_restart_reads_the_same_defines_again(apache, lines):
    with apache(virtual_host("a", lines("a")), virtual_host("b", lines("b"))) as server:
        before = server.children()
        server.graceful()
        # The process manager that mod_fcgid had before still starts processes as it ends.
        wait_until(lambda: not before & server.children(), what="the former children: ended")
        assert serves_site(server, "a", "a")
        assert serves_site(server, "b", "b")


def password(work):
    digest = base64.b64encode(hashlib.sha1(b"secret").digest()).decode()
    path = work.fresh("password") / "users"
    write(path, f"me:{{SHA}}{digest}\n".encode())
    return (f'<Location "/">\nAuthType Basic\nAuthName site\nAuthUserFile {path}\n'
            "Require valid-user\n</Location>\n")


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_password_on_the_whole_site_holds_for_its_static_files(apache, lines, work, place):
    parts = [password(work), lines("a")]
    ordered = parts if place == "before" else parts[::-1]
    with apache(virtual_host("a", *ordered)) as server:
        assert server.ask("/static/x.css", "a").status == 401
        key = base64.b64encode(b"me:secret").decode()
        answer = server.ask("/static/x.css", "a", headers={"Authorization": f"Basic {key}"})
        assert (answer.status, answer.body) == (200, STYLE["a"])


def test_the_program_itself_cannot_be_fetched_by_another_url(apache, lines, work):
    around = f'Alias "/bin/" "{work.program.parent}/"\n'
    rewrite = "RewriteEngine On\nRewriteRule ^/static/(.*)$ /elsewhere/$1 [PT]\n"
    with apache(virtual_host("a", around, lines("a")),
                virtual_host("b", rewrite, lines("b"))) as server:
        assert server.ask("/bin/handback", "a").status == 403
        assert b"\x7fELF" not in server.ask("/static/x.css", "b").body


GZIP = {"Accept-Encoding": "gzip"}

# What people's virtual hosts hold already, before or after the Include.
NEIGHBOURS = {
    "XSendFile On": ("XSendFile On", ""),
    "a path of XSendFile's own": ("XSendFile On\nXSendFilePath /srv", ""),
    "compression of everything": ("SetOutputFilter DEFLATE", ""),
    "compression by type": ("AddOutputFilterByType BROTLI_COMPRESS;DEFLATE text/css", ""),
    "the Alias of former days": (
        'Alias /static/ "/usr/share/"\n<Directory "/usr/share">\nRequire all granted\n</Directory>',
        'Alias /static/ "/usr/share/"'),
    "a proxy for the whole site before": ("ProxyPass / http://127.0.0.1:9/", ""),
    "a proxy for the whole site after": ("", "ProxyPass / http://127.0.0.1:9/"),
    "error pages of a proxy": ("ProxyErrorOverride On", "ErrorDocument 404 /gone.html"),
    "a rewrite of all but static": (
        "RewriteEngine On\nRewriteCond %{REQUEST_URI} !^/static/\nRewriteRule ^ /app [PT]", ""),
    "a redirect of another URL": (
        "RewriteEngine On\nRewriteRule ^/old$ /new [R=302,L]\nRedirect /older /new", ""),
    "Defines of its own": ("Define ROOT /srv\nDefine STATIC_DIR /srv/static", ""),
    "encoded slashes let through": ("AllowEncodedSlashes NoDecode", ""),
    "caching headers for other types": ('Header set X-Site "yes"', ""),
    "a fallback for all URLs": ("FallbackResource /index.html\nDirectoryIndex index.html", ""),
}


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def crowd(request, work, roots, serves):
    """One Apache in which every case is a virtual host."""
    front, delivery = request.param
    include = defines(front, delivery, roots["a"], serve=serves["a"])
    hosts = [
        virtual_host(f"host{number}", before, include, after)
        for number, (before, after) in enumerate(NEIGHBOURS.values())
    ]
    with Apache(work, "".join(hosts)) as server:
        yield server


@pytest.mark.parametrize("case", NEIGHBOURS)
def test_what_a_virtual_host_holds_already_does_no_harm(crowd, case):
    host = f"host{list(NEIGHBOURS).index(case)}"
    both = {"Accept-Encoding": "gzip, br"}
    coded = crowd.ask("/static/x.css", host, headers=both)
    assert coded["Content-Encoding"] == "br", "and never compressed a second time"
    assert brotli.decompress(coded.body) == STYLE["a"]
    missing = crowd.ask("/static/nothing", host)
    assert (missing.status, missing.from_handback) == (404, True)
    part = crowd.ask("/static/x.css", host, headers={"Range": "bytes=2-5", **GZIP})
    assert (part.status, part.body) == (206, STYLE["a"][2:6]), "a part is never compressed"


WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the application"]
"""


@pytest.mark.parametrize("place", ["before", "after"])
def test_wsgi_script_alias_for_the_whole_site_works_in_either_order(apache, lines, work, place):
    script = work.fresh("wsgi") / "app.wsgi"
    write(script, WSGI.encode())
    wsgi = (f'WSGIScriptAlias / "{script}"\n<Directory "{script.parent}">\n'
            "Require all granted\n</Directory>\n")
    parts = [wsgi, lines("a")]
    with apache(virtual_host("a", *(parts if place == "before" else parts[::-1]))) as server:
        assert serves_site(server, "a", "a")
        assert server.ask("/", "a").body == b"the application"
        assert server.ask("/static", "a").body == b"the application"


def test_another_static_url_is_served_and_static_is_not(apache, work, roots, front, delivery):
    url = "/a/b.c+d/"
    with Serve(work, root=roots["a"], STATIC_URL=url) as serve:
        text = defines(front, delivery, roots["a"], url, serve)
        with apache(virtual_host("a", text)) as server:
            assert server.ask(f"{url}x.css", "a").body == STYLE["a"]
            assert server.ask("/static/x.css", "a").status in (403, 404)
            assert server.ask("/a/bxc+d/x.css", "a").status in (403, 404)


def test_the_lines_that_replace_the_file_stand_at_its_end(apache, lines, front, roots):
    text = (CONFIGURATION / INCLUDES[front]).read_text()
    tail = text[text.index("# To do without Handback"):]
    plain = re.findall(r"^#   (.*)$", tail, re.M)
    assert plain[0].startswith("Alias ")
    static = "\n".join(plain[: plain.index("</Directory>") + 1])
    given = f"Define STATIC_ROOT {roots['a']}\nDefine STATIC_URL /static/\n"
    with apache(virtual_host("a", given, static)) as server:
        assert server.ask("/static/x.css", "a").body == STYLE["a"]


def test_a_file_that_apache_may_not_send_is_a_404_that_no_cache_keeps(apache, lines, front, work):
    """As when it vanishes after the program has looked: mod_xsendfile answers, not we."""
    elsewhere = lines("a", delivery="x-sendfile", root=work.fresh("empty"))
    # The program is told another root than Apache: by the last word of what configures it.
    root = re.search(r"/\S*root-a-\d+", lines("a", front="cgi"))[0]
    told = (f"FcgidInitialEnv STATIC_ROOT {root}\n"
            f'<Location "/static/">\nSetEnv STATIC_ROOT {root}\n</Location>\n')
    with apache(virtual_host("a", elsewhere, told)) as server:
        answer = server.ask("/static/x.css", "a")
        assert answer.status == 404
        assert "no-store" in answer["Cache-Control"].split(", ")


def test_uploads_are_routed_when_they_are_defined_and_not_otherwise(
    apache, work, roots, front, delivery
):
    media = work.fresh("media")
    write(media / "u.txt", b"an upload\n")
    both = {"MEDIA_ROOT": media, "MEDIA_URL": "/media/"}
    with Serve(work, root=roots["a"], **both) as serve:
        with_media = defines(front, delivery, roots["a"], serve=serve, **both)
        without = defines(front, delivery, roots["a"], serve=serve)
        with apache(virtual_host("a", with_media), virtual_host("b", without)) as server:
            answer = server.ask("/media/u.txt", "a")
            assert (answer.status, answer.body) == (200, b"an upload\n")
            assert not answer.immutable
            assert serves_site(server, "a", "a")
            assert server.ask("/media/u.txt", "b").status in (403, 404)


@pytest.mark.parametrize("front", ["fcgid", "cgi"])
def test_a_program_that_is_not_there_is_a_refused_configuration(work, project, front):
    text = virtual_host("one", defines(front, root=project.root))
    missing = work.fresh("nothing") / "handback"
    apache = Apache(work, text, program=missing)
    code, message = apache.test_configuration()
    assert code != 0 and f"names no file: {missing}" in message


def test_without_a_module_for_cgi_the_program_is_not_sent_as_a_file(work, project):
    modules = [name for name in USUAL if name not in ("cgi", "cgid")]
    apache = Apache(work, virtual_host("one", defines("cgi", root=project.root)), modules=modules)
    code, message = apache.test_configuration()
    assert code != 0 and "needs mod_cgid" in message
