"""Copies that the usual tools make beside the files, with the times that those tools give them."""

import subprocess
import time

import pytest

import fastcgi
from harness import own
from test_fronts import run_cgi

BODY = b"a { color: #123456; }\n" * 200

TOOLS = {
    # The whole second alone is kept.
    "brotli": ("br", ["brotli", "--keep"], "a.css"),
    "gzip": ("gzip", ["gzip", "--keep"], "a.css"),
    "zstd": ("zstd", ["zstd", "--quiet", "--keep"], "a.css"),
    # The time goes through a floating-point number, which loses some nanoseconds.
    "whitenoise": ("br", ["/usr/bin/python3", "-m", "whitenoise.compress", "--quiet"], "."),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_copy_that_the_tool_made_is_sent(work, tool):
    coding, command, argument = TOOLS[tool]
    root = work.fresh(tool)
    files = [root / f"{number}" / "a.css" for number in range(8)]
    for file in files:
        file.parent.mkdir()
        file.write_bytes(BODY)
        subprocess.run([*command, argument], cwd=file.parent, check=True, capture_output=True)
    own(root)
    time.sleep(2.1)  # a copy counts when it is at rest
    for file in files:
        target = f"/static/{file.relative_to(root)}"
        params = fastcgi.usual(target, HTTP_ACCEPT_ENCODING=coding)
        done, reply = run_cgi(work, root, params)
        assert done.returncode == 0
        assert reply.headers.get("content-encoding") == coding, target
