"""examples/nginx.conf as shipped: nginx sends the files, and answers as the program does."""

import os

import pytest

import same_answers
from django_site import ASSETS, OLD, write
from harness import REPOSITORY, Apache, Load, Serve, asker, url_of, wait_until
from other_servers import Nginx, nginx_settings
from same_answers import Directly, assert_same, hashed_url, with_tag

# What people's nginx.conf holds around the include.
AROUND = """
gzip on;
gzip_types *;
gzip_min_length 1;
charset koi8-r;
charset_types *;
open_file_cache max=100 inactive=60s;
fastcgi_intercept_errors on;
error_page 404 405 416 =200 /gone.html;
"""


@pytest.fixture(scope="module")
def media(work):
    return same_answers.add_uploads(work.fresh("media"))


@pytest.fixture(scope="module")
def serve(work, project, media):
    settings = nginx_settings(work, project.root, media)
    with Serve(work, "--workers", 2, HANDBACK_CONFIG=settings) as serve:
        yield serve


@pytest.fixture(scope="module")
def nginx(work, serve, project, media):
    with Nginx(work, serve, project.root, media, http=AROUND) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def directly(serve):
    return Directly(serve)


def names_a_file(directly, target, headers=(), method="GET"):
    """Whether the program leaves the bytes of this request to nginx."""
    answer = directly.ask(target, method, headers, HANDBACK_DELIVERY="x-accel-redirect")
    return answer["X-Accel-Redirect"] is not None


@pytest.mark.parametrize("kind", ["hashed", "original", "live"])
@pytest.mark.parametrize("case", same_answers.OF_A_FILE)
def test_a_request_for_a_file_has_the_programs_own_answer(nginx, directly, project, case, kind):
    target = {"hashed": hashed_url(project), "original": "/static/css/site.css",
              "live": "/static/live/plain.txt"}[kind]
    headers, bulk = same_answers.OF_A_FILE[case]
    headers = with_tag(headers, directly, target)
    assert_same(nginx.ask(target, headers=headers), directly.ask(target, headers=headers))
    if bulk is not None and kind == "hashed":
        assert names_a_file(directly, target, headers) == bulk


@pytest.mark.parametrize("asked", same_answers.MALFORMED)
def test_a_range_that_is_none_has_the_programs_own_answer(nginx, directly, project, asked):
    target, headers = hashed_url(project), {"Range": asked}
    assert_same(nginx.ask(target, headers=headers), directly.ask(target, headers=headers))


@pytest.mark.parametrize("name", same_answers.FILES)
def test_a_file_of_any_name_comes_from_nginx_as_from_the_program(nginx, directly, name):
    target = url_of(name)
    for headers in ({}, {"Accept-Encoding": "gzip, br"}, {"Range": "bytes=0-1"}):
        assert_same(nginx.ask(target, headers=headers), directly.ask(target, headers=headers))
    assert names_a_file(directly, target)


@pytest.mark.parametrize("name", same_answers.UPLOADS)
def test_an_upload_comes_from_nginx_as_from_the_program(nginx, directly, name):
    target = url_of(name, "/media/")
    body = {"If-Match": "*", "Accept-Encoding": "gzip"}
    for headers in ({}, {"Accept-Encoding": "gzip, br"}, {"Range": "bytes=2-5"}, body):
        assert_same(nginx.ask(target, headers=headers), directly.ask(target, headers=headers))
    assert names_a_file(directly, target)


@pytest.mark.parametrize("name", same_answers.MISSING)
def test_what_is_missing_has_the_programs_own_answer(nginx, directly, name):
    target = url_of(name)
    assert_same(nginx.ask(target), directly.ask(target))


@pytest.mark.parametrize("method", same_answers.METHODS)
def test_every_method_has_the_programs_own_answer(nginx, directly, project, method):
    body = b"a=b" if method in ("POST", "DELETE") else None
    for headers in ({}, {"Accept-Encoding": "br"}, {"Range": "bytes=0-1"}):
        request = {"method": method, "headers": headers, "body": body}
        target = hashed_url(project)
        assert_same(nginx.ask(target, **request), directly.ask(target, **request))
        assert not names_a_file(directly, target, headers, method)


def test_the_file_is_sent_by_nginx_itself(nginx, project):
    target = hashed_url(project, "js/app.js") + "?seen"
    assert nginx.ask(target).body == ASSETS["js/app.js"]
    named = f"{target} {hashed_url(project, 'js/app.js').replace('/static/', '/handback/static/')}"
    wait_until(lambda: named in nginx.named(), what="the line in nginx's log")


