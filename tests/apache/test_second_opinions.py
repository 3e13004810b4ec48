"""What Apache would decide otherwise than we did when it looks at a request again, and bodies and
heads whose size only shows on the way."""

import os

import pytest

from conftest import make_way
from django_site import ASSETS, OLD, write
from harness import url_of

MANY = [(f"X-Long-{number}", "x" * 1000) for number in range(60)]


def hashed(way):
    name = way.project.manifest()["css/site.css"]
    return url_of(name), way.project.bytes_of(name)


def test_a_weak_tag_before_the_right_one_fails_no_if_match(way):
    target, body = hashed(way)
    tag = way.ask(target)["ETag"]
    for field in (f'W/"b", {tag}', f"W/{tag}, {tag}", f'"a", {tag}'):
        answer = way.ask(target, headers=[("If-Match", field)])
        assert (answer.status, answer.body) == (200, body), field
    answer = way.ask(target, headers=[("If-Match", 'W/"b", "c"')])
    assert answer.status == 412 and not answer.immutable


def test_an_if_range_that_is_no_date_asks_for_everything(way):
    target, body = hashed(way)
    date = way.ask(target)["Last-Modified"]
    for field in (f"{date} x", f"{date}, {date}", date.replace("GMT", "UTC")):
        answer = way.ask(target, headers=[("Range", "bytes=0-1"), ("If-Range", field)])
        assert (answer.status, answer.body) == (200, body), field


def test_an_if_none_match_that_is_no_list_is_ignored(way):
    target, body = hashed(way)
    tag = way.ask(target)["ETag"]
    for field in (f'*, {tag}', f'"x y",{tag}"', f'"open, {tag}'):
        answer = way.ask(target, headers=[("If-None-Match", field)])
        assert (answer.status, answer.body) == (200, body), field


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_file_without_a_date_is_sent_without_one(site, project, front, delivery, seconds, work):
    root = work.fresh("dateless")
    write(root / "a.txt", b"text")
    os.utime(root / "a.txt", (OLD, seconds))
    answer = site(front, delivery, root).ask("/static/a.txt")
    assert (answer.status, answer.body) == (200, b"text")
    assert answer["Last-Modified"] is None


@pytest.mark.parametrize("size", [5, 300_000])
def test_a_body_of_unknown_length_does_not_lose_the_answer(servers, project, front, size):
    way = make_way(servers, project, front, "body")
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size)
    for method, status in (("GET", 200), ("POST", 405)) * 5:
        answer = way.ask("/static/data.json", method=method, body=body,
                         headers=[("Transfer-Encoding", "chunked")])
        assert answer.status == status
        assert method != "GET" or answer.body == ASSETS["data.json"]


def test_a_head_of_60_kilobytes_is_answered_at_once(servers, project):
    way = make_way(servers, project, "proxy", "body")
    answer = way.ask("/static/data.json", headers=MANY, timeout=4)
    assert (answer.status, answer.body) == (200, ASSETS["data.json"])
