"""The host check: check.html in a real browser, and host-check in a shell, on real hosts.

Each red line is provoked by the fault that it speaks of.
"""

import json
import os
import pty
import pwd
import re
import shutil
import subprocess

import pytest

import shared_host
from browser import ARGUMENTS, Browser
from harness import ROOT, SERVER_USER, Apache, as_server
from host_check_hosts import (
    PROBE, SHARED, Front, Uploaded, ascii_mode, cgi_program,
    level_0_of_the_probe, put_into, read_page, take_level, verdict,
)

OWNER = tuple(pwd.getpwnam(SERVER_USER)[2:4])
PREPARE = '"$HANDBACK/handback" prepare'  # as the README calls it
MODULES = (
    "alias env headers rewrite setenvif mime dir filter deflate brotli expires cgid fcgid"
).split()


def of_another_processor(path):
    """Gives a program the head of one that was built for ARM."""
    data = bytearray(path.read_bytes())
    data[18:20] = b"\xb7\0"
    path.write_bytes(data)


@pytest.fixture(scope="module")
def browser():
    with pytest.MonkeyPatch.context() as patch:
        # One front has a certificate that it made itself.
        patch.setattr("browser.ARGUMENTS", [*ARGUMENTS, "--ignore-certificate-errors"])
        with Browser() as browser:
            yield browser


# ---- faults of the upload and of the host's settings, each a virtual host of one Apache ----


def mode(name, bits):
    return lambda host: (host.cgi_bin / name).chmod(bits)


def everything_in_ascii_mode(host):
    for path in [*host.check.glob("probe/bytes.*"), *host.cgi_bin.iterdir()]:
        ascii_mode(path)


def names_of_text_in_ascii_mode(host):
    """An FTP program that chooses by name takes .cgi for text, as it does .txt."""
    ascii_mode(host.check / "probe/bytes.txt")
    ascii_mode(host.cgi_bin / "handback.cgi")


def without(name):
    def remove(host):
        path = host.check / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return remove


def without_dot_files(host):
    for path in host.check.rglob(".htaccess"):
        path.unlink()


def truncated(host):
    path = host.cgi_bin / "handback.cgi"
    path.write_bytes(path.read_bytes()[:5000])


def truncated_without_sums(host):
    truncated(host)
    (host.check / "probe/SHA256SUMS").unlink()


def for_another_processor(host):
    of_another_processor(host.cgi_bin / "handback.cgi")
    (host.check / "probe/SHA256SUMS").unlink()


def is_missing(host):
    (host.cgi_bin / "handback.cgi").unlink()


def in_another_directory(host):
    """One that no rule of the probe files knows."""
    host.cgi_bin = host.cgi_bin.rename(host.home / "programs")
    (host.cgi_bin / PROBE).chmod(0o644)


def with_files_of_its_own(host):
    """A test prepares a site there."""


AS_TEXT = "Alias /cgi-bin/ CGI_BIN/"
RUNS = "<Directory CGI_BIN>\nOptions ExecCGI\nSetHandler cgi-script\n</Directory>"
NO_EXECCGI = AS_TEXT + "\n<Directory CGI_BIN>\nSetHandler cgi-script\n</Directory>"
CACHING = ("<LocationMatch '\\.(css|gz|br)$'>\nHeader set Cache-Control max-age=3600\n"
           "</LocationMatch>")
CACHING_ALL = "<Location />\nHeader always set Cache-Control max-age=3600\n</Location>"
NO_RULES = ("<Directory CGI_BIN>\n<RequireAll>\nRequire all granted\n"
            "Require not env REDIRECT_STATUS\n</RequireAll>\n</Directory>")

NO_FIELD = "<Location />\nHeader always unset X-Handback-Probe\n</Location>"
FORCETYPE = "None\nAllowOverrideList ForceType"

# name: (what the upload did, the host's settings, {red line: words of its mend}, level)
FAULTS = {
    "no-execute-bit": (
        mode(PROBE, 0o644), {}, {"cgi": "below", "exec": "755"}, "0"),
    "no-execute-bit-in-an-unknown-place": (
        in_another_directory, {}, {"cgi": "below", "exec": "755"}, "0"),
    "program-without-execute-bit": (
        mode("handback.cgi", 0o644), {}, {"program": "755"}, "0"),
    "ascii-mode": (
        everything_in_ascii_mode, {}, {"upload": "binary", "cgi": "The upload"}, "0"),
    "ascii-mode-by-name": (
        names_of_text_in_ascii_mode, {}, {"upload": "binary", "program": "binary"}, "0"),
    "truncated": (
        truncated, {}, {"program": "again"}, "0"),
    "truncated-without-a-list-of-sums": (
        truncated_without_sums, {}, {"program": "again"}, "0"),
    "no-program": (
        is_missing, {}, {"program": "upload"}, "0"),
    "no-probe-files": (
        without("probe"), {}, {"upload": "probe"}, "none"),
    "no-dot-files": (
        without_dot_files, {}, {"htaccess": "hidden files"}, "direct"),
    "others-may-write": (
        mode("", 0o757), {}, {"suexec": "755"}, "1"),
    "no-cgi-bin": (
        None, {"script_alias": None}, {"cgi": "make a directory cgi-bin"}, "0"),
    "no-execcgi": (
        None, {"script_alias": None, "text": NO_EXECCGI}, {"cgi": "Options +ExecCGI"}, "0"),
    "sent-as-text": (
        None, {"script_alias": None, "text": AS_TEXT}, {"cgi": "next", "text": "delete"}, "0"),
    "allowoverride-none": (
        with_files_of_its_own, {"override": "None"}, {"htaccess": "AllowOverride FileInfo"}, "direct"),
    "allowoverride-without-fileinfo": (
        None, {"override": "AuthConfig"}, {"htaccess": "AllowOverride FileInfo"}, "direct"),
    "allowoverridelist": (
        None, {"override": FORCETYPE}, dict.fromkeys(("rewrite", "headers", "mime"), "FileInfo"),
        "direct"),
    "fields-are-removed": (
        None, {"text": NO_FIELD}, {"headers": "ask the host why"}, "2"),
    "no-followsymlinks": (
        None, {"options": "None"}, {"rewrite": "SymLinksIfOwnerMatch"}, "direct"),
    "browser-caching-of-files": (
        None, {"text": CACHING}, {"level0": "browser caching"}, "2"),
    "browser-caching-of-programs": (
        None, {"text": CACHING_ALL}, {"level0": "host", "program": "browser caching"}, "none"),
    "no-rule-reaches-programs": (
        None, {"text": NO_RULES}, {"cgi-rewrite": "level 0"}, "0"),
}

