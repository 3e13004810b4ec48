"""ErrorDocument: Apache's error pages may be files of the site."""

import brotli
import pytest

from django_site import write
from harness import Apache, Serve, defines, virtual_host

PAGE = b"<!doctype html><title>back soon</title>\n" * 20
BROKEN = "ProxyPass /app http://127.0.0.1:9/\n"


@pytest.fixture(params=["cgi", "fcgid", "proxy", "static"])
def apache(request, work):
    """The application is dead. Its maintenance page is a static file, as is that of a 404."""
    root = work.fresh("root")
    write(root / "503.html", PAGE)
    write(root / "503.html.br", brotli.compress(PAGE))
    write(root / "404.html", b"not here\n")
    pages = ("ErrorDocument 503 /static/503.html\nErrorDocument 404 /static/404.html\n"
             "ErrorDocument 403 /static/missing.html\n"
             "Redirect 404 /nowhere\n"
             '<Location "/closed">\nRequire all denied\n</Location>\n')
    with Serve(work, root=root) as serve:
        hosts = [virtual_host(delivery, BROKEN, pages,
                              defines(request.param, delivery, root, serve=serve))
                 for delivery in ("body", "x-sendfile")]
        with Apache(work, "".join(hosts)) as server:
            yield server


@pytest.mark.parametrize("delivery", ["body", "x-sendfile"])
def test_the_page_is_sent_with_the_status_of_the_error(apache, delivery):
    for method in ("GET", "POST", "HEAD"):
        answer = apache.ask("/app/x?y=/static/404.html", delivery, method=method)
        assert answer.status == 503
        assert answer.body == (b"" if method == "HEAD" else PAGE)
        assert answer["Content-Type"] == "text/html; charset=utf-8"
    answer = apache.ask("/nowhere", delivery)
    assert (answer.status, answer.body) == (404, b"not here\n")


def test_no_cache_keeps_the_page_and_nobody_asks_whether_it_has_changed(apache):
    headers = {"Range": "bytes=0-9", "If-None-Match": "*", "Accept-Encoding": "br",
               "If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT"}
    answer = apache.ask("/app/", "x-sendfile", headers=headers)
    assert answer.status == 503
    assert (answer["Cache-Control"], answer["Content-Encoding"]) == ("no-store", "br")
    assert brotli.decompress(answer.body) == PAGE
    assert not {"ETag", "Last-Modified", "Accept-Ranges"} & {name for name, _ in answer.headers}


def test_a_page_that_is_missing_hides_no_error(apache):
    answer = apache.ask("/closed", "body")
    assert answer.status == 403
    assert b"403 Forbidden" in answer.body


def test_the_page_asked_for_by_its_own_url_is_a_file_like_others(apache):
    answer = apache.ask("/static/503.html", "x-sendfile")
    assert (answer.status, answer.body) == (200, PAGE)
    assert answer["ETag"]


def test_the_program_may_be_the_page_itself_and_then_answers_what_was_asked(work, cgi_program):
    """A way to it on hosts that allow no other: whatever Apache does not find is its."""
    root, pages = work.fresh("root"), work.fresh("pages")
    write(root / "a.txt", b"asked for\n")
    url = f"/cgi-bin/{cgi_program.name}"
    lines = (f"DocumentRoot {pages}\n<Directory {pages}>\nRequire all granted\n</Directory>\n"
             f'ScriptAlias "{url}" "{cgi_program}"\n'
             f'<Location "{url}">\nRequire all granted\n'
             f"SetEnv STATIC_ROOT {root}\nSetEnv ap_trust_cgilike_cl 1\n</Location>\n"
             f"ErrorDocument 404 {url}\n")
    with Apache(work, lines) as apache:
        answer = apache.ask("/static/a.txt")
        assert (answer.status, answer.body) == (200, b"asked for\n")
        assert apache.ask("/static/none").status == 404
