"""The ways in and the ways out, each for what it alone can get wrong."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import fastcgi
from client import Connection
from conftest import make_way
from django_site import ASSETS, OLD, write
from harness import CGIS, Serve, as_server, url_of

CLIENTS = 32


def run_cgi(work, root, params, body=b"", arguments=(), program=None):
    """The program as a web server starts a CGI."""
    environment = {"STATIC_ROOT": str(root), **params}
    done = subprocess.run(
        [program or work.program, *arguments], input=body, capture_output=True, cwd="/",
        env=environment, timeout=20, **as_server(),
    )
    return done, fastcgi.parse(done.stdout, done.stderr)


def test_32_parallel_clients_receive_every_body_whole(way):
    names = ["css/site.css", "js/app.js", "img/dot.png", "data.json", "font.woff2", "empty.txt"]
    names += [way.project.manifest()[name] for name in names]
    rounds = 5 if way.front in CGIS else 40

    def client(number):
        with Connection(way.apache.port, way.host, timeout=60) as connection:
            for step in range(rounds):
                name = names[(number + step) % len(names)]
                answer = connection.ask(url_of(name))
                want = way.project.bytes_of(name)
                if (answer.status, answer.body) != (200, want):
                    return f"{name}: {answer.status}, {len(answer.body)} of {len(want)} bytes"

    with ThreadPoolExecutor(CLIENTS) as pool:
        wrong = [fault for fault in pool.map(client, range(CLIENTS)) if fault]
    assert wrong == []


def test_a_large_body_arrives_whole_at_32_clients_at_once(way):
    def client(_):
        return way.ask("/static/big.bin", timeout=60).body == ASSETS["big.bin"]

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert all(pool.map(client, range(8 if way.front in CGIS else CLIENTS)))


def test_a_kept_alive_connection_survives_every_kind_of_answer(way):
    name = way.project.manifest()["css/site.css"]
    plain = way.project.bytes_of(name)
    mix = [
        (dict(method="GET"), 200),
        (dict(method="HEAD"), 200),
        (dict(method="POST", body=b"a" * 20000), 405),
        (dict(headers={"Range": "bytes=0-99"}), 206),
        (dict(headers={"Range": "bytes=900000-"}), 416),
        (dict(headers={"If-None-Match": "*"}), 304),
        (dict(method="OPTIONS"), 204),
        (dict(headers={"Accept-Encoding": "br"}), 200),
    ]
    with way.connect() as connection:
        for step in range(2 if way.front in CGIS else 12):
            for request, status in mix:
                assert connection.ask(url_of(name), **request).status == status, (step, request)
            assert connection.ask(url_of(name)).body == plain


def test_reused_connections_cause_no_spurious_503(servers, project):
    way = make_way(servers, project, "proxy", "body")

    def client(_):
        with way.connect() as connection:
            return [connection.ask("/static/data.json").status for _ in range(400)]

    with ThreadPoolExecutor(8) as pool:
        statuses = sum(pool.map(client, range(8)), [])
    assert len(statuses) == 3200
    assert set(statuses) == {200}


def test_a_megabyte_of_request_body_is_refused_and_costs_nothing_else(way):
    answer = way.ask("/static/js/app.js", method="POST", body=b"x" * 1_000_000)
    assert answer.status == 405
    assert way.get("js/app.js").body == ASSETS["js/app.js"]


@pytest.mark.parametrize("cgi", ["cgi", "static"])
def test_a_query_string_never_becomes_a_command(servers, project, cgi):
    way = make_way(servers, project, cgi, "body")
    for query in ("--version", "prune+--keep+0", "serve+--listen+unix:x", "--help"):
        answer = way.ask(f"/static/data.json?{query}")
        assert (answer.status, answer.body) == (200, ASSETS["data.json"]), query


@pytest.mark.parametrize("arguments", [["--version"], ["serve", "--listen", "unix:x"], ["junk"]])
def test_with_gateway_interface_set_arguments_are_ignored(work, project, arguments, cgi_program):
    params = fastcgi.usual("/static/data.json")
    done, reply = run_cgi(work, project.root, params, arguments=arguments, program=cgi_program)
    assert (done.returncode, reply.body) == (0, ASSETS["data.json"])


STATUSES = {
    "200": {},
    "204": {"REQUEST_METHOD": "OPTIONS"},
    "206": {"HTTP_RANGE": "bytes=0-1"},
    "304": {"HTTP_IF_NONE_MATCH": "*"},
    "400": {"REQUEST_URI": "/static/%zz"},
    "404": {"REQUEST_URI": "/static/nothing"},
    "405": {"REQUEST_METHOD": "POST"},
    "414": {"REQUEST_URI": "/static/" + "a" * 5000},
    "416": {"HTTP_RANGE": "bytes=99-"},
    "501": {"REQUEST_METHOD": "BREW"},
}


@pytest.mark.parametrize("status", STATUSES)
def test_every_answer_begins_with_a_status_line(work, servers, project, status):
    params = fastcgi.usual("/static/data.json") | STATUSES[status]
    _, cgi = run_cgi(work, project.root, params)
    _, static = run_cgi(work, project.root, params, program=work.cgi)
    served = fastcgi.ask(servers[1].address, params)
    for reply in (cgi, static, served):
        assert reply.raw.startswith(b"Status: " + status.encode() + b" "), reply.raw[:80]


def handed_back(servers, target, **more):
    params = {"HANDBACK_DELIVERY": "x-sendfile", "HANDBACK_CODING_HEADER": "X-Coding"}
    return fastcgi.ask(servers[1].address, fastcgi.usual(target, **params) | more)


@pytest.mark.parametrize("name", ["js/app.js", "data.json", "big.bin", "live/plain.txt"])
def test_every_ordinary_200_is_handed_back_whatever_its_size(servers, project, name):
    reply = handed_back(servers, url_of(name))
    assert reply.status.startswith("200")
    assert reply.body == b""
    # collectstatic wrote the same bytes twice: under the original and under the hashed name.
    assert Path(reply.headers["x-sendfile"]).read_bytes() == project.bytes_of(name)


def test_a_hand_back_names_the_coding_in_the_private_header_too(servers, project):
    name = project.manifest()["css/site.css"]
    reply = handed_back(servers, url_of(name), HTTP_ACCEPT_ENCODING="br")
    assert reply.headers["x-coding"] == "br"
    assert reply.headers["x-sendfile"] == str(project.root / f"{name}.br")


def test_without_the_private_header_a_coded_variant_is_sent_as_a_body(servers, project):
    name = project.manifest()["css/site.css"]
    more = {"HTTP_ACCEPT_ENCODING": "br", "HANDBACK_CODING_HEADER": ""}
    reply = handed_back(servers, url_of(name), **more)
    assert "x-sendfile" not in reply.headers
    assert reply.headers["content-encoding"] == "br"
    assert reply.body == (project.root / f"{name}.br").read_bytes()


# Where mod_xsendfile would change a right answer into a wrong one, or leak the path.
KEPT = {
    "a HEAD": {"REQUEST_METHOD": "HEAD"},
    "a HEAD with a range": {"REQUEST_METHOD": "HEAD", "HTTP_RANGE": "bytes=0-1"},
    "a 304": {"HTTP_IF_NONE_MATCH": "*"},
    "a 404": {"REQUEST_URI": "/static/nothing"},
    "a 405": {"REQUEST_METHOD": "POST"},
    "a 416": {"HTTP_RANGE": "bytes=999999-"},
    "a suffix of nothing": {"HTTP_RANGE": "bytes=-0"},
    "a list with an unsatisfiable part": {"HTTP_RANGE": "bytes=0-1,999999-"},
    "a number of twenty digits": {"HTTP_RANGE": "bytes=0-99999999999999999999"},
    "If-Unmodified-Since": {"HTTP_IF_UNMODIFIED_SINCE": "Tue, 14 Nov 2034 22:13:20 GMT"},
    "If-Modified-Since with junk": {"HTTP_IF_MODIFIED_SINCE": "Tue, 14 Nov 2023 22:13:20 GMT x"},
    "a name with a blank": {"REQUEST_URI": "/static/notes/read%20me.txt"},
    "a name beyond ASCII": {"REQUEST_URI": "/static/img/%C3%A9t%C3%A9.txt"},
}


@pytest.mark.parametrize("case", KEPT)
def test_what_apache_would_spoil_is_not_handed_back(servers, case):
    reply = handed_back(servers, "/static/js/app.js", **KEPT[case])
    assert "x-sendfile" not in reply.headers
    assert "x-coding" not in reply.headers


def test_a_client_cannot_ask_for_the_hand_back(servers):
    params = fastcgi.usual("/static/data.json", HTTP_HANDBACK_DELIVERY="x-sendfile")
    reply = fastcgi.ask(servers[1].address, params)
    assert "x-sendfile" not in reply.headers
    assert reply.body == ASSETS["data.json"]


@pytest.mark.parametrize("name", ["STATIC_ROOT", "STATIC_URL", "HANDBACK_CONFIG", "MEDIA_ROOT",
                                  "HANDBACK_MAX_AGE", "DOCUMENT_ROOT"])
def test_request_parameters_configure_nothing(servers, name):
    params = fastcgi.usual("/static/data.json") | {name: "/etc"}
    reply = fastcgi.ask(servers[1].address, params)
    assert reply.status.startswith("200")
    assert reply.headers["cache-control"] == "max-age=60, public"
    assert reply.body == ASSETS["data.json"]


def test_without_a_socket_and_without_arguments_it_prints_its_usage(work):
    done = subprocess.run([work.program], stdin=subprocess.DEVNULL, capture_output=True,
                          env={"PATH": os.environ["PATH"]}, timeout=20)
    assert done.returncode == 2
    assert b"handback" in done.stdout + done.stderr
    assert b"serve" in done.stdout + done.stderr


def test_a_large_body_is_sent_in_constant_memory(work):
    assert work.release, "no release program: build it, or name it by HANDBACK_PROGRAM_RELEASE"
    root = work.fresh("root")
    write(root / "huge.bin", b"")
    os.truncate(root / "huge.bin", 300_000_000)
    os.utime(root / "huge.bin", (OLD, OLD))
    with Serve(work, "--workers", 1, root=root, program=work.release) as serve:
        for _ in range(2):
            reply = fastcgi.ask(serve.address, fastcgi.usual("/static/huge.bin"))
            assert len(reply.body) == 300_000_000
        for pid in serve.workers():
            status = Path(f"/proc/{pid}/status").read_text()
            anonymous = int(status.split("RssAnon:")[1].split()[0])
            assert anonymous < 16_000, f"{anonymous} KB of its own after 300 MB"


@pytest.mark.parametrize("size", [0, 1, 20_000, 100_000])
def test_a_request_body_does_not_spoil_the_connection_that_is_reused(servers, project, size):
    """What follows on the same connection to `serve` must find it either closed or ready."""
    way = make_way(servers, project, "proxy", "body")
    with way.connect() as connection:
        for step in range(150):
            refused = connection.ask("/static/data.json", method="POST", body=b"x" * size)
            assert refused.status == 405
            answer = connection.ask("/static/data.json")
            assert (answer.status, answer.body) == (200, ASSETS["data.json"]), f"round {step}"
