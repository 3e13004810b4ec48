"""`handback explain` says what the server answers, for whatever is asked, and says it well."""

import json
import os
import random
import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

import fastcgi
from django_site import age, readable, write
from harness import Apache, Serve, as_server, defines, no_sanitizer_report, url_of
from random_requests import Asked, Generator

# A failure prints it; with it the same requests are made again.
SEED = int(os.environ.get("HANDBACK_SEED") or time.time_ns() % 1_000_000)
REQUESTS = 2500
REQUESTS_OF_A_DELIVERY = 500
REQUESTS_THROUGH_APACHE = 400
DELIVERIES = ["x-sendfile", "local-redirect", "x-accel-redirect"]

UPLOADS = {
    "photo.jpg": b"\xff\xd8\xff\xe0 a picture",
    "page.html": b"<script>alert(1)</script>",
    "\u00fcbersicht (1).svg": b"<svg/>",
    "film.mp4": bytes(5000),
}
AT_THE_TOP = {"robots.txt": b"User-agent: *\n", ".well-known/security.txt": b"Contact: a@b\n"}
MORE = {
    "docs/index.html": b"<!doctype html><title>docs</title>\n",
    "docs/a b/index.html": b"<!doctype html><title>a b</title>\n",
    "assets/index-BxK3a9Zq.js": b"export {}\n" * 50,
    "assets/index-BxK3a9Zq.js.br": b"not really brotli",
    "private/list.txt": b"nobody else\n",
    "closed.txt": b"others may not read it\n",
    "zero.txt": b"",
}
SETTINGS = {
    "coding_header": "X-Handback-Coding",
    "mounts": [
        {
            "kind": "static", "root": "static", "index_file": "index.html",
            "immutable": ["assets/*-????????.js"], "delivery_url": "/internal/static/",
            "headers": {
                "*.woff2": {"Timing-Allow-Origin": "*", "Vary": "Origin"},
                "private/*": {"Cache-Control": "private, max-age=5", "X-Own": "1"},
                "docs/*": {"Content-Type": "text/html; charset=latin1", "ETagged": "no"},
                "*.css": {"Vary": "Origin", "Access-Control-Allow-Origin": None},
            },
        },
        {"kind": "media", "root": "media", "delivery_url": "/internal/media/"},
        {"kind": "root", "root": "top", "delivery_url": "/internal/top/"},
    ],
}


def make_tree(home, project):
    """One of each mount, of files that nobody has touched for long."""
    shutil.copytree(project.root, home / "static", ignore=shutil.ignore_patterns("big*"))
    for part, files in (("static", MORE), ("media", UPLOADS), ("top", AT_THE_TOP)):
        for name, data in files.items():
            write(home / part / name, data)
    (home / "static/link.txt").symlink_to("zero.txt")
    (home / "static/out.txt").symlink_to("/etc/hostname")
    age(home)
    readable(home)
    (home / "static/closed.txt").chmod(0o600)
    os.utime(home / "static/docs/index.html", (0, 0))
    write(home / "handback.json", json.dumps(SETTINGS).encode())


def urls_of(home):
    """Every file's URL path and every directory's, as a person would say them."""
    found = []
    for part, prefix in (("static", "/static/"), ("media", "/media/"), ("top", "/")):
        for folder, folders, names in os.walk(home / part):
            inside = os.path.relpath(folder, home / part)
            before = prefix if inside == "." else f"{prefix}{inside}/"
            found += [before] + [before + name for name in names]
    # The admin has many files of few kinds.
    admin = [url for url in found if "/admin/" in url]
    ours = [url for url in found if "/admin/" not in url] + ["/", "/nothing", "/static/no.txt"]
    return ours * 3 + random.Random(1).sample(admin, 40)


def ask_kept(link, params):
    """One request on a connection that stays open."""
    link.sendall(fastcgi.head(params, keep=True) + fastcgi.record(fastcgi.STDIN))
    return fastcgi.Records(link).reply()


def validators_of(address, urls):
    found = {}
    with fastcgi.connect(address) as link:
        for url in dict.fromkeys(urls):
            reply = ask_kept(link, fastcgi.usual(url_of(url, "")))
            if reply.status == "200 OK":
                headers = reply.headers
                found[url] = headers["etag"], headers.get("last-modified"), len(reply.body)
    return found