UNTRIED = ("Done. No red line, but your own files were not tried: name one of your hashed files "
           'below, and press "Check again".')

# name: (settings, {line: its state, where good hosts differ}, words of the command)
GOOD = {
    "usual": ({}, {"options": "note", "expires": "note"},
              PREPARE + ' --htaccess 1 --cgi /cgi-bin/handback.cgi --beside "$CGI_BIN"'),
    "all": ({"override": "All"}, {"options": "ok", "expires": "ok"}, "--htaccess 1"),
    "elsewhere": ({"script_alias": "/cgi-local/"}, {}, "--cgi /cgi-local/handback.cgi"),
}


@pytest.fixture(scope="module")
def tree(work, project):
    """A small site: what collectstatic has made, without the admin."""
    root = work.fresh("tree") / "static"
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns("admin", "big.*"))
    paths = {name: hashed for name, hashed in project.manifest().items()
             if (root / hashed).is_file()}
    (root / "staticfiles.json").write_text(json.dumps({"paths": paths, "version": "1.0"}))
    return root, paths["css/site.css"]


@pytest.fixture(scope="module")
def unchanged(work):
    """An upload as it should be, for all hosts that only their settings tell apart."""
    host = Uploaded(work, "unchanged")
    host.give()
    return host


def host_of_its_own(work, name, change):
    host = Uploaded(work, name)
    change(host)
    host.give()
    return host


@pytest.fixture(scope="module")
def uploaded(work, unchanged):
    """All hosts of both tables in one Apache, and three whose cgi-bin lies elsewhere."""
    hosts = {"fault-" + name: row[:2] for name, row in FAULTS.items()}
    hosts.update({"good-" + name: (None, row[0]) for name, row in GOOD.items()})
    made, text = {}, ""
    for name, (change, settings) in hosts.items():
        made[name] = host_of_its_own(work, name, change) if change else unchanged.named(name)
        text += made[name].virtual_host(**settings)
    made["below"] = Uploaded(work, "below", "shop", "shop/cgi-bin")
    made["given"] = Uploaded(work, "given", "", "odd/programs")
    made["own"] = unchanged.named("own")
    for name in ("below", "given", "own"):
        made[name].give()
        text += made[name].virtual_host(RUNS, override="All", script_alias=None)
    with Apache(work, text, modules=MODULES) as apache:
        yield apache, made


def open_page(browser, uploaded, name, query=""):
    apache, hosts = uploaded
    return read_page(browser, apache.port, hosts[name].page + query, f"{name}.localhost")


def asked_hosts(browser):
    """Whom the page has asked, those that gave no answer among them."""
    urls = browser.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert len(urls) > 30
    return {re.split("[/:]+", url)[1] for url in urls if url.startswith("http")}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_red_with_its_mend_and_nothing_else_is(browser, uploaded, name):
    said = open_page(browser, uploaded, "fault-" + name)
    red, level = FAULTS[name][2:]
    assert said.red == set(red), {line: said.lines[line] for line in said.red}
    for line, words in red.items():
        assert said.lines[line]["word"] == "RED"
        assert said.lines[line]["mend"].startswith("Mend: ")
        assert words in said.lines[line]["mend"]
    assert said.level == level
    assert f"{len(red)} red line" in said.summary


@pytest.mark.parametrize("name", GOOD)
def test_a_good_host_gets_the_command_of_level_1(browser, uploaded, name):
    said = open_page(browser, uploaded, "good-" + name)
    _, states, command = GOOD[name]
    assert said.red == set()
    assert said.level == "1"
    assert command in said.command
    for line, state in states.items():
        assert said.lines[line]["state"] == state, said.lines[line]
    assert said.summary == UNTRIED
    # What is left depends on the host's settings, or needs a file of the site.
    neither = said.of("note") | said.of("none")
    assert neither <= {"options", "expires", "protocol", "program", "length", "links", "closed",
                       "hashed", "original", "missing"}


def test_a_cgi_bin_below_the_site_is_found(browser, uploaded):
    said = open_page(browser, uploaded, "below")
    assert said.red == set()
    assert " --cgi /shop/cgi-bin/handback.cgi " in said.command


def test_a_cgi_bin_of_an_unusual_name_can_be_given(browser, uploaded):
    said = open_page(browser, uploaded, "given", "?cgi=/odd/programs")
    assert said.red == set()
    assert " --cgi /odd/programs/handback.cgi " in said.command


def test_a_cgi_bin_that_is_given_must_be_of_this_site(browser, uploaded):
    for foreign in ("//elsewhere.example/cgi-bin/", "https://elsewhere.example/"):
        said = open_page(browser, uploaded, "good-usual", "?cgi=" + foreign)
        assert said.red == set()
        assert asked_hosts(browser) == {"good-usual.localhost"}


def test_programs_that_run_only_where_htaccess_allows_them_are_found(browser, uploaded):
    said = open_page(browser, uploaded, "own")
    assert said.red == {"program"}
    assert "/handback-check/probe/cgi/" in said.lines["cgi"]["said"]


def test_after_a_mend_the_button_checks_again(browser, uploaded):
    _, hosts = uploaded
    program = hosts["good-all"].cgi_bin / PROBE
    program.chmod(0o644)
    try:
        assert open_page(browser, uploaded, "good-all").red == {"cgi", "exec"}
    finally:
        program.chmod(0o755)
    browser.run("document.querySelector('button').click()")
    assert verdict(browser).red == set()


