"""examples/lighttpd.conf as shipped: lighttpd sends the files, and answers as the program does."""

import os

import pytest

import same_answers
from django_site import ASSETS, OLD, write
from harness import REPOSITORY, Serve, url_of
from other_servers import Lighttpd
from same_answers import Directly, assert_same, hashed_url, with_tag

# lighttpd decodes the path that it is given, and takes no range of a compressed file.
NOT_NAMED = {"a range of br", "several ranges of br"}
ODD_NAMES = {"notes/read me.txt", "img/\u00e9t\u00e9.txt", "notes/100%25.txt", "\u00fcber uns.html"}
ANNOUNCED = {"HANDBACK_DELIVERY": "x-sendfile", "HANDBACK_CODING_HEADER": "Content-Encoding"}


@pytest.fixture(scope="module")
def media(work):
    return same_answers.add_uploads(work.fresh("media"))


@pytest.fixture(scope="module")
def serve(work, project, media):
    uploads = {"MEDIA_ROOT": media, "MEDIA_URL": "/media/"}
    with Serve(work, "--workers", 2, root=project.root, **uploads) as serve:
        yield serve


@pytest.fixture(scope="module")
def lighttpd(work, serve, project, media):
    with Lighttpd(work, serve, project.root, media) as lighttpd:
        yield lighttpd


@pytest.fixture(scope="module")
def directly(serve):
    return Directly(serve)


def names_a_file(directly, target, headers=(), method="GET"):
    """Whether the program leaves the bytes of this request to lighttpd."""
    return directly.ask(target, method, headers, **ANNOUNCED)["X-Sendfile"] is not None


@pytest.mark.parametrize("kind", ["hashed", "original", "live"])
@pytest.mark.parametrize("case", same_answers.OF_A_FILE)
def test_a_request_for_a_file_has_the_programs_own_answer(lighttpd, directly, project, case, kind):
    target = {"hashed": hashed_url(project), "original": "/static/css/site.css",
              "live": "/static/live/plain.txt"}[kind]
    headers, bulk = same_answers.OF_A_FILE[case]
    headers = with_tag(headers, directly, target)
    assert_same(lighttpd.ask(target, headers=headers), directly.ask(target, headers=headers))
    if bulk is not None and kind == "hashed":
        assert names_a_file(directly, target, headers) == (bulk and case not in NOT_NAMED)


@pytest.mark.parametrize("asked", same_answers.MALFORMED)
def test_a_range_that_is_none_is_ignored_or_refused(lighttpd, directly, project, asked):
    """lighttpd looks at Range itself, and may refuse what is none (RFC 9110 14.2)."""
    target, headers = hashed_url(project), {"Range": asked}
    answer = lighttpd.ask(target, headers=headers)
    if answer.status != 416:
        assert_same(answer, directly.ask(target, headers=headers))
    assert not (answer.status == 416 and answer.immutable)


@pytest.mark.parametrize("name", same_answers.FILES)
def test_a_file_of_any_name_comes_from_lighttpd_as_from_the_program(lighttpd, directly, name):
    target = url_of(name)
    for headers in ({}, {"Accept-Encoding": "gzip, br"}, {"Range": "bytes=0-1"}):
        assert_same(lighttpd.ask(target, headers=headers), directly.ask(target, headers=headers))
    assert names_a_file(directly, target) == (name not in ODD_NAMES)


@pytest.mark.parametrize("name", same_answers.UPLOADS)
def test_an_upload_comes_from_lighttpd_as_from_the_program(lighttpd, directly, name):
    target = url_of(name, "/media/")
    for headers in ({}, {"Accept-Encoding": "gzip, br"}, {"Range": "bytes=2-5"}):
        assert_same(lighttpd.ask(target, headers=headers), directly.ask(target, headers=headers))
    assert names_a_file(directly, target) == (name not in ODD_NAMES)


@pytest.mark.parametrize("name", same_answers.MISSING)
def test_what_is_missing_has_the_programs_own_answer(lighttpd, directly, name):
    target = url_of(name)
    assert_same(lighttpd.ask(target), directly.ask(target))


@pytest.mark.parametrize("method", same_answers.METHODS)
def test_every_method_has_the_programs_own_answer(lighttpd, directly, project, method):
    body = b"a=b" if method in ("POST", "DELETE") else None
    for headers in ({}, {"Accept-Encoding": "br"}, {"Range": "bytes=0-1"}):
        request = {"method": method, "headers": headers, "body": body}
        target = hashed_url(project)
        assert_same(lighttpd.ask(target, **request), directly.ask(target, **request))
        assert not names_a_file(directly, target, headers, method)


def test_the_file_is_sent_by_lighttpd_itself_and_only_from_the_roots(work, serve, project, media):
    """With other roots lighttpd refuses what the program names; what needs no file it passes."""
    elsewhere = {f'( "{project.root}", "{media}" )': f'( "{work.fresh("empty")}" )'}
    with Lighttpd(work, serve, project.root, media, changes=elsewhere) as lighttpd:
        target = hashed_url(project, "js/app.js")
        refused = lighttpd.ask(target)
        assert (refused.status, refused.immutable) == (403, False)
        assert lighttpd.ask(hashed_url(project), headers={"Accept-Encoding": "br"}).status == 403
        assert lighttpd.ask(target, method="HEAD").immutable
        assert lighttpd.ask("/media/note.txt").status == 403


def test_a_file_that_a_deploy_replaces_goes_out_with_its_own_tag(work):
    """With the stat cache of lighttpd the old bytes would have the new tag for a second."""
    root = work.fresh("root")
    with Serve(work, root=root) as serve, Lighttpd(work, serve, root, root) as lighttpd:
        for step in range(8):
            body = bytes([65 + step]) * 5000
            write(root / "new.txt", body, OLD + step)
            os.rename(root / "new.txt", root / "a.txt")
            wanted = Directly(serve).ask("/static/a.txt")
            for _ in range(3):
                assert_same(lighttpd.ask("/static/a.txt"), wanted)
            assert wanted.body == body


def test_the_application_keeps_every_other_url(work, serve, project, media):
    """Nothing listens where the application should: lighttpd's own 503 tells the two apart."""
    with Lighttpd(work, serve, project.root, media) as lighttpd:
        for target in ("/", "/admin/", "/static", "/robots.txt", "/staticfiles/a.css"):
            answer = lighttpd.ask(target)
            assert (answer.status, answer.from_handback) == (503, False), target
        assert lighttpd.ask("/static/js/app.js").body == ASSETS["js/app.js"]


def test_the_lines_that_replace_the_program_stand_at_the_end_of_the_file():
    text = (REPOSITORY / "examples/lighttpd.conf").read_text()
    assert "#   alias.url = (" in text[text.index("# To do without Handback"):]