@pytest.fixture(scope="module")
def place(work, project):
    """The settings, the tree, and one `serve` with them."""
    assert work.release, "these tests start thousands of processes: build the release program"
    home = work.fresh("explained")
    make_tree(home, project)
    settings = home / "handback.json"
    with Serve(work, "--workers", 1, program=work.release, HANDBACK_CONFIG=settings) as serve:
        urls = urls_of(home)
        validators = validators_of(serve.address, urls)
        assert len(validators) > 40
        yield SimpleNamespace(
            home=home, serve=serve, settings=settings, urls=urls, validators=validators)


def requests_of(place, count, seed=SEED):
    generator = Generator(seed, place.urls, place.validators)
    return [generator.request() for _ in range(count)]


def run(program, *arguments, **environment):
    """A command as the servers' user; the output is bytes, as it comes."""
    return subprocess.run(
        [str(program), *arguments], capture_output=True, stdin=subprocess.DEVNULL, timeout=30,
        cwd="/", env={"PATH": os.environ["PATH"], **environment}, **as_server(),
    )


def options_of(asked):
    options = [] if asked.method == "GET" else ["-X", asked.method]
    for name, value in asked.headers:
        options += ["-H", f"{name}: {value}"]
    return options


def explain(program, asked, **environment):
    done = run(program, "explain", "--json", asked.target, *options_of(asked), **environment)
    assert (done.returncode, done.stderr) == (0, b""), (asked, done)
    return json.loads(done.stdout)


def params_of(asked, **more):
    script = asked.target.partition(b"?")[0]
    return fastcgi.usual(asked.target, SCRIPT_NAME=script, REQUEST_METHOD=asked.method,
                         **asked.variables(), **more)


BOUNDARY = re.compile(r"boundary=[0-9a-f]{16}$")


def fields_of(raw):
    """The head of a CGI response: the status and the other fields, in their order."""
    head = raw.partition(b"\r\n\r\n")[0].decode("latin-1")
    pairs = [tuple(line.split(": ", 1)) for line in head.split("\r\n")]
    status = [value for name, value in pairs if name == "Status"]
    others = [(name, BOUNDARY.sub("boundary=B", value)) for name, value in pairs
              if name != "Status"]
    return int(status[0].split()[0]) if status else None, others


def explained_fields(told):
    return told["status"], [(n, BOUNDARY.sub("boundary=B", v)) for n, v in told["headers"]]


def body_fault(asked, told, reply):
    """What is wrong with the length of the body; None: nothing."""
    announced = dict(told["headers"]).get("Content-Length")
    empty = asked.method == "HEAD" or told["status"] in (204, 304, 302) and announced is None
    empty = empty or told["delivery"] not in ("body", "none")
    wanted = 0 if empty else int(announced)
    return None if len(reply.body) == wanted else f"{len(reply.body)} bytes for {wanted}"


def difference(asked, told, reply, redirects=False):
    """In words, how the server's answer is another one than was told; None: it is the same."""
    got, want = fields_of(reply.raw), explained_fields(told)
    if redirects and got[0] is None:
        got = want[0], got[1]  # a local redirect has no status of its own (RFC 3875 6.2.2)
    if got != want:
        return f"{asked}: the server {got}, explain {want}"
    fault = body_fault(asked, told, reply)
    return fault and f"{asked}: {fault}"


def all_agree(requests, compare):
    """Judges each by `compare(asked)`, two at a time; shows the first differences."""
    with ThreadPoolExecutor(2) as pool:
        found = [fault for fault in pool.map(compare, requests) if fault]
    shown = "\n".join(found[:5])
    assert not found, f"HANDBACK_SEED={SEED}: {len(found)} of {len(requests)} differ:\n{shown}"


# ---- what it says is what the server does ----


def test_the_server_answers_thousands_of_requests_as_explained(work, place):
    requests = requests_of(place, REQUESTS)
    with fastcgi.connect(place.serve.address, 60) as link:
        replies = {id(asked): ask_kept(link, params_of(asked)) for asked in requests}

    def compare(asked):
        told = explain(work.release, asked, HANDBACK_CONFIG=str(place.settings))
        return difference(asked, told, replies[id(asked)])

    all_agree(requests, compare)
    statuses = {reply.status[:3] for reply in replies.values()}
    # Else the requests have not been about much.
    assert statuses >= {"200", "204", "206", "302", "304", "400", "404", "405", "406", "412",
                        "416", "501"}, statuses
    several = [r for r in replies.values() if "multipart" in r.headers.get("content-type", "")]
    assert len(several) > 20


