"""Requests that no browser sends: through Apache, and past it straight to the gateway."""

import struct
import subprocess
import time

import pytest

import fastcgi
from conftest import make_way
from django_site import ASSETS
from harness import Apache, Serve, as_server, defines, wait_until
from test_fronts import run_cgi

OUTSIDE = [b"root:x:0:0", b"DEBIAN", b"SECRET_KEY"]  # files that climbing would reach


@pytest.fixture
def body_way(servers, project, front):
    return make_way(servers, project, front, "body")


# The status, where Apache may answer before us any of several.
TARGETS = {
    "climbing out": ("/static/../../../../etc/passwd", {400, 403, 404}),
    "climbing out, encoded": ("/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd", {400, 403, 404}),
    "climbing out, encoded twice": ("/static/%252e%252e/%252e%252e/etc/passwd", {404}),
    "climbing out by an overlong form": ("/static/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", {404}),
    "climbing out by backslashes": ("/static/..%5c..%5cetc%5cpasswd", {404}),
    "climbing out by encoded slashes": ("/static/..%2f..%2fetc%2fpasswd", {404}),
    "climbing to the project": ("/static/../example/settings.py", {403, 404}),
    "an encoded slash": ("/static/js%2fnothing.js", {404}),
    "a NUL": ("/static/js/app.js%00.css", {400, 404}),
    "a line end": ("/static/js/app.js%0d%0aX-Injected:%20yes", {400, 403, 404}),
    "a control byte": ("/static/js/%01app.js", {400, 403, 404}),
    "a delete byte": ("/static/js/%7fapp.js", {400, 403, 404}),
    "a percent sign alone": ("/static/%", {400}),
    "a percent sign and junk": ("/static/%zz.css", {400}),
    "a percent sign cut short": ("/static/a%4", {400}),
    "a byte that is no UTF-8": ("/static/%ff%fe.css", {404}),
    "raw bytes beyond ASCII": (b"/static/\xc3\xa9\xff.css", {400, 404}),
    "dots for a name": ("/static/...", {404}),
    "a blank for a name": ("/static/%20", {404}),
    "a dotfile": ("/static/.handback/catalog", {404}),
    "a dot directory": ("/static/.git/config", {404}),
    "the manifest": ("/static/staticfiles.json", {404}),
    "a name of 300 bytes": ("/static/" + "n" * 300, {404}),
    "a path of 5000 bytes": ("/static/" + "a" * 5000, {414}),
    "a path of 5000 directories": ("/static/" + "a/" * 2500, {404, 414}),
    "a path of 64 KB": ("/static/" + "a" * 65536, {414}),
    "a semicolon": ("/static/js/app.js;v=1", {404}),
    "a fragment": ("/static/js/nothing.js#x", {400, 404}),
    "a star in a name": ("/static/js/*.js", {404}),
}


@pytest.mark.parametrize("case", TARGETS)
def test_a_hostile_target_is_refused_and_reveals_nothing(body_way, case):
    target, statuses = TARGETS[case]
    answer = body_way.ask(target)
    assert answer.status in statuses
    assert answer["X-Injected"] is None
    assert not any(secret in answer.body for secret in OUTSIDE)
    if answer.from_handback:
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("target", ["/static/..%2f..%2f..%2fetc%2fpasswd",
                                    "/static/js%2f..%2f..%2fexample%2fsettings.py",
                                    "/static/%2e%2e%2f%2e%2e%2fetc%2fpasswd"])
def test_encoded_slashes_that_apache_lets_through_climb_no_further(work, project, front, target):
    serve = Serve(work, "--workers", 1, root=project.root)
    text = "AllowEncodedSlashes NoDecode\n" + defines(front, "body", project.root, serve=serve)
    with serve, Apache(work, text) as apache:
        answer = apache.ask(target)
        assert answer.status == 404
        assert not any(secret in answer.body for secret in OUTSIDE)


