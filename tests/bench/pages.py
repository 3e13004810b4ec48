"""Which pages of a file are in memory, and which memory a process has for itself alone."""

import ctypes
import mmap
import os
import re
from pathlib import Path

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
LIBC.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]


def succeed(result):
    if result in (-1, ctypes.c_void_p(-1).value):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def resident(path):
    """How many bytes of a file are in the page cache, in whole pages."""
    file = os.open(path, os.O_RDONLY)
    size = os.fstat(file).st_size
    try:
        # A mapping alone brings no page in.
        place = succeed(LIBC.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file, 0))
    finally:
        os.close(file)
    pages = (ctypes.c_ubyte * -(-size // PAGE))()
    try:
        succeed(LIBC.mincore(place, size, pages))
    finally:
        LIBC.munmap(place, size)
    return sum(page & 1 for page in pages) * PAGE


def evict(path):
    """Out of the page cache; what is still resident then, which is 0 where that is possible."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)
    return resident(path)


MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$")


def private_memory(pid):
    """Bytes that no other process has mapped: {"all", "memfd", "catalog"}.

    By the name of the mapping, so that a part can be taken off; "all" agrees with smaps_rollup.
    """
    found, name = {"all": 0, "memfd": 0, "catalog": 0}, ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        header = MAPPING.match(line)
        if header:
            name = header[1]
        elif line.startswith(("Private_Clean:", "Private_Dirty:")):
            size = int(line.split()[1]) * 1024
            found["all"] += size
            found["memfd"] += size * name.startswith("/memfd:")
            found["catalog"] += size * name.removesuffix(" (deleted)").endswith("/catalog")
    return found
