"""What all tests share: the workplace, one collected project, and one Apache with every way in."""

import os
import resource
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import client  # noqa: E402
import harness  # noqa: E402
from django_site import Project  # noqa: E402
from harness import (  # noqa: E402
    CHECKED, DELIVERIES, FRONTS, STATIC, Apache, Serve, Way, Workplace)

WAYS = [(front, delivery) for front in FRONTS for delivery in DELIVERIES]
# Where a request costs little more than the start of a program under sanitizers.
ALL_WAYS = [*WAYS, (CHECKED, "body")]


def pytest_configure(config):
    config.addinivalue_line("markers", "needs_root(why): not run by an ordinary user")


# Of each test the fronts that it is run through, whatever of them was selected.
FRONTS_OF = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        values = item.callspec.params.values() if hasattr(item, "callspec") else ()
        firsts = [value[0] if type(value) is tuple and value else value for value in values]
        words = {first for first in firsts if isinstance(first, str)}
        name = f"{item.path.name}::{item.originalname}"
        FRONTS_OF.setdefault(name, set()).update(words & set(FRONTS))


def pytest_runtest_setup(item):
    mark = item.get_closest_marker("needs_root")
    if mark and not harness.ROOT:
        pytest.skip(f"not run: needs root, {mark.args[0]}")


def pytest_terminal_summary(terminalreporter):
    seen = client.WATCH.looked_at
    terminalreporter.write_line(f"{seen} responses looked at for paths of the server")


@pytest.fixture(scope="session")
def work():
    # Sanitizers look for their symbolizer along PATH and for their options here; the servers
    # get neither from the caller's own environment.
    os.environ.pop("ASAN_OPTIONS", None)
    # A server that runs away with its log meets this limit before it fills the machine's disk.
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (1 << 30, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    place = Workplace()
    if place.program is None or place.cgi is None:
        pytest.exit("no program to test: build it, or name it by HANDBACK_PROGRAM", 2)
    yield place
    place.remove()


@pytest.fixture(scope="session")
def project(work):
    """Collected once; tests that change a tree take a copy."""
    return Project(work.fresh("project")).create()


@pytest.fixture(scope="session")
def servers(work, project):
    """One Apache that holds all ways, one virtual host each, and one `serve`."""
    serve = Serve(work, "--workers", 2, root=project.root)
    hosts = virtual_hosts(serve, project.root, harness.prepare(work, project.root))
    with serve, Apache(work, hosts) as apache:
        yield apache, serve
    assert serve.process.returncode == 0, serve.stderr()


def virtual_hosts(serve, root, state, **more):
    """One for each way to a root; for the static CGI it was prepared in that state directory."""
    hosts = []
    for front, delivery in ALL_WAYS:
        given = more | ({"HANDBACK_STATE": state} if front in STATIC else {})
        lines = harness.defines(front, delivery, root, serve=serve, **given)
        hosts.append(harness.virtual_host(f"{front}-{delivery}", lines))
    return "".join(hosts)


def make_way(servers, project, front, delivery):
    apache, serve = servers
    host = f"{front}-{delivery}"
    return Way(apache, host, front, delivery, project, serve if front == "proxy" else None)


@pytest.fixture(params=ALL_WAYS, ids="-".join)
def way(request, servers, project):
    return make_way(servers, project, *request.param)


@pytest.fixture(params=["handback", "handback.cgi"])
def cgi_program(request, work):
    """What a web server may start for a request, under sanitizers."""
    return {"handback": work.program, "handback.cgi": work.cgi}[request.param]


@pytest.fixture(params=FRONTS)
def front(request):
    return request.param


@pytest.fixture(params=DELIVERIES)
def delivery(request):
    return request.param


@pytest.fixture
def site(work):
    """Makes servers of its own for a root that the test may change."""
    opened = []

    def open_site(front, delivery, root, **options):
        made = harness.Site(work, front, delivery, root, **options)
        opened.append(made)
        return made.__enter__()

    yield open_site
    for made in reversed(opened):
        made.__exit__()