HEADERS = {
    "Accept-Encoding of 7 KB": {"Accept-Encoding": "gzip;q=0.5, " * 580 + "br"},
    "Accept-Encoding of junk": {"Accept-Encoding": ";;;q=,=,\t,;q=2,br;q=abc"},
    "If-None-Match of 7 KB": {"If-None-Match": ", ".join(['"0123456789ab"'] * 450)},
    "If-None-Match of junk": {"If-None-Match": '"unclosed, W/, ""'},
    "If-Modified-Since of junk": {"If-Modified-Since": "Thu, 99 Foo 99999999999 99:99:99 GMT"},
    "a range of 500 parts": {"Range": "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 1000, 2))},
    "a range of huge numbers": {"Range": "bytes=0-" + "9" * 400},
    "bytes beyond ASCII": {"Accept-Encoding": "\xe9\xff", "If-None-Match": "\xe9"},
}


@pytest.mark.parametrize("case", HEADERS)
def test_hostile_header_fields_do_no_harm(way, case):
    answer = way.ask("/static/js/app.js", headers=HEADERS[case])
    assert answer.status in (200, 206, 416)
    if answer.status == 200 and answer["Content-Encoding"] is None:
        assert answer.body == ASSETS["js/app.js"]


# Straight to the gateways: what a web server would not let through, or leaves out.

def gateways(work, servers, project, params):
    replies = [fastcgi.ask(servers[1].address, params)]
    for program in (work.program, work.cgi):
        done, reply = run_cgi(work, project.root, {
            name: value for name, value in params.items()
            if "\0" not in name + value and name and "=" not in name
        }, program=program)
        assert done.returncode == 0
        replies.append(reply)
    return replies


def test_without_request_uri_script_name_and_path_info_are_taken(work, servers, project):
    for script, path in (("/static/data.json", None), ("/static", "/data.json")):
        params = fastcgi.usual(None, SCRIPT_NAME=script, PATH_INFO=path)
        for reply in gateways(work, servers, project, params):
            assert (reply.status[:3], reply.body) == ("200", ASSETS["data.json"])


URIS = {
    "nothing": ("", "4"),
    "a star": ("*", "4"),
    "no slash": ("static/data.json", "4"),
    "a scheme alone": ("http://", "4"),
    "a host alone": ("http://example.org", "404"),
    "a query alone": ("?a=b", "4"),
    "a raw line end": ("/static/data.json\r\nX-Injected: 1", "400"),
    "a raw tab": ("/static/\tdata.json", "400"),
    "a percent at the end": ("/static/data.json%", "400"),
    "64 KB": ("/static/" + "a" * 65536, "414"),
    "64 KB of slashes": ("/static" + "/" * 65536 + "data.json", ""),
    "64 KB of query": ("/static/data.json?" + "a" * 65536, "200"),
    "more ups than downs": ("/static/a/../../../static/data.json", "404"),
}


@pytest.mark.parametrize("case", URIS)
def test_a_strange_request_uri_is_judged_and_survived(work, servers, project, case):
    uri, status = URIS[case]
    params = fastcgi.usual(uri, SCRIPT_NAME="", QUERY_STRING="")
    for reply in gateways(work, servers, project, params):
        assert reply.status.startswith(status), reply.status
        assert b"X-Injected" not in reply.raw


PARAMS = {
    "no method": {"REQUEST_METHOD": None},
    "an empty method": {"REQUEST_METHOD": ""},
    "a method of 9 KB": {"REQUEST_METHOD": "A" * 9000},
    "a method with a line end": {"REQUEST_METHOD": "GET\r\nX-Injected: 1"},
    "a content length that is none": {"CONTENT_LENGTH": "many"},
    "a content length below zero": {"CONTENT_LENGTH": "-1"},
    "a content length beyond all": {"CONTENT_LENGTH": "9" * 40},
    "a header of 60 KB": {"HTTP_COOKIE": "c" * 60_000},
    "a range of 60 KB": {"HTTP_RANGE": "bytes=" + "1-2," * 15_000},
    "a thousand parameters": {f"HTTP_X_{n}": "x" for n in range(1000)},
}


@pytest.mark.parametrize("case", PARAMS)
def test_strange_parameters_are_survived(servers, case):
    address = servers[1].address
    try:
        reply = fastcgi.ask(address, fastcgi.usual("/static/data.json", **PARAMS[case]))
        assert reply.status[:1] in "245"
        assert b"X-Injected" not in reply.raw
    except ConnectionError:
        pass  # dropping such a connection is an answer too
    after = fastcgi.ask(address, fastcgi.usual("/static/data.json"))
    assert after.body == ASSETS["data.json"]


WIRE = {
    "nothing": b"",
    "a byte": b"\1",
    "HTTP": b"GET /static/data.json HTTP/1.1\r\nHost: x\r\n\r\n",
    "zeros": b"\0" * 4096,
    "another version": b"\7" + fastcgi.begin()[1:],
    "an unknown kind of record": fastcgi.record(99, b"x" * 20),
    "params before begin": fastcgi.stream(fastcgi.PARAMS, b""),
    "a short begin": fastcgi.record(fastcgi.BEGIN, b"\0"),
    "a role that is none": fastcgi.begin(role=9) + fastcgi.stream(fastcgi.PARAMS, b""),
    "an authorizer": fastcgi.begin(role=2) + fastcgi.stream(fastcgi.PARAMS, b""),
    "a pair longer than its stream": fastcgi.begin()
    + fastcgi.stream(fastcgi.PARAMS, struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF) + b"x"),
    "a length cut short": fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, b"\xff\xff"),
    "another request's number": fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, b"", 7),
    "an abort before the rest": fastcgi.begin() + fastcgi.record(2),
    "begin twice": fastcgi.begin() + fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, b""),
    "a head of 300 KB": fastcgi.head(fastcgi.usual("/static/data.json", HTTP_COOKIE="c" * 300_000)),
    "a management question": fastcgi.record(9, fastcgi.pairs({"FCGI_MPXS_CONNS": ""}), 0),
}


