"""The catalog's format once more, written from src/catalog/format.h alone: what this writes the
program must read, and what the program writes this must read."""

import struct
from dataclasses import dataclass, field

PAGE, PAYLOAD = 4096, 4088
VERSION, BYTE_ORDER = 4, 0x01020304
EVERY_RELEASE = NO_MAX_AGE = 0xFFFFFFFF
SIZED, POOLED = 1, 2
UNREAD, AGREES, DIFFERS, NO_HASH = range(4)
WORD = (1 << 64) - 1

HEADER = struct.Struct("=8sIIQQQQQQ14QQQ")
SITE = struct.Struct("=6I")
MOUNT = struct.Struct("=20I8I")
RELEASE = struct.Struct("=6I4Iq")
HOME = struct.Struct("=II")
SLOT = struct.Struct("=II")
LEAF = struct.Struct("=IIIHHHHHHQ16s")
VARIANT = struct.Struct("=QII8s")
SLOTS = PAYLOAD // SLOT.size


@dataclass
class Mount:
    url: str = "/static/"
    root: str = "../static"
    charset: str = "utf-8"
    manifests: str = "staticfiles.json:*/staticfiles.json"
    max_age: int = 60
    kind: int = 0
    flags: int = 1


@dataclass
class Release:
    id: str
    homes: list
    mount: int = 0
    manifest: str = "staticfiles.json"
    published: int = 1
    md5: str = 32 * "0"  # of the manifest


@dataclass
class Name:
    name: str
    path: str = ""  # empty: it is the name
    type: str = "text/plain"
    mount: int = 0
    release: int = EVERY_RELEASE
    flags: int = 0
    proof: int = UNREAD
    size: int = 0
    md5: bytes = bytes(16)
    variants: list = field(default_factory=list)


def sum_of(start, data):
    """format_sum."""
    for word, in struct.iter_unpack("=Q", data):
        start = (start ^ word) * 0x9E3779B97F4A7C15 & WORD
        start ^= start >> 32
    return start


def key_of(mount, release, name):
    """format_key."""
    key = 14695981039346656037 ^ (release << 32 | mount)
    for byte in name:
        key = (key ^ byte) * 1099511628211 & WORD
    key = key * 0x9E3779B97F4A7C15 & WORD
    return key ^ key >> 29


def slots_of(count, key):
    """format_slot_at, probe after probe."""
    start = key & count - 1
    first = start - start % SLOTS
    page = min(count - first, SLOTS)
    for probe in range(count):
        inside = (start - first + probe) % page
        yield first + inside if probe < page else (first + probe) % count


def filled(data, unit):
    return data + bytes(-len(data) % unit)


class Texts:
    def __init__(self):
        self.bytes = b""

    def place(self, text):
        """A struct format_text."""
        data = text.encode()
        self.bytes += data
        return (len(self.bytes) - len(data), len(data)) if data else (0, 0)


def leaf_of(one):
    name, path, kind = one.name.encode(), one.path.encode(), one.type.encode()
    variants = b"".join(VARIANT.pack(*variant) for variant in one.variants)
    size = LEAF.size + len(variants) + len(name) + len(path) + len(kind)
    head = LEAF.pack(size + -size % 8, one.mount, one.release, len(name), len(path), len(kind),
                     one.flags, one.proof, len(one.variants), one.size, one.md5)
    return filled(head + variants + name + path + kind, 8)