def test_the_page_asks_nobody_else_and_tells_to_delete_it(browser, uploaded):
    said = open_page(browser, uploaded, "good-usual")
    assert asked_hosts(browser) == {"good-usual.localhost"}
    top = said.text[:said.text.index("Result")]
    assert "Delete this page" in top and "handback-check" in top and PROBE in top


def test_every_state_is_a_word_and_every_field_has_a_label(browser, uploaded):
    said = open_page(browser, uploaded, "fault-no-cgi-bin")
    words = {"ok": "ok", "red": "RED", "note": "note", "none": "–"}
    assert all(line["word"] == words[line["state"]] for line in said.lines.values())
    assert browser.run("return [...document.querySelectorAll('input')].every(i => i.labels.length)")
    assert browser.run("return document.getElementById('summary').getAttribute('role')") == "status"
    assert browser.run("return document.documentElement.lang") == "en"


def test_a_host_that_names_another_charset_does_not_spoil_the_words(browser, work, unchanged):
    text = unchanged.virtual_host("AddDefaultCharset iso-8859-1")
    with Apache(work, text, modules=MODULES) as apache:
        answer = apache.ask(unchanged.page, "unchanged.localhost")
        said = read_page(browser, apache.port, unchanged.page, "unchanged.localhost")
    assert "iso-8859-1" in answer["Content-Type"]
    assert said.lines["hashed"]["word"] == "–"


def test_neither_page_nor_probe_tells_a_path_or_the_environment(browser, uploaded, work):
    apache, hosts = uploaded
    said = open_page(browser, uploaded, "good-usual")
    assert work.path.name not in said.text
    answer = apache.ask(f"/cgi-bin/{PROBE}?report", "good-usual.localhost",
                        headers={"X-Secret": "4711", "Cookie": "4711"})
    names = [line.split(":")[0] for line in answer.body.decode().splitlines()]
    assert names == ["handback-probe 1", "request-uri", "accept-encoding", "if-none-match",
                     "range", "server", "runs-as", "machine", "kernel", "proc",
                     "directory-mode", "program", "program-sum", "program-answer"]
    assert b"/" not in answer.body and b"4711" not in answer.body


# ---- modules that are not there, an old kernel ----


@pytest.mark.parametrize("module, override, level", [
    ("headers", "FileInfo", "2"), ("headers", "FileInfo Options", "3"),
    ("mime", "FileInfo", "2"), ("rewrite", "FileInfo Options", "direct"),
])
def test_a_module_that_is_missing_is_red(browser, work, unchanged, module, override, level):
    modules = [each for each in MODULES if each != module]
    text = unchanged.virtual_host(override=override)
    with Apache(work, text, modules=modules) as apache:
        said = read_page(browser, apache.port, unchanged.page, "unchanged.localhost")
    assert said.red == {module}
    assert f"switch on mod_{module}" in said.lines[module]["mend"]
    assert said.level == level
    assert said.command.startswith("HANDBACK_DELIVERY=body ") == (level == "2")
    program = "handback.fcgi" if level == "3" else "handback.cgi"
    assert f"/cgi-bin/{program}" in said.command


def start_within(apache, *command):
    """Starts Apache by a command that changes what its processes see of the machine."""
    arguments = [*command, "apache2", "-d", apache.home, "-f", apache.configuration, "-k", "start"]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
    apache._control = lambda *_: subprocess.run(
        arguments, capture_output=True, text=True, env=environment, timeout=30)
    return apache


def test_on_an_old_machine_of_32_bits_the_program_is_red_and_the_kernel_a_note(browser, work):
    host = host_of_its_own(work, "old", for_another_processor)
    apache = Apache(work, host.virtual_host(), modules=MODULES)
    with start_within(apache, "setarch", "i686", "--uname-2.6"):
        said = read_page(browser, apache.port, host.page, "old.localhost")
    assert said.red == {"program"}
    assert "build Handback for i686" in said.lines["program"]["mend"]
    assert said.lines["kernel"]["state"] == "note"


@pytest.mark.needs_root("mounts")
def test_a_machine_without_proc_is_red(browser, work, unchanged):
    apache = Apache(work, unchanged.virtual_host(), modules=MODULES)
    hidden = 'mount -t tmpfs tmpfs /proc && exec "$@"'
    with start_within(apache, "unshare", "-m", "sh", "-c", hidden, "sh"):
        said = read_page(browser, apache.port, unchanged.page, "unchanged.localhost")
    assert said.red == {"kernel"}
    assert "level 0" in said.lines["kernel"]["mend"]
    assert said.level == "0"


# ---- a server in front ----

BY_ITSELF = "location ~* \\.(css|js|png|txt)$ { try_files $uri %s; }"


@pytest.fixture(scope="module")
def behind(work, unchanged):
    (unchanged.documents / "sorry.html").write_text("We are sorry.")
    with Apache(work, unchanged.virtual_host(), modules=MODULES) as apache:
        yield apache, unchanged


FRONTS = {
    "that only passes on": ({}, {}, {}, "1"),
    "that answers for files": ({"server": BY_ITSELF % "@apache"},
                               {"front": "Smart static files"}, {}, "direct"),
    "that answers for names": ({"server": BY_ITSELF % "=404"},
                               {"front": "Smart static files"}, {}, "none"),
    "that compresses": ({"http": "gzip on; gzip_types *; gzip_proxied any;"},
                        {"compression": "panel"}, {}, "1"),
    "that removes the coding": ({"server": "proxy_hide_header Content-Encoding;"},
                                {"coding": "host", "level0": "host", "coded": "host"}, {}, "none"),
    "that removes what browsers accept": ({"proxy": 'proxy_set_header Accept-Encoding "";'},
                                          {"level0": "host"}, {"request": "Accept-Encoding"}, "2"),
    "that removes ranges": ({"proxy": 'proxy_set_header Range "";', "server": "max_ranges 0;"},
                            {}, {"request": "Range", "ranges": "200"}, "1"),
    "that caches": ({"server": "add_header X-Cache MISS;"}, {}, {"cache": "X-Cache"}, "1"),
    "that shows error pages of its own": (
        {"http": "proxy_intercept_errors on; error_page 404 503 /sorry.html;"}, {},
        {"program": "error page"}, "1"),
    "that is LiteSpeed by its name": ({"server": "add_header Server LiteSpeed;"},
                                      {}, {"server": "not verified"}, "1"),
}


