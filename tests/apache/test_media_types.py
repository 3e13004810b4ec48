"""The media types that the program sends, beside those of WhiteNoise and of Debian."""

import re

import pytest
from whitenoise.media_types import MediaTypes

import fastcgi
import media_type_differences as table
from django_site import write
from harness import REPOSITORY, Serve, url_of
from media_type_differences import OCTETS, is_loaded, listed

DEBIAN = "/etc/mime.types"
WHITENOISE = MediaTypes()


def debian_types():
    """{extension: [type, …]}: several lines may claim one extension."""
    types = {}
    with open(DEBIAN) as lines:
        for line in lines:
            media_type, *extensions = line.partition("#")[0].split() or [""]
            for extension in extensions:
                types.setdefault(extension, []).append(media_type)
    return types


def own_keys():
    """What the program's table names, so that no line of it is left unasked."""
    text = (REPOSITORY / "src/http/media.c").read_text()
    return set(re.findall(r'^ +\{"([^"]+)", "[^"]+"\},$', text, re.M))


def is_whole_name(key):
    return f".{key}" not in WHITENOISE.types_map and key in WHITENOISE.types_map


def file_of(key):
    return key if is_whole_name(key) else f"x.{key}"


def theirs(key):
    return WHITENOISE.get_type(file_of(key))


@pytest.fixture(scope="module")
def debian():
    return debian_types()


@pytest.fixture(scope="module")
def ours(work, debian):
    """What the program answers for an empty file of each name, without the charset."""
    keys = {key.lstrip(".") for key in WHITENOISE.types_map} | own_keys() | set(debian)
    root = work.fresh("types")
    for key in keys:
        write(root / file_of(key), b"")
    with Serve(work, root=root) as serve:
        return {key: asked(serve, file_of(key)) for key in keys}


def asked(serve, name):
    reply = fastcgi.ask(serve.address, fastcgi.usual(url_of(name)))
    assert reply.status[:3] == "200", name
    return reply.headers["content-type"].partition(";")[0]


def test_enough_names_were_asked(ours):
    assert len(ours) > 1500
    assert ours["css"] == "text/css", "and they were answered by the table"


def test_types_differ_from_whitenoise_only_as_listed(ours):
    differ = {k: (theirs(k), ours[k]) for k in ours if theirs(k) not in (OCTETS, ours[k])}
    assert differ == {k: row[:2] for k, row in table.OTHER_THAN_WHITENOISE.items()}


def test_types_beside_those_of_whitenoise_are_as_listed(ours):
    added = {k for k in own_keys() if theirs(k) == OCTETS and ours[k] != OCTETS}
    assert added == set(listed(table.NOT_IN_WHITENOISE))


def test_no_type_of_whitenoise_is_missing(ours):
    missing = [k for k in ours if theirs(k) != OCTETS and ours[k] == OCTETS]
    assert missing == []


def test_types_differ_from_debian_only_as_listed(ours, debian):
    differ = {
        k: (" ".join(debian[k]), ours[k])
        for k in own_keys() & set(debian) if ours[k] not in debian[k]
    }
    assert differ == {k: row[:2] for k, row in table.OTHER_THAN_DEBIAN.items()}


def test_suffixes_of_two_parts_are_known_by_their_last(ours, debian):
    differ = {
        k for k in debian
        if "." in k and ours[k] != OCTETS and ours[k] not in debian[k]
    }
    assert differ == set(listed(table.TWO_PARTS))
    assert all(ours[k] == ours[k].lower() == ours[k.rpartition(".")[2]] for k in differ)


def lacking(ours, debian):
    return {k: types for k, types in debian.items() if ours[k] == OCTETS and OCTETS not in types
            and k not in table.OTHER_THAN_DEBIAN}


def test_what_browsers_load_and_we_lack_was_judged_one_by_one(ours, debian):
    loaded = {k for k, types in lacking(ours, debian).items() if any(map(is_loaded, types))}
    assert loaded == set(listed(table.NOT_OURS))


def test_what_browsers_only_save_is_covered_by_its_kind(ours, debian):
    kinds = {
        media_type.partition("/")[0] + "/"
        for types in lacking(ours, debian).values() for media_type in types
        if not is_loaded(media_type)
    }
    assert kinds == set(table.NEVER_LOADED)


GROUPS = ("NOT_IN_WHITENOISE", "TWO_PARTS", "NOT_OURS")


@pytest.mark.parametrize("name", GROUPS)
def test_no_extension_has_two_reasons(name):
    names = " ".join(getattr(table, name).values()).split()
    assert sorted(names) == sorted(set(names))