def leaves_and_slots(names):
    """The pages of both, without their checksums, and how many slots there are."""
    names = sorted(names, key=lambda one: (one.mount, one.name.encode(), one.release))
    count = 2
    while count < 2 * len(names):
        count *= 2
    slots, leaves = [(0, 0)] * count, b""
    for one in names:
        leaf = leaf_of(one)
        if len(leaves) % PAGE + len(leaf) > PAYLOAD:
            leaves = filled(leaves, PAGE)
        key = key_of(one.mount, one.release, one.name.encode())
        at = next(slot for slot in slots_of(count, key) if slots[slot] == (0, 0))
        slots[at] = (len(leaves) // 8 + 1, key >> 32)
        leaves += leaf
    packed = [SLOT.pack(*slot) for slot in slots]
    pages = [b"".join(packed[i:i + SLOTS]) for i in range(0, count, SLOTS)]
    return [filled(page, PAGE) for page in pages], pages_of(filled(leaves, PAGE)), count


def pages_of(data):
    return [data[i:i + PAGE] for i in range(0, len(data), PAGE)]


def sections_of(mounts, releases, texts):
    homes = [root for release in releases for root in release.homes]
    yield SITE.pack(0, 0, 0, 0, 0, 0), 1
    yield b"".join(
        MOUNT.pack(*texts.place(m.url), *texts.place(m.root), *texts.place(m.charset),
                   *texts.place(m.manifests), *[0] * 12, m.max_age, m.kind, m.flags, *[0] * 5)
        for m in mounts), len(mounts)
    yield b"", 0  # media types
    yield b"", 0  # fields
    first, packed = 0, b""
    for release in releases:
        packed += RELEASE.pack(
            *texts.place(release.id), *texts.place(release.manifest), *texts.place(release.md5),
            release.mount, first, len(release.homes), 0, release.published)
        first += len(release.homes)
    yield packed, len(releases)
    yield b"".join(HOME.pack(*texts.place(root)) for root in homes), len(homes)
    yield texts.bytes, len(texts.bytes)


def write(mounts, names, releases=(), version=VERSION):
    """A whole catalog with right checksums, whatever its names lead to."""
    slots, leaves, count = leaves_and_slots(names)
    places, body = [], b""
    for data, elements in sections_of(mounts, releases, Texts()):
        places += [HEADER.size + len(body), elements]
        body += filled(data, 8)
    head = filled(bytes(HEADER.size) + body, PAGE)
    pages = slots + leaves
    numbers = [len(head) + PAGE * len(pages), len(head), len(slots), count, len(leaves),
               len(names), *places]
    return sign(b"HANDBACK", version, numbers, head[HEADER.size:], pages)


def sign(magic, version, numbers, rest, pages):
    digest = 0
    for page in pages:
        digest = sum_of(digest, page[:PAYLOAD])
    signed = b"".join(
        page[:PAYLOAD] + struct.pack("=Q", sum_of((digest + number) & WORD, page[:PAYLOAD]))
        for number, page in enumerate(pages))
    fixed = (magic, version, BYTE_ORDER, *numbers, digest)
    return HEADER.pack(*fixed, sum_of(digest, HEADER.pack(*fixed, 0) + rest)) + rest + signed


def read(data):
    """The names of a catalog: {(mount, name, release): (path, type, flags, proof, size, md5)}.

    Every checksum must be right, and every name be found by its slot.
    """
    header = HEADER.unpack_from(data)
    size, head_size, slot_pages, slots, leaf_pages, leaves = header[3:9]
    digest, head_sum = header[-2:]
    assert header[:3] == (b"HANDBACK", VERSION, BYTE_ORDER)
    assert size == len(data) == head_size + PAGE * (slot_pages + leaf_pages)
    blank = HEADER.pack(*header[:-1], 0) + data[HEADER.size:head_size]
    assert sum_of(digest, blank) == head_sum
    total, pages = 0, pages_of(data[head_size:])
    for number, page in enumerate(pages):
        total = sum_of(total, page[:PAYLOAD])
        own, = struct.unpack("=Q", page[PAYLOAD:])
        assert own == sum_of((digest + number) & WORD, page[:PAYLOAD])
    assert total == digest
    table = [SLOT.unpack_from(pages[i // SLOTS], i % SLOTS * SLOT.size) for i in range(slots)]
    names = dict(read_leaves(b"".join(pages[slot_pages:]), table))
    assert len(names) == leaves
    return names


def read_leaves(data, table):
    for page in range(0, len(data), PAGE):
        at = page
        while at + LEAF.size <= page + PAYLOAD and struct.unpack_from("=I", data, at)[0]:
            yield read_leaf(data, at, table)
            at += struct.unpack_from("=I", data, at)[0]


def read_leaf(data, at, table):
    (_, mount, release, name_len, path_len, type_len, flags, proof, variants, size,
     md5) = LEAF.unpack_from(data, at)
    text = at + LEAF.size + variants * VARIANT.size
    name = data[text:text + name_len]
    path = data[text + name_len:text + name_len + path_len] or name
    kind = data[text + name_len + path_len:][:type_len]
    key = key_of(mount, release, name)
    for slot in slots_of(len(table), key):
        assert table[slot] != (0, 0), name
        if table[slot] == (at // 8 + 1, key >> 32):
            break
    return (mount, name.decode(), release), (path.decode(), kind.decode(), flags, proof, size, md5)
