"""handback.cgi as one static file: it is uploaded to hosts whose libraries nobody knows."""

import os
import struct
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src/static"
NEEDS_A_LOADER = 3  # PT_INTERP


def segments(program):
    """The types of the segments of an ELF file of 64 bits."""
    data = program.read_bytes()
    start, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    return [struct.unpack_from("<I", data, start + i * size)[0] for i in range(count)]


@pytest.fixture(scope="module")
def built_without_musl(work):
    build = work.fresh("with glibc")  # a space, as a checkout may have it in its path
    for step in (["-S", SOURCE, "-B", build, "-DCMAKE_C_COMPILER=cc", "-DHANDBACK_VERSION=0"],
                 ["--build", build]):
        subprocess.run(["cmake", *map(str, step)], check=True, capture_output=True, timeout=120)
    return build / "handback.cgi"


def test_the_release_needs_no_library_of_the_host(work):
    if not work.cgi_release:
        pytest.skip("no release build")
    assert NEEDS_A_LOADER not in segments(work.cgi_release)


def test_without_musl_it_is_as_static(built_without_musl):
    assert NEEDS_A_LOADER not in segments(built_without_musl)


def test_without_musl_it_answers(built_without_musl, project):
    done = subprocess.run(
        [built_without_musl], stdin=subprocess.DEVNULL, capture_output=True, timeout=20,
        env={"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "PATH": os.environ["PATH"],
             "REQUEST_URI": "/static/data.json", "STATIC_ROOT": str(project.root)})
    assert done.stdout.startswith(b"Status: 200 ")