def run_as_cgi(program, asked, **environment):
    """What the program answers as a CGI."""
    variables = {**params_of(asked), **environment}
    done = run(program, **{k: os.fsdecode(v) if isinstance(v, bytes) else v
                           for k, v in variables.items()})
    assert done.returncode == 0, (asked, done)
    return fastcgi.parse(done.stdout, done.stderr)


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_what_is_handed_back_is_what_is_explained(work, place, delivery):
    requests = requests_of(place, REQUESTS_OF_A_DELIVERY, SEED + 1)
    settings = {"HANDBACK_CONFIG": str(place.settings), "HANDBACK_DELIVERY": delivery}
    deliveries = []

    def compare(asked):
        told = explain(work.release, asked, **settings)
        if delivery == "local-redirect":
            reply = run_as_cgi(work.release, asked, **settings)
        else:
            params = params_of(asked, HANDBACK_DELIVERY=delivery)
            reply = fastcgi.ask(place.serve.address, params)
        deliveries.append(told["delivery"])
        return difference(asked, told, reply, delivery == "local-redirect")

    all_agree(requests, compare)
    assert deliveries.count(delivery) > 10
    assert set(deliveries) <= {delivery, "body", "none"}


OF_A_DELIVERY = {"x-sendfile": "X-Sendfile", "local-redirect": "Location",
                 "x-accel-redirect": "X-Accel-Redirect"}


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_a_file_that_is_handed_back_names_itself_and_has_no_body(work, place, project, delivery):
    hashed = project.manifest()["js/app.js"]
    asked = Asked("GET", b"/static/" + hashed.encode(), [("Accept-Encoding", "br")])
    told = explain(work.release, asked, HANDBACK_CONFIG=str(place.settings),
                   HANDBACK_DELIVERY=delivery)
    value = dict(told["headers"])[OF_A_DELIVERY[delivery]]
    path = f"{place.home}/static/" if delivery == "x-sendfile" else "/internal/static/"
    assert value.partition("?")[0] == f"{path}{hashed}.br"
    assert "Content-Length" not in dict(told["headers"])
    assert told["delivery"] == delivery


# Apache's own, or what it may write otherwise.
NOT_COMPARED = {"date", "server", "connection", "keep-alive", "transfer-encoding", "content-length"}
OF_APACHE_ALONE = re.compile(
    rb"%2f|%00|%5c|\\|%(?![0-9a-f]{2})|[ \"<>#]|(\.|%2e)(\.|%2e)", re.I)


def comparable(pairs):
    pairs = [(name.lower(), BOUNDARY.sub("boundary=B", value)) for name, value in pairs]
    return sorted((name, value.replace(", ", ",") if name == "vary" else value)
                  for name, value in pairs if name not in NOT_COMPARED)


def body_of_apache(answer, told):
    """Whether the body has the length that was told; None: it has."""
    wanted = dict(told["headers"]).get("Content-Length")
    if wanted is None or told["delivery"] == "none" and told["status"] < 300:
        wanted = 0
    return None if len(answer.body) == int(wanted) else f"{len(answer.body)} bytes for {wanted}"


@pytest.mark.parametrize("delivery", ["body", "x-sendfile"])
def test_clients_of_apache_receive_what_is_explained(work, place, delivery):
    requests = [asked for asked in requests_of(place, 3 * REQUESTS_THROUGH_APACHE, SEED + 2)
                if asked.target.startswith(b"/static/") and len(asked.target) < 4000
                and not OF_APACHE_ALONE.search(asked.target)][:REQUESTS_THROUGH_APACHE]
    text = defines("proxy", delivery, place.home / "static", serve=place.serve)
    with Apache(work, text) as apache:
        def compare(asked):
            told = explain(work.release, asked, HANDBACK_CONFIG=str(place.settings))
            answer = apache.ask(asked.target, method=asked.method, headers=asked.headers)
            got = answer.status, comparable(answer.headers)
            want = told["status"], comparable(told["headers"])
            if got != want:
                return f"{asked}: Apache {got}, explain {want}"
            fault = None if asked.method == "HEAD" else body_of_apache(answer, told)
            return fault and f"{asked}: {fault}"

        all_agree(requests, compare)


# ---- the command ----


@pytest.fixture(scope="module")
def command(work, place):
    """`handback explain`, by the program with the sanitizers, with the settings of the place."""
    def explain_command(*arguments, **environment):
        done = run(work.program, "explain", *arguments,
                   **{"HANDBACK_CONFIG": str(place.settings), **environment})
        no_sanitizer_report(done.stderr.decode(errors="replace"), "explain")
        return done

    return explain_command


def text_of(done):
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout.decode()


STEPS = ["settings", "target", "mount", "directory", "resource", "method", "redirect", "variant",
         "page", "validators", "conditions", "range", "delivery"]