@pytest.mark.parametrize("name", FRONTS)
def test_a_server_in_front(browser, work, behind, name):
    lines, red, notes, level = FRONTS[name]
    with Front(work, *behind, **lines) as front:
        said = read_page(browser, front.port, behind[1].page)
    assert said.red == set(red), {line: said.lines[line] for line in said.red}
    for line, words in red.items():
        assert words in said.lines[line]["mend"]
    for line, words in notes.items():
        assert said.lines[line]["state"] == "note", said.lines[line]
        assert words in said.lines[line]["said"]
    assert said.level == level


def test_http_2_is_seen(browser, work, behind):
    folder = work.fresh("certificate")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
            "-keyout", folder / "key", "-out", folder / "certificate"]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "key").chmod(0o644)
    lines = f"ssl_certificate {folder}/certificate; ssl_certificate_key {folder}/key;"
    with Front(work, *behind, server=lines, listen="ssl http2") as front:
        browser.open(f"https://localhost:{front.port}{behind[1].page}")
        said = verdict(browser)
    assert said.red == set()
    assert said.lines["protocol"]["state"] == "ok"
    assert "(h2)" in said.lines["protocol"]["said"]


# ---- whole hosts ----


@pytest.mark.needs_root("suEXEC and the owner's own files")
@pytest.mark.parametrize("kind, level", [
    ("suexec", 1), ("passenger", 1), ("brotli", 0), ("alias", 2), ("subdirectory", 1),
])
def test_on_a_host_of_each_kind_a_site_is_served_without_a_red_line(
        browser, work, tree, kind, level):
    with shared_host.Host(work, kind, tree[0]) as host:
        page = put_into(host)
        take_level(host, level)
        file = host.url + tree[1]
        said = read_page(browser, host.apache.port, f"{page}?file={file}")
    assert said.red == set(), {line: said.lines[line] for line in said.red}
    assert said.command == f'{PREPARE} --htaccess 1 --cgi {host.cgi_url} --beside "$CGI_BIN"'
    assert {"closed", "hashed", "original", "missing", "program", "cgi-rewrite"} <= said.of("ok")
    assert said.summary == "Done. No red line."
    assert re.search("sent (br|gzip)", said.lines["hashed"]["said"])
    by = "level 0" if level == 0 else "level 1 or more"
    assert by in said.lines["original"]["said"]
    assert ("(br)" in said.lines["compression"]["said"]) == (kind == "brotli")
    assert ("leaves rules" in said.lines["passenger"]["said"]) == (kind == "passenger")
    assert ("run as you" in said.lines["suexec"]["said"]) == (kind == "suexec")


def as_printed(host, command):
    """Runs a command of the page in a shell that has the README's variables."""
    host.run("sh", "-ec", command, HANDBACK=os.path.dirname(host.work.program),
             CGI_BIN=str(host.cgi_bin), STATIC_ROOT=str(host.root), STATIC_URL=host.url)


@pytest.mark.needs_root("files that are not the server's")
@pytest.mark.parametrize("extra, without", [(CACHING, []), ("", ["headers"])],
                         ids=["browser-caching", "no-mod_headers"])
def test_level_2_as_the_page_says_it_serves_where_level_1_cannot(
        browser, work, tree, extra, without):
    with shared_host.Host(work, "plain", tree[0], extra=extra, without=without) as host:
        page = put_into(host) + "?file=" + host.url + tree[1]
        as_printed(host, read_page(browser, host.apache.port, page).command)
        said = read_page(browser, host.apache.port, page)
    assert said.red == ({"headers"} if without else {"level0"})
    assert {"hashed", "original", "missing", "closed"} <= said.of("ok")


def test_the_probe_of_level_0_is_what_prepare_writes(work):
    """If not: `python3 tests/apache/host_check_hosts.py` renews it."""
    assert (SHARED / "probe/level0/.htaccess").read_text() == level_0_of_the_probe(work)


@pytest.mark.needs_root("files that are not the server's")
def test_a_file_that_was_uploaded_in_ascii_mode_disagrees_with_its_name(browser, work, tree):
    with shared_host.Host(work, "plain", tree[0]) as host:
        page = put_into(host)
        name = tree[1]
        ascii_mode(host.root / name)
        said = read_page(browser, host.apache.port, f"{page}?file={host.url}{name}")
    assert "do not agree with the hash" in said.lines["hashed"]["said"]
    assert "binary" in said.lines["hashed"]["mend"]


def test_without_htaccess_the_program_can_be_the_address_of_the_files(
        browser, uploaded, work, tree):
    """What the page says is left where .htaccess is ignored, done as it says."""
    host = uploaded[1]["fault-allowoverride-none"]
    root = host.home / "static"
    shutil.copytree(tree[0], root)
    url = "/cgi-bin/handback.cgi/"
    subprocess.run(
        [work.program, "prepare", "--beside", "cgi-bin"], cwd=host.home, check=True,
        capture_output=True, env={"STATIC_ROOT": str(root), "STATIC_URL": url})
    host.give()
    file = url + tree[1]
    said = open_page(browser, uploaded, "fault-allowoverride-none", "?file=" + file)
    assert said.red == {"htaccess"}
    assert said.command == f'STATIC_URL={url} {PREPARE} --beside "$CGI_BIN"'
    assert {"hashed", "original", "missing", "closed"} <= said.of("ok")