@pytest.mark.parametrize("case", WIRE)
def test_bytes_that_are_no_request_cost_only_their_connection(servers, case):
    serve = servers[1]
    workers = serve.workers()
    link = fastcgi.connect(serve.address)
    try:
        link.sendall(WIRE[case])
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused while it was still being sent
    began = time.monotonic()
    for _ in range(4):
        reply = fastcgi.ask(serve.address, fastcgi.usual("/static/data.json"))
        assert reply.body == ASSETS["data.json"]
    assert time.monotonic() - began < 2
    link.close()
    time.sleep(0.05)
    assert serve.workers() == workers, "a worker died of it"


def test_a_body_that_is_announced_and_never_sent_holds_nobody(servers):
    serve = servers[1]
    params = fastcgi.usual("/static/data.json", REQUEST_METHOD="POST", CONTENT_LENGTH="1000000")
    links = [fastcgi.connect(serve.address) for _ in range(20)]
    for link in links:
        link.sendall(fastcgi.head(params) + fastcgi.record(fastcgi.STDIN, b"a=b"))
    began = time.monotonic()
    for link in links:
        assert fastcgi.Records(link).reply().status.startswith("405")
    reply = fastcgi.ask(serve.address, fastcgi.usual("/static/data.json"))
    assert reply.body == ASSETS["data.json"]
    assert time.monotonic() - began < 3
    for link in links:
        link.close()


def test_a_body_of_a_megabyte_straight_to_the_gateways(work, servers, project):
    params = fastcgi.usual("/static/data.json", REQUEST_METHOD="POST", CONTENT_LENGTH="1000000")
    for program in (work.program, work.cgi):
        _, cgi = run_cgi(work, project.root, params, b"x" * 1_000_000, program=program)
        assert cgi.status.startswith("405")
    with fastcgi.connect(servers[1].address) as link:
        link.sendall(fastcgi.head(params))
        try:
            link.sendall(fastcgi.stream(fastcgi.STDIN, b"x" * 1_000_000))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert fastcgi.Records(link).reply().status.startswith("405")


def test_a_cgi_whose_body_never_comes_still_ends(cgi_program, project):
    """Apache closes the pipe when the client goes; until then the CGI may wait, but not longer."""
    params = fastcgi.usual("/static/data.json", REQUEST_METHOD="POST", CONTENT_LENGTH="100")
    process = subprocess.Popen([cgi_program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={"STATIC_ROOT": str(project.root), **params}, **as_server())
    process.stdin.close()
    wait_until(lambda: process.poll() is not None, 10, "the CGI's end")
    assert fastcgi.parse(process.stdout.read()).status.startswith("405")
    process.stdout.close()