STEP = re.compile(r"^ ?(\d+) (\w+) +\((.*)\)$", re.M)


def test_the_steps_are_told_in_order_each_with_its_reason_in_a_line(command):
    text = text_of(command("/static/css/site.css", "-H", "Accept-Encoding: br"))
    steps = STEP.findall(text)
    assert [name for _, name, _ in steps] == STEPS
    assert [int(number) for number, _, _ in steps] == list(range(1, len(STEPS) + 1))
    assert all(len(why) > 5 for _, _, why in steps)
    assert text.startswith("GET /static/css/site.css\n")
    assert "settings of the environment and /" in text.splitlines()[1]


@pytest.mark.parametrize("target, last", [
    ("/static/nothing.css", "resource"), ("/static/%zz", "target"), ("/static/css/", "resource"),
    ("/static/docs", "redirect"), ("/", "directory"),
])
def test_the_story_ends_with_the_step_that_decides(command, target, last):
    steps = [name for _, name, _ in STEP.findall(text_of(command(target)))]
    assert steps == STEPS[: STEPS.index(last) + 1]


def test_the_text_ends_with_status_and_header_as_json_has_them(command):
    arguments = ["/static/css/site.css", "-H", "Range: bytes=0-9"]
    told = json.loads(text_of(command(*arguments, "--json")))
    lines = text_of(command(*arguments)).rstrip("\n").split("\n\n")[-1].split("\n")
    assert lines[0].startswith("206 ")
    assert lines[1:] == [f"{name}: {value}" for name, value in told["headers"]]


def test_the_json_object_has_the_documented_members(command):
    told = json.loads(text_of(command("/static/css/site.css", "-X", "HEAD", "--json")))
    assert (told["method"], told["target"]) == ("HEAD", "/static/css/site.css")
    assert [set(step) for step in told["steps"]] == [{"step", "why", "found"}] * len(STEPS)
    assert [step["step"] for step in told["steps"]] == STEPS
    assert (told["status"], told["delivery"], told["diagnosis"]) == (200, "none", None)
    assert told["length"] == 0


def test_the_length_is_that_of_the_body_that_is_sent(command):
    told = json.loads(text_of(command("/static/css/site.css", "--json")))
    assert told["length"] == int(dict(told["headers"])["Content-Length"])


def test_help_fits_a_terminal(command):
    lines = text_of(command("--help")).split("\n")
    assert len(lines) <= 24 + 1
    assert max(map(len, lines)) <= 80
    assert "explain URL" in lines[0]


BAD_USAGE = {
    "no URL": [],
    "two URLs": ["/a", "/b"],
    "neither URL nor path": ["static/a"],
    "an empty URL": [""],
    "an unknown option": ["/a", "--colour"],
    "a field without a colon": ["/a", "-H", "Accept-Encoding"],
    "a field without a name": ["/a", "-H", ": br"],
    "a field with a blank in its name": ["/a", "-H", "Accept Encoding: br"],
    "a field with a line break": ["/a", "-H", "Range: bytes=0-1\r\nX: y"],
    "a field that is missing": ["/a", "-H"],
    "a method with a blank": ["/a", "-X", "GET /b"],
    "an empty method": ["/a", "-X", ""],
}


@pytest.mark.parametrize("case", BAD_USAGE)
def test_wrong_usage_is_exit_code_2_and_one_line_on_standard_error(command, case):
    done = command(*BAD_USAGE[case])
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1, done.stderr