@pytest.mark.needs_root("files that are not the server's")
def test_a_site_without_a_level_is_red_where_it_promises_nothing(browser, work, tree):
    with shared_host.Host(work, "plain", tree[0]) as host:
        page = put_into(host)
        file = host.url + tree[1]
        said = read_page(browser, host.apache.port, f"{page}?file={file}")
    assert said.red == {"closed", "hashed", "original"}
    assert "no .htaccess of Handback" in said.lines["original"]["said"]
    assert "do not agree" not in said.lines["hashed"]["said"]
    assert "staticfiles.json" in said.lines["closed"]["said"]
    assert "ETag" in said.lines["hashed"]["said"]
    assert "prepare --htaccess" in said.lines["hashed"]["mend"]


def cut_off(host):
    path = host.cgi_bin / "handback.cgi"
    path.write_bytes(path.read_bytes()[:5000])


# fault: (what makes it, the status, other red lines, what "Its original name" says and its mend)
SITE_FAULTS = {
    "no catalog": (
        lambda host: (host.cgi_bin / "handback.catalog").unlink(), 503, set(),
        "handback.cgi runs, but has no catalog.",
        "prepare with --beside CGI_BIN, and upload handback.catalog with it."),
    "a file that is not there": (
        lambda host: [path.unlink() for path in host.root.rglob("css/site.*")], 503, {"hashed"},
        "the file is not on the host", "upload all of STATIC_ROOT"),
    "a wrong address of the program": (
        lambda host: host.prepare("--htaccess", "1", "--cgi", "/cgi-bin/program.cgi"), 404, set(),
        ".htaccess leads to a program that is not there.",
        "prepare with --cgi /cgi-bin/handback.cgi."),
    "another URL": (
        lambda host: host.run(
            host.work.program, "prepare", "--htaccess", "1", "--beside", host.cgi_bin,
            STATIC_ROOT=str(host.root), STATIC_URL="/assets/"), 404, set(),
        "handback.cgi does not know this name.",
        "prepare with STATIC_URL=/static/, as Django has it."),
    "a program that was cut off": (
        cut_off, 500, {"program"},
        "handback.cgi does not run.", 'see the red lines of "Programs".'),
    "a program without its execute bit": (
        lambda host: (host.cgi_bin / "handback.cgi").chmod(0o644), 500, {"program"},
        "handback.cgi does not run.", 'see the red lines of "Programs".'),
    "a closed directory": (
        lambda host: host.root.chmod(0o700), 403, {"hashed"},
        "the web server may not read static/.",
        "mode 755 for directories, 644 for files."),
    "a program that the host refuses": (
        lambda host: host.upload(
            host.cgi_bin / ".htaccess", "RedirectMatch 403 handback\\.cgi$\n"), 403, {"program"},
        "handback.cgi does not run.", 'see the red lines of "Programs".'),
    "a file that is not there at level 0": (
        lambda host: (take_level(host, 0), (host.root / "css/site.css").unlink()), 404, set(),
        "the file is not on the host.", "upload all of STATIC_ROOT."),
    "a line of .htaccess that is an error": (
        lambda host: host.upload(".htaccess", "Options Nonsense\n"), 500, {"hashed"},
        "the host forbids lines of .htaccess.", "AllowOverride FileInfo"),
}


@pytest.mark.needs_root("files that are not the server's")
@pytest.mark.parametrize("fault", SITE_FAULTS)
def test_the_status_of_an_original_name_says_what_mends_it(browser, work, tree, fault):
    spoil, status, others, why, mend = SITE_FAULTS[fault]
    with shared_host.Host(work, "plain", tree[0]) as host:
        page = put_into(host)
        take_level(host, 1)
        spoil(host)
        said = read_page(browser, host.apache.port, f"{page}?file={host.url}{tree[1]}")
    line = said.lines["original"]
    assert said.red == {"original", *others}, {each: said.lines[each] for each in said.red}
    assert f"status {status}," in line["said"] and why in line["said"]
    assert mend in line["mend"] and "Mend" not in line["said"]
    assert said.lines["missing"]["state"] == "none"
    assert said.lines["missing"]["said"] == "not tried: the line above is red."
    if "hashed" in others:
        assert why in said.lines["hashed"]["said"] and mend in said.lines["hashed"]["mend"]


@pytest.mark.needs_root("files that are not the server's")
def test_a_404_that_may_be_kept_is_red(browser, work, tree):
    lines = 'Header %s unset Cache-Control "expr=%%{THE_REQUEST} =~ /0{12}/"\n'
    extra = lines % "always" + lines % "onsuccess"
    with shared_host.Host(work, "plain", tree[0], extra=extra) as host:
        page = put_into(host)
        take_level(host, 1)
        said = read_page(browser, host.apache.port, f"{page}?file={host.url}{tree[1]}")
    assert said.red == {"missing"}
    assert said.lines["missing"]["said"] == "status 404, Cache-Control: none."


@pytest.mark.needs_root("files that are not the server's")
def test_a_rule_that_answers_for_every_name_is_red(browser, work, tree):
    with shared_host.Host(work, "plain", tree[0]) as host:
        page = put_into(host)
        take_level(host, 1)
        rule = "RewriteEngine On\nRewriteRule 000000000000 /index.html [END]\n"
        host.upload(".htaccess", rule + (host.root / ".htaccess").read_text())
        file = host.url + tree[1]
        said = read_page(browser, host.apache.port, f"{page}?file={file}")
    assert said.red == {"missing"}


@pytest.mark.needs_root("Passenger")
def test_a_passenger_that_asks_no_rule_is_red(browser, work):
    with shared_host.Host(work, "passenger", None, extra="PassengerHighPerformance on\n") as host:
        said = read_page(browser, host.apache.port, put_into(host))
    assert said.red == {"rewrite", "passenger"}
    assert "PassengerHighPerformance off" in said.lines["passenger"]["mend"]
    assert said.level == "direct"


# ---- real suEXEC ----


@pytest.fixture(scope="module")
def suexec(work):
    with shared_host.Host(work, "suexec", None) as host:
        host.page = put_into(host)
        yield host


