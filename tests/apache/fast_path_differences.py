"""Where level 1, in which Apache answers what needs no decision, differs from level 2.

A row covers the answers that its `covers` picks, and says which fields may differ then.
"""

from dataclasses import dataclass
from typing import Callable

ZSTD = {"Content-Encoding", "Content-Length", "ETag", "body"}


@dataclass
class Difference:
    name: str
    covers: Callable  # of the request's fields, the answer of level 1, that of level 2
    fields: set
    why: str


def is_304(_, fast, full):
    return fast.status == full.status == 304


def is_301(_, fast, full):
    return fast.status == full.status == 301


def is_zstd(fields, fast, full):
    """A client that takes zstd, alone or beside gzip, and a file that has such a variant."""
    chosen = full["Content-Encoding"], fast["Content-Encoding"]
    return fast.status == full.status == 200 and chosen in (("zstd", None), ("zstd", "gzip"))


DIFFERENCES = [
    Difference(
        "a 304 has a date", is_304, {"Last-Modified", "Accept-Ranges"},
        "Apache sends both with every 304; RFC 9110 15.4.5 advises against it, and no client minds."
        " To take them away would cost an expression in each request."),
    Difference(
        "a directory without its slash", is_301, {"X-Content-Type-Options"},
        "Apache redirects to the slash before any rule. At level 2 its answers bear nosniff, since"
        " lines of the directories above could otherwise undo that of the program."),
    Difference(
        "zstd is not sent", is_zstd, ZSTD,
        "Apache takes br, then gzip, where prepare has found them; another coding would be one more"
        " rule in each request, and who takes zstd takes one of the two."),
]