@pytest.mark.parametrize("target", [
    "/handback/static/css/site.css",
    "/handback/media/note.txt",
    "//handback/static/css/site.css",
    "/%68andback/static/css/site.css",
    "/static/../handback/static/css/site.css",
    "/handback/static/css/site.css?type=text/html",
    "/handback/",
])
def test_a_client_does_not_reach_the_files_past_the_program(nginx, target):
    answer = nginx.ask(target)
    assert (answer.status, answer["Cache-Control"]) == (404, "no-store")


def test_a_file_that_vanishes_behind_the_programs_back_is_asked_for_again(work, serve, project,
                                                                          directly, media):
    """nginx looks into another directory: as if the file had gone a moment ago."""
    empty = work.fresh("empty")
    elsewhere = {f"alias {root}/;": f"alias {empty}/;" for root in (project.root, media)}
    with Nginx(work, serve, project.root, media, http=AROUND, changes=elsewhere) as nginx:
        for target in (hashed_url(project), "/media/drawing.svg", "/media/note.txt"):
            for headers in ({}, {"Accept-Encoding": "gzip"}, {"Range": "bytes=0-9"}):
                answer = nginx.ask(target, headers=headers)
                wanted = directly.ask(target, headers=headers)
                assert (answer.status, answer.body) == (wanted.status, wanted.body)
                for field in ("Content-Type", "Content-Encoding", "ETag", "Content-Range"):
                    assert answer[field] == wanted[field]


def test_a_tag_of_nginxs_own_is_none_of_ours(nginx, project):
    """From the days when nginx served the files: what it named may have been another coding."""
    status = (project.root / hashed_url(project).removeprefix("/static/")).stat()
    own = f'"{int(status.st_mtime):x}-{status.st_size:x}"'
    assert nginx.ask(hashed_url(project), headers={"If-None-Match": own}).status == 200


def test_a_file_that_a_deploy_replaces_goes_out_with_its_own_tag(work):
    """With a cache of open files the old bytes would have the new tag."""
    root = work.fresh("root")
    with Serve(work, HANDBACK_CONFIG=nginx_settings(work, root, root)) as serve:
        with Nginx(work, serve, root, root, http=AROUND) as nginx:
            for step in range(8):
                write(root / "new.txt", bytes([65 + step]) * 5000, OLD + step)
                os.rename(root / "new.txt", root / "a.txt")
                wanted = Directly(serve).ask("/static/a.txt")
                for _ in range(3):
                    assert_same(nginx.ask("/static/a.txt"), wanted)


def test_a_request_body_does_not_spoil_the_connection_that_is_reused(nginx):
    for size in (1, 20_000, 200_000):
        with nginx.connect() as connection:
            for step in range(40):
                refused = connection.ask("/static/data.json", method="POST", body=b"x" * size)
                assert refused.status == 405
                answer = connection.ask("/static/data.json", headers={"If-Match": "*"})
                assert (answer.status, answer.body) == (200, ASSETS["data.json"]), step


@pytest.fixture(scope="module")
def application(work, project):
    """Django, under an Apache of its own that nginx does not know as such."""
    text = (f'WSGIScriptAlias / "{project.home}/example/wsgi.py"\n'
            f'WSGIDaemonProcess site python-path="{project.home}"\nWSGIProcessGroup site\n'
            f'<Directory "{project.home}/example">\nRequire all granted\n</Directory>\n')
    with Apache(work, text) as apache:
        yield apache


def test_the_application_keeps_every_other_url(work, serve, project, media, application):
    with Nginx(work, serve, project.root, media, application.port) as nginx:
        answer = nginx.ask("/admin/login/")
        assert (answer.status, b"Django administration" in answer.body) == (200, True)
        for target in ("/", "/static", "/robots.txt"):
            assert not nginx.ask(target).from_handback
        assert nginx.ask(hashed_url(project)).immutable


def test_the_lines_that_replace_the_program_stand_at_the_end_of_the_file():
    text = (REPOSITORY / "examples/nginx.conf").read_text()
    tail = text[text.index("# To do without Handback"):]
    assert "#   location /static/ { alias /srv/example/static/; }" in tail.splitlines()


def test_no_request_is_lost_while_workers_are_replaced(work, project, media):
    settings = nginx_settings(work, project.root, media)
    with Serve(work, "--workers", 2, HANDBACK_CONFIG=settings) as serve:
        with Nginx(work, serve, project.root, media) as nginx:
            target = hashed_url(project, "data.json")
            with Load(asker(nginx, target, ASSETS["data.json"]), threads=4) as load:
                for _ in range(3):
                    load.wait_for(200)
                    before = serve.workers()
                    serve.process.send_signal(1)
                    wait_until(lambda: not set(before) & set(serve.workers()), 20, "new workers")
                load.wait_for(200)
            assert load.failures == []