SUEXEC_FAULTS = {
    "a directory that the group may write to": (
        lambda host: host.cgi_bin.chmod(0o775), {"cgi", "suexec"}),
    "a program that the group may write to": (
        lambda host: (host.cgi_bin / PROBE).chmod(0o775), {"cgi", "suexec"}),
    "a program of another owner": (
        lambda host: os.chown(host.cgi_bin / PROBE, 0, 0), {"cgi", "suexec"}),
    "a handback.cgi that the group may write to": (
        lambda host: (host.cgi_bin / "handback.cgi").chmod(0o775), {"program", "suexec"}),
    "a handback.cgi of another owner": (
        lambda host: os.chown(host.cgi_bin / "handback.cgi", 0, 0), {"program"}),
}


@pytest.mark.needs_root("suEXEC")
@pytest.mark.parametrize("fault", SUEXEC_FAULTS)
def test_suexec_refuses_and_the_page_says_why(browser, suexec, fault):
    spoil, red = SUEXEC_FAULTS[fault]
    try:
        spoil(suexec)
        said = read_page(browser, suexec.apache.port, suexec.page)
    finally:
        for path in (suexec.cgi_bin, suexec.cgi_bin / PROBE, suexec.cgi_bin / "handback.cgi"):
            path.chmod(0o755)
            suexec.give(path)
    assert said.red == red, {line: said.lines[line] for line in said.red}
    assert all("755" in said.lines[line]["mend"] for line in red - {"cgi"})
    assert said.level == "0"
    assert said.lines["exec"]["state"] == "ok"


# ---- host-check in a shell ----