BAD_SETTINGS = {
    "a value that is none": {"HANDBACK_MAX_AGE": "soon"},
    "a settings file that is not there": {"HANDBACK_CONFIG": "/nothing/handback.json"},
    "a root that is no path": {"STATIC_ROOT": "static"},
    "no root": {"HANDBACK_CONFIG": ""},
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_bad_settings_are_exit_code_2_and_one_numbered_line(command, case):
    done = command("/static/css/site.css", **BAD_SETTINGS[case])
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(rb"handback: HB00\d\d: [^\n]+\n", done.stderr), done.stderr


def test_a_root_that_does_not_exist_yet_is_the_503_that_it_is(command):
    settings = {"STATIC_ROOT": "/nothing/static", "HANDBACK_CONFIG": ""}
    done = command("/static/css/site.css", "--json", **settings)
    assert done.returncode == 0, done
    told = json.loads(done.stdout)
    assert told["status"] == 503
    assert ["Cache-Control", "no-store"] in told["headers"]
    assert told["diagnosis"].startswith("HB0010: ")
    text = command("/static/css/site.css", **settings).stdout.decode()
    assert "\n503 Service Unavailable\n" in text


def test_x_names_the_method(command):
    assert "\n405 Method Not Allowed\n" in text_of(command("/static/css/site.css", "-X", "POST"))
    assert "\n404 Not Found\n" in text_of(command("/static/nothing.css", "-X", "POST"))
    assert "\n204 No Content\n" in text_of(command("/static/css/site.css", "--request=OPTIONS"))


def test_fields_of_one_name_are_joined_whatever_their_case(command):
    fields = ["-H", "accept-encoding: gzip;q=0.1", "--header=Accept-Encoding: br"]
    text = text_of(command("/static/css/site.css", *fields))
    assert "\nContent-Encoding: br\n" in text


@pytest.mark.parametrize("url", [
    "https://www.example.com/static/css/site.css?v=1",
    "http://user@[::1]:8080/static/css/site.css",
    "//static/css/site.css",
])
def test_a_whole_url_is_asked_by_its_path(command, url):
    told = json.loads(text_of(command(url, "--json")))
    assert (told["target"], told["status"]) == (url, 200)


def test_options_may_stand_on_either_side_of_the_url(command):
    before = text_of(command("--json", "-H", "Range: bytes=0-0", "/static/css/site.css"))
    assert before == text_of(command("/static/css/site.css", "-H", "Range: bytes=0-0", "--json"))


def test_what_could_be_mended_is_told_with_its_number(command, place):
    closed = place.home / "static/closed.txt"
    assert closed.stat().st_mode & 0o077 == 0
    told = json.loads(text_of(command(
        url_of("\u00fcbersicht (1).svg", "/media/"), "--json", HANDBACK_DELIVERY="x-sendfile")))
    assert told["delivery"] == "body"
    assert told["diagnosis"].startswith("HB0045: ")


# ---- hostile ----

HOSTILE_BYTES = {
    "a byte that is no UTF-8": b"/static/a\xff.txt",
    "an encoded byte that is no UTF-8": b"/static/a%FF.txt",
    "half a character": b"/static/%C3",
    "a character cut off at the end of a text": b"/static/" + b"\xc3\xa9" * 1500,
}


@pytest.mark.parametrize("case", HOSTILE_BYTES)
def test_json_tells_every_step_of_any_bytes(command, case):
    told = json.loads(text_of(command(HOSTILE_BYTES[case], "--json")))
    names = [step["step"] for step in told["steps"]]
    assert names == STEPS[: len(names)]
    assert told["status"] in (404, 414)


def test_json_tells_every_step_of_a_field_that_is_no_utf_8(command):
    told = json.loads(text_of(command(
        "/static/css/site.css", "--json", "-H", b'If-None-Match: "\xe9"')))
    assert [step["step"] for step in told["steps"]] == STEPS


def hostile_target(rng):
    pieces = [b"/", b"..", b".", b"%", b"%00", b"%2e", b"%2F", b"\\", b"?", b"#", b"\xff",
              b"static", b"media", b"css", b"://", b"%s%n", b"\x1b[2J", b"\xc3\xa9", b"A" * 700,
              b";", b": "]
    noise = bytes(rng.randrange(1, 256) for _ in range(rng.randrange(0, 30)))
    start = rng.choice([b"/", b"/static/", b"/media/", b"http://h/static/", b"x://"])
    return start + b"".join(rng.choice(pieces) for _ in range(rng.randrange(0, 12))) + noise


def test_no_target_and_no_field_makes_it_crash(command):
    rng = random.Random(SEED)
    names = ["Range", "If-None-Match", "Accept-Encoding", "If-Range", "X"]
    cases = [(hostile_target(rng), rng.choice(names), hostile_target(rng)) for _ in range(400)]

    def crash(case):
        target, name, value = case
        done = command(target, "-H", name.encode() + b": " + value)
        good = done.returncode == 0 and re.search(rb"\n\d{3} [A-Z]", done.stdout)
        refused = done.returncode == 2 and done.stderr and not done.stdout
        return None if good or refused else f"{target!r} {name}: {value!r}: {done}"

    all_agree(cases, crash)


def test_the_shell_user_sees_no_control_characters_of_a_target(command):
    done = command(b"/static/a\x1b[2Jb")
    assert b"\x1b" not in done.stdout


def test_it_leaves_the_tree_as_it_was(command, place):
    def look():
        return sorted((str(p), p.lstat().st_mtime_ns) for p in Path(place.home).rglob("*"))

    before = look()
    text_of(command("/static/css/site.css"))
    assert look() == before