@pytest.fixture(scope="module")
def unpacked(work):
    """The files of the archive, where the server's user can read them."""
    folder = work.fresh("archive")
    shutil.copytree(SHARED, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def account(work, unpacked):
    """A site and the unpacked archive of somebody who has a shell."""
    home = work.fresh("account")
    site = home / "public_html"
    (site / "static/css").mkdir(parents=True)
    (site / "static/css/base.0123456789ab.css").write_text("p { margin: 0 }\n")
    (home / "cgi-bin").mkdir()
    (home / "archive").mkdir()
    shutil.copy(unpacked / "host-check", home / "archive")
    for name in ("check.html", "probe"):
        (home / "archive" / name).symlink_to(unpacked / name)
    program = home / "cgi-bin/handback.cgi"
    shutil.copyfile(cgi_program(work), program)
    program.chmod(0o755)
    digest = subprocess.run(["sha256sum", "handback.cgi"], cwd=program.parent, capture_output=True)
    (home / "archive/SHA256SUMS").write_bytes(digest.stdout)
    for path in [home, *home.rglob("*")]:
        if ROOT:
            os.chown(path, *OWNER, follow_symlinks=False)
    return home


def host_check(home, *arguments, before=(), **more):
    """Runs it in the account's home; its output as (state, text, mend) by line."""
    options = {"cwd": home, "env": {"PATH": "/usr/bin:/bin", "HOME": str(home)}, **more}
    if not before:
        options = {**as_server(), **options}
    done = subprocess.run(
        [*before, home / "archive/host-check", *arguments], capture_output=True, text=True,
        timeout=30, **options)
    assert "\033" not in done.stdout
    return done


def red_lines(done):
    """Each red line with its mend."""
    lines = done.stdout.split("\n")
    for line, mend in zip(lines, lines[1:]):
        if line.startswith("RED "):
            assert mend.startswith("      mend: "), done.stdout
            yield f"{line} {mend}"


def everything_below(home):
    return sorted(str(path) for path in home.rglob("*"))


def test_host_check_finds_nothing_red_on_a_good_host_and_removes_what_it_made(account):
    before = everything_below(account)
    done = host_check(account)
    assert done.returncode == 0, done
    assert done.stderr == "" and "RED" not in done.stdout
    assert "serves a file" not in done.stdout  # nothing was prepared
    assert re.search("^note  .*handback.cgi runs here; it has no catalog yet", done.stdout, re.M)
    assert re.search(r"^ok    .*handback.cgi has arrived as it was$", done.stdout, re.M)
    assert (account / f"cgi-bin/{PROBE}").stat().st_mode & 0o777 == 0o755
    assert (account / "public_html/handback-check/check.html").is_file()
    again = host_check(account, "public_html", "cgi-bin")
    assert again.returncode == 0
    assert "host-check --remove public_html cgi-bin" in again.stdout
    assert host_check(account, "--remove").returncode == 0
    assert everything_below(account) == before


def test_the_page_of_host_check_tries_links_and_a_hashed_file_by_itself(browser, work, account):
    assert host_check(account).returncode == 0
    host = Uploaded(work, "shell")
    host.documents, host.cgi_bin = account / "public_html", account / "cgi-bin"
    with Apache(work, host.virtual_host(), modules=MODULES) as apache:
        said = read_page(browser, apache.port, "/handback-check/check.html", "shell.localhost")
    assert said.lines["links"]["state"] == "ok"
    assert said.red == {"hashed", "original"}  # no level was taken yet
    assert said.lines["closed"]["state"] == "ok"


@pytest.mark.needs_root("to give a link away")
def test_a_host_that_follows_only_links_of_the_owner_is_noted(browser, work, account):
    assert host_check(account).returncode == 0
    os.chown(account / "public_html/handback-check/probe/link/bytes.bin", 0, 0,
             follow_symlinks=False)
    host = Uploaded(work, "shell")
    host.documents, host.cgi_bin = account / "public_html", account / "cgi-bin"
    text = host.virtual_host(options="SymLinksIfOwnerMatch")
    with Apache(work, text, modules=MODULES) as apache:
        said = read_page(browser, apache.port, "/handback-check/check.html", "shell.localhost")
    assert said.lines["links"]["state"] == "note"
    assert "not followed (403)" in said.lines["links"]["said"]


def in_ascii_mode(home):
    ascii_mode(home / "cgi-bin/handback.cgi")


def without_sums_for_another_processor(home):
    of_another_processor(home / "cgi-bin/handback.cgi")
    (home / "archive/SHA256SUMS").unlink()


def as_a_link(home):
    path = home / "cgi-bin/handback.cgi"
    path.rename(home / "handback.cgi")
    path.symlink_to("../handback.cgi")


def cut(home):
    path = home / "cgi-bin/handback.cgi"
    path.write_bytes(path.read_bytes()[:3000])


def cut_and_no_list(home):
    cut(home)
    (home / "archive/SHA256SUMS").unlink()


def chmod(name, bits):
    return lambda home: (home / name).chmod(bits)


def somebody_elses_page(home):
    (home / "public_html/handback-check").mkdir()
    (home / "public_html/handback-check/index.html").write_text("mine")


def somebody_elses_probe(home):
    (home / f"cgi-bin/{PROBE}").write_text("#!/bin/sh\necho mine\n")


SEEN_IN_A_SHELL = {
    "no execute bit": (chmod("cgi-bin/handback.cgi", 0o644), ["no execute bit .*chmod 755"]),
    "a program that others may write to": (
        chmod("cgi-bin/handback.cgi", 0o775), ["suEXEC .*chmod 755 .*/handback.cgi"]),
    "a directory that others may write to": (
        chmod("cgi-bin", 0o757), ["suEXEC .*chmod 755 .*/cgi-bin"]),
    "a site that everybody may write to": (
        chmod("public_html/static", 0o777), ["everybody .*chmod -R o-w"]),
    "ascii mode": (in_ascii_mode, ["ASCII mode .*binary"]),
    "a program that was cut": (cut, ["not the file of the archive .*again"]),
    "a program that was cut, and no list": (cut_and_no_list, ["does not serve .*again"]),
    "another processor": (without_sums_for_another_processor, ["no program for this machine .*build"]),
    "a link": (as_a_link, ["symbolic link.*copy"]),
    "no program": (lambda home: (home / "cgi-bin/handback.cgi").unlink(),
                   ["there is no handback.cgi .*upload"]),
    "no cgi-bin": (lambda home: shutil.rmtree(home / "cgi-bin"), ["no cgi-bin .*second argument"]),
    "a site that cannot be written to": (
        chmod("public_html", 0o555), ["nothing can be written to .*/public_html .*as the owner"]),
    "a cgi-bin that cannot be written to": (
        chmod("cgi-bin", 0o555), ["nothing can be written to .*/cgi-bin .*as the owner"]),
    "a directory of that name": (somebody_elses_page, ["not of host-check .*rename"]),
    "a program of that name": (somebody_elses_probe, ["not of host-check .*rename"]),
}


@pytest.mark.parametrize("fault", SEEN_IN_A_SHELL)
def test_host_check_shows_a_fault_with_its_mend(account, fault):
    spoil, expected = SEEN_IN_A_SHELL[fault]
    spoil(account)
    mine = {path: path.read_bytes() for path in account.glob("*/handback-*") if path.is_file()}
    done = host_check(account)
    found = list(red_lines(done))
    assert done.returncode == 1, done
    assert len(found) == len(expected), done.stdout
    assert all(re.search(words, line) for words, line in zip(expected, found)), found
    assert all(path.read_bytes() == data for path, data in mine.items())


@pytest.mark.needs_root("to give a file away")
def test_host_check_shows_a_program_of_another_owner(account):
    os.chown(account / "cgi-bin/handback.cgi", 0, 0)
    found = list(red_lines(host_check(account)))
    assert len(found) == 1
    assert re.search("belongs to user 0, .*account of the site", found[0])


@pytest.mark.needs_root("mounts")
@pytest.mark.parametrize("mount, expected", [
    ("mount -t tmpfs -o noexec tmpfs {home}/cgi-bin &&"
     " cp -p {home}/handback.cgi {home}/cgi-bin && chmod 755 {home}/cgi-bin", ["noexec"]),
    ("mount --bind -o noexec {home}/public_html {home}/public_html &&"
     " mount -o remount,bind,noexec {home}/public_html", ["may not be run .*noexec"]),
    ("mount -t tmpfs tmpfs /proc", ["/proc is not there"]),
])
def test_host_check_shows_what_the_machine_does_not_allow(account, mount, expected):
    shutil.copy2(account / "cgi-bin/handback.cgi", account)
    script = mount.format(home=account) + ' && exec "$@"'
    done = host_check(account, before=["unshare", "-m", "sh", "-c", script, "sh"])
    found = list(red_lines(done))
    assert done.returncode == 1, done
    assert any(re.search(expected[0], line) for line in found), done.stdout


def test_host_check_of_a_machine_without_openat2_notes_it(account):
    done = host_check(account, before=["setarch", "x86_64", "--uname-2.6"])
    assert done.returncode == 0
    assert re.search(r"^note  Linux 2\.6 is older than openat2", done.stdout, re.M)


def test_host_check_notes_what_may_be_meant_so(account):
    site = account / "public_html"
    (site / "static/linked.css").symlink_to("/etc/hostname")
    (site / "static/closed.css").write_text("")
    (site / "static/closed.css").chmod(0o640)
    (account / "archive/SHA256SUMS").unlink()
    site.chmod(0o750)
    if ROOT:
        shutil.chown(site / "static/closed.css", SERVER_USER)
    done = host_check(account)
    notes = re.findall("^note  (.*)$", done.stdout, re.M)
    assert done.returncode == 0
    assert len(notes) == 5, done.stdout
    assert "may not enter" in notes[0] and "may not read 1 files" in notes[1]
    assert notes[2].startswith("1 symbolic links lead out") and "SHA256SUMS" in notes[3]


# ---- its catalog, as host-check sees it ----


def prepare_in(account, work, *options):
    root = account / "public_html/static"
    subprocess.run(
        [work.program, "prepare", *options], cwd=account, check=True, capture_output=True,
        timeout=30, env={"STATIC_ROOT": str(root), "STATIC_URL": "/static/"}, **as_server())
    return root


def copy_of_the_state(root, catalog):
    catalog.unlink()
    shutil.copy(root / ".handback/catalog", catalog)


def cut_catalog(_, catalog):
    catalog.write_bytes(catalog.read_bytes()[:100])


LEVEL_2 = ["--htaccess", "2", "--cgi", "/programs/handback.cgi", "--beside", "cgi-bin"]
WITH = " --beside .*/cgi-bin$"

# fault: (arguments of prepare, what happened then, the red line and its mend)
CATALOG_FAULTS = {
    "it was not uploaded": (
        LEVEL_2, lambda _, catalog: catalog.unlink(),
        "there is no handback.catalog .* 503 .*--htaccess 2 --cgi /programs/handback.cgi" + WITH),
    "prepared without --beside": (
        ["--htaccess", "1"], None,
        "there is no handback.catalog .*--htaccess 1 --cgi /cgi-bin/handback.cgi" + WITH),
    "prepared without .htaccess": (
        [], None,
        "there is no handback.catalog .*--htaccess 1 --cgi /cgi-bin/handback.cgi" + WITH),
    "a copy of the state directory's": (
        LEVEL_2, copy_of_the_state, r"was copied by hand \(HB0039\) .*--htaccess 2 .*" + WITH),
    "cut off": (LEVEL_2, cut_catalog, r"cannot use its handback.catalog \(HB\d{4}\) .*" + WITH),
}


@pytest.mark.parametrize("fault", CATALOG_FAULTS)
def test_host_check_shows_a_program_without_a_catalog_of_its_own(account, work, fault):
    options, spoil, expected = CATALOG_FAULTS[fault]
    root = prepare_in(account, work, *options)
    if spoil:
        spoil(root, account / "cgi-bin/handback.catalog")
    # What the README has a shell export is not there when the web server starts the program.
    done = host_check(account, env={
        "PATH": "/usr/bin:/bin", "HOME": str(account), "STATIC_ROOT": str(root),
        "STATIC_URL": "/static/"})
    found = list(red_lines(done))
    assert len(found) == 1, done.stdout
    assert re.search(expected, found[0]), found
    assert "serves a file" not in done.stdout


def test_host_check_is_content_with_a_catalog_that_prepare_has_put_there(account, work):
    prepare_in(account, work, *LEVEL_2)
    done = host_check(account)
    assert done.returncode == 0, done.stdout
    assert re.search("^ok    .*handback.cgi runs here and serves a file$", done.stdout, re.M)


@pytest.mark.parametrize("level", [0, 3])
def test_host_check_asks_for_no_catalog_where_the_level_needs_none(account, work, level):
    prepare_in(account, work, "--htaccess", str(level))
    done = host_check(account)
    assert done.returncode == 0, done.stdout
    assert re.search("^ok    .*handback.cgi runs here; level %d asks it" % level, done.stdout, re.M)


@pytest.mark.parametrize("closed, rest", [
    (["static"], ""), (["static/admin"], ""), (["static/.handback/pool"], ""),
    (["static/.handback/pool", "static/css", "static/admin"], r" \(and 2 more\)"),
])
def test_host_check_shows_directories_that_the_server_may_not_enter(account, work, closed, rest):
    root = prepare_in(account, work, *LEVEL_2)
    for name in ("static/admin", ".private"):
        (account / "public_html" / name).mkdir()
        os.chown(account / "public_html" / name, *(OWNER if ROOT else (-1, -1)))
    for name in [*closed, ".private"]:
        (root.parent / name).chmod(0o700)
    done = host_check(account)
    found = list(red_lines(done))
    assert len(found) == 1, done.stdout
    name = re.escape(f"/public_html/{closed[0]}")
    mend = f"mend: chmod 755 .*{name}, unless it is meant to be private$"
    assert re.search(f"cannot enter .*{name}{rest} +{mend}", found[0]), found


def test_host_check_lets_the_servers_group_enter_where_the_site_is_closed_to_others(account):
    site = account / "public_html"
    for path in (site, site / "static", site / "static/css"):
        path.chmod(0o750)
    assert host_check(account).returncode == 0
    (site / "static").chmod(0o700)
    assert "cannot enter" in host_check(account).stdout


@pytest.mark.parametrize("arguments, said", [
    (["--nonsense"], "--nonsense is no option"), (["a", "b", "c"], "too many arguments"),
    (["nowhere"], "nowhere is no directory"),
    (["public_html", "nowhere"], "nowhere is no directory"),
])
def test_host_check_refuses_what_it_does_not_understand(account, arguments, said):
    done = host_check(account, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"host-check: {said}, see --help\n"


def test_host_check_removes_nothing_that_is_not_its_own(account):
    somebody_elses_page(account)
    somebody_elses_probe(account)
    before = everything_below(account)
    assert host_check(account, "--remove").returncode == 2
    (account / "public_html/handback-check/index.html").unlink()
    (account / "public_html/handback-check").rmdir()
    assert host_check(account, "--remove").returncode == 0
    assert (account / f"cgi-bin/{PROBE}").read_text() == "#!/bin/sh\necho mine\n"
    assert len(everything_below(account)) == len(before) - 2


def test_the_help_of_host_check_fits_a_terminal(account):
    done = host_check(account, "--help")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert len(lines) <= 24 and max(map(len, lines)) <= 80
    assert not (account / "public_html/handback-check").exists()


@pytest.mark.parametrize("environment, coloured", [({}, True), ({"NO_COLOR": "1"}, False)])
def test_host_check_colours_its_words_on_a_terminal_alone(account, environment, coloured):
    ours, its = pty.openpty()
    subprocess.run(
        [account / "archive/host-check"], cwd=account, stdout=its, check=True, timeout=30,
        env={"PATH": "/usr/bin:/bin", "HOME": str(account), **environment}, **as_server())
    os.close(its)
    said = os.read(ours, 65536)
    os.close(ours)
    assert (b"\033[32mok\033[0m " in said) == coloured
    assert b"ok" in said
