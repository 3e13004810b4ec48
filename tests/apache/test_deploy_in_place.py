"""Deploys into the directory that is being served, under constant requests: once prepared, no
name is ever refused, short or wrong, however the files of the next release arrive."""

import os
import random
import re
import shutil
import signal
import time
from contextlib import ExitStack

import pytest

import fastcgi
from deploys import (
    ALL_WAYS, LOCAL_REDIRECT, NOTICED, WIDE, Entrances, Promises, Site, assert_kept,
    assert_state_is_sound, digest, hash_of, kill_at, manifest, visits)
from harness import Serve, url_of, wait_until

# Each front and each delivery once: every way is asked in the first test.
SOME_WAYS = (("cgi", LOCAL_REDIRECT), ("fcgid", "x-sendfile"), ("proxy", "body"),
             ("static", "body"))
LASTING = (("fcgid", "body"), ("fcgid", "x-sendfile"), ("proxy", "body"), ("proxy", "x-sendfile"))
BESIDE = "state"  # the state directory beside the root, where no deploy touches it


def prepared(work, project, **options):
    """A site whose first release has been prepared, and what that promises."""
    site, promises = Site(work, project, **options), Promises()
    site.collect()
    site.compress()
    site.prepare(promises)
    return site, promises


def wait_for_all_to_look():
    """Whoever looks at its catalog once a second has done so."""
    end = time.monotonic() + NOTICED
    wait_until(lambda: time.monotonic() > end, what="a while")


def test_without_prepare_the_same_requests_fail(work, project):
    site, promises = Site(work, project), Promises()
    site.collect()
    promises.announce(site.root)
    promises.keep(site.root)
    with Entrances(work, site, LASTING) as ways, visits(ways, promises, each=2) as load:
        load.wait_for(200)
        assert not load.failures
        for _ in range(30):
            site.collect()
            if load.failures:
                break
    assert load.failures


def test_collectstatic_of_unchanged_sources_costs_no_request(work, project):
    site, promises = prepared(work, project)
    with Entrances(work, site, ALL_WAYS) as ways, visits(ways, promises) as load:
        load.wait_for(200)
        for _ in range(20):
            site.release(promises)
    assert_kept(site, load)
    assert_state_is_sound(site.state)


def test_collectstatic_of_changed_sources_keeps_every_former_release(work, project):
    site, promises = prepared(work, project)
    former = {manifest(site.root)["js/app.js"]}
    with Entrances(work, site, ALL_WAYS) as ways, visits(ways, promises) as load:
        for number in range(2, 6):
            site.change(number)
            site.release(promises)
            former.add(manifest(site.root)["js/app.js"])
            load.wait_for(500)
    assert_kept(site, load)
    assert len(former) == 5
    assert former <= set(promises.hashed)


def test_collectstatic_clear_costs_no_request(work, project):
    site, promises = prepared(work, project, state=BESIDE)
    first = manifest(site.root)["js/app.js"]
    with Entrances(work, site, ALL_WAYS) as ways, visits(ways, promises) as load:
        for number in (1, 2, 3):
            site.change(number)
            site.release(promises, "--clear")
    assert_kept(site, load)
    assert not (site.root / first).exists()


def test_collectstatic_link_costs_no_request(work, project):
    """The unhashed copies become links to the sources, and copies again."""
    site, promises = Site(work, project), Promises()
    site.settings["HANDBACK_FOLLOW"] = str(site.home / "assets")
    site.release(promises)
    with Entrances(work, site, SOME_WAYS) as ways, visits(ways, promises) as load:
        for number, options in ((1, ["--link"]), (2, []), (3, ["--link"])):
            site.change(number)
            site.release(promises, *options)
            assert (site.root / "js/app.js").is_symlink() == bool(options)
            load.wait_for(200)
    assert_kept(site, load)


def collect_again(site):
    """Django itself cannot read a manifest that a killed collectstatic has cut."""
    said = site.collect(codes=(0, 1))
    if "Couldn't load manifest" in said:
        (site.root / "staticfiles.json").unlink()
        site.collect()


def test_collectstatic_that_is_killed_and_run_again_costs_no_request(work, project):
    site, promises = prepared(work, project)
    killed = 0
    with Entrances(work, site, SOME_WAYS) as ways, visits(ways, promises) as load:
        began = time.monotonic()
        site.release(promises)
        usual = time.monotonic() - began
        for number in range(2, 8):
            if number % 3 == 0:
                site.change(number)
            killed += kill_at(site.collecting(), random.uniform(0, usual))
            collect_again(site)
            site.prepare(promises, codes=(0, 1))
    assert_kept(site, load)
    assert killed


def test_two_collectstatic_at_once_cost_no_request(work, project):
    site, promises = prepared(work, project)
    with Entrances(work, site, SOME_WAYS) as ways, visits(ways, promises) as load:
        for number in (1, 2, 3):
            site.change(number)
            for process in [site.collecting(), site.collecting()]:
                site.finish(process, codes=(0, 1))
            collect_again(site)
            site.prepare(promises, codes=(0, 1))
    assert_kept(site, load)


def test_prepare_that_is_killed_leaves_the_old_catalog_or_the_new_one(work, project):
    site, promises = prepared(work, project)
    killed = 0
    with Entrances(work, site, SOME_WAYS) as ways, visits(ways, promises) as load:
        began = time.monotonic()
        site.prepare(promises)
        usual = time.monotonic() - began
        for number in range(2, 17):
            if number % 4 == 0:
                site.change(number)
                site.collect()
                promises.announce(site.root)
            killed += kill_at(site.preparing(), random.uniform(0, usual))
            load.wait_for(30)
        site.prepare(promises)
        load.wait_for(200)
    assert_kept(site, load)
    assert killed
    assert_state_is_sound(site.state)


def test_prepare_during_collectstatic_costs_no_request(work, project):
    """As a cron job might: what it finds half done is reported, and not believed."""
    site, promises = prepared(work, project)
    with Entrances(work, site, SOME_WAYS) as ways, visits(ways, promises) as load:
        for _ in range(2):
            collecting = site.collecting()
            while collecting.poll() is None:
                # 2: the manifest was replaced while it was at work; the old catalog stays.
                site.finish(site.preparing(), codes=(0, 1, 2))
            site.finish(collecting)
        site.prepare(promises)
    assert_kept(site, load)
    assert_state_is_sound(site.state)


@pytest.mark.parametrize("left", [None, b"", b'{"paths": {"css/wide.css": "css/wi'],
                         ids=["missing", "empty", "cut"])
def test_prepare_beside_a_manifest_that_cannot_be_read_keeps_the_release(work, project, left):
    """As a killed collectstatic leaves it: the unhashed copies are not of one release."""
    site, promises = prepared(work, project)
    with Entrances(work, site, SOME_WAYS) as ways, visits(ways, promises) as load:
        site.change(2)
        site.collect()
        (site.root / "staticfiles.json").unlink()
        if left is not None:
            (site.root / "staticfiles.json").write_bytes(left)
        site.finish(site.preparing(), codes=(0, 1))
        wait_for_all_to_look()
        load.wait_for(200)
    assert_kept(site, load)


def synchronize(site, *options):
    return "rsync", *options, f"{site.home}/built/", f"{site.root}/"


SLOWLY = "--bwlimit=1000"  # so that there is a half-way


RSYNC = {
    "rsync -a": ["-a"],
    "rsync -r": ["-r"],
    "rsync -a --delete": ["-a", "--delete"],
    "rsync -r --inplace": ["-r", "--inplace"],
}


@pytest.mark.parametrize("options", RSYNC.values(), ids=RSYNC)
def test_rsync_killed_and_run_again_costs_no_request(work, project, options):
    pool = "copy" if "--inplace" in options else "link"
    site, promises = prepared(work, project, state=BESIDE, HANDBACK_POOL=pool)
    built = site.home / "built"
    killed = 0
    with Entrances(work, site, SOME_WAYS) as ways, visits(ways, promises) as load:
        for number in (2, 3):
            site.change(number)
            site.collect("--clear", root=built)
            slow = site.spawn(*synchronize(site, SLOWLY, *options))
            killed += kill_at(slow, random.uniform(0, 0.5))
            load.wait_for(50)
            site.run(*synchronize(site, *options))
            site.prepare(promises)
            load.wait_for(200)
    assert_kept(site, load)
    assert killed


def test_cp_over_the_tree_costs_no_request_where_the_pool_holds_copies(work, project):
    site, promises = prepared(work, project, HANDBACK_POOL="copy")
    built = site.home / "built"
    with Entrances(work, site, SOME_WAYS) as ways, visits(ways, promises) as load:
        for number in (1, 2, 3):
            site.change(number)
            site.collect(root=built)
            site.run("cp", "-r", f"{built}/.", site.root)
            site.prepare(promises)
            load.wait_for(200)
    assert_kept(site, load)


def upload(site, load, source):
    """As FTP servers write: into the files themselves, piece by piece as they arrive."""
    site.step("an upload")
    names = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    with ExitStack() as files:
        pairs = []
        for name in names:
            (site.root / name).parent.mkdir(parents=True, exist_ok=True)
            target = files.enter_context(open(site.root / name, "wb", buffering=0))
            pairs.append((target, (source / name).read_bytes()))
        for part in range(3):
            load.wait_for(200)
            for target, data in pairs:
                target.write(data[part * len(data) // 3:(part + 1) * len(data) // 3])


def test_an_upload_by_ftp_costs_no_request_where_the_pool_holds_copies(work, project):
    site, promises = prepared(work, project, HANDBACK_POOL="copy")
    built = site.home / "built"
    with Entrances(work, site, SOME_WAYS) as ways, visits(ways, promises) as load:
        for number in (1, 2):
            site.change(number)
            site.collect(root=built)
            upload(site, load, built)
            site.prepare(promises)
            load.wait_for(500)
    assert_kept(site, load)


def body_is(way, name, data):
    answer = way.get(name)
    return (answer.status, answer.body) == (200, data)


def all_become(ways, name, data):
    """Each way answers with these bytes within about two seconds."""
    wait_until(lambda: all(body_is(way, name, data) for way in ways), NOTICED, f"the new {name}")


def test_after_collectstatic_without_prepare_the_catalog_still_decides(work, project):
    site, promises = prepared(work, project)
    former = site.project.bytes_of("js/app.js")
    doors = Entrances(work, site, ALL_WAYS)
    with doors as ways, visits(ways, promises) as load:
        site.change(2)
        site.collect()
        new = manifest(site.root)["js/app.js"]
        body = (site.root / new).read_bytes()
        assert body != former
        for way in ways:
            assert body_is(way, new, body), way.host
        # It is not said while prepare may still be about to run. Meanwhile the visitors take
        # anything but the former bytes of original names for a failure.
        wait_until(lambda: "HB0032" in doors.serve.stderr(), 15, "serve: a diagnosis")
        load.wait_for(3000)
    assert_kept(site, load)
    assert doors.serve.stderr().count("HB0032") == 1
    assert "HB0032" in doors.apache.log()


def test_a_collectstatic_that_changes_nothing_is_nothing_to_speak_of(work, project):
    site, promises = prepared(work, project)
    site.collect()
    now = time.time()
    os.utime(site.state / "catalog", (now - 60, now - 60))
    os.utime(site.root / "staticfiles.json", (now - 30, now - 30))
    doors = Entrances(work, site, ALL_WAYS)
    with doors as ways, visits(ways, promises) as load:
        wait_for_all_to_look()
        load.wait_for(200)
    assert_kept(site, load)
    assert "HB0032" not in doors.diagnoses()


def test_a_release_that_was_copied_with_its_times_is_spoken_of_too(work, project):
    """The manifest that rsync -a brings is older than the catalog, and is another one."""
    site, promises = prepared(work, project)
    site.change(2)
    site.collect()
    hour_ago = time.time() - 3600
    os.utime(site.root / "staticfiles.json", (hour_ago, hour_ago))
    doors = Entrances(work, site, [("proxy", "body")])
    with doors as ways, visits(ways, promises) as load:
        wait_until(lambda: "HB0032" in doors.serve.stderr(), 10, "serve: a diagnosis")
        load.wait_for(200)
    assert_kept(site, load)


def test_a_new_catalog_is_noticed_within_two_seconds_by_every_way(work, project):
    site, promises = prepared(work, project)
    doors = Entrances(work, site, ALL_WAYS)
    with doors as ways:
        for number in range(2, 6):
            for way in ways:
                assert way.get("js/app.js").status == 200
            workers = doors.serve.workers()
            site.change(number)
            site.release(promises)
            all_become(ways, "js/app.js", site.project.bytes_of("js/app.js"))
        assert doors.serve.workers() == workers


def point(link, target):
    """As deploys flip a link: there is no moment without one."""
    beside = link.with_name("new")
    os.symlink(target, beside)
    os.replace(beside, link)


@pytest.fixture
def two_releases(work, project):
    """A link to the first of two directories, both prepared, and their data."""
    site, promises = Site(work, project, root="current", state=BESIDE), Promises()
    roots = [site.home / "releases" / str(number) / "static" for number in (1, 2)]
    for number, root in enumerate(roots, 1):
        site.change(number)
        site.collect(root=root)
    point(site.root, roots[0])
    promises.announce(roots[0])
    for root in roots:
        site.prepare(promises, root=root)
    promises.publish()
    return site, promises, roots


def test_a_flipped_link_brings_its_own_release_and_so_does_flipping_back(work, two_releases):
    site, promises, roots = two_releases
    with Entrances(work, site, ALL_WAYS) as ways, visits(ways, promises) as load:
        load.wait_for(500)
        for number in (1, 0, 1):
            promises.announce(roots[number])
            site.step(f"flip to release {number + 1}")
            point(site.root, roots[number])
            promises.publish()
            all_become(ways, "js/app.js", (roots[number] / "js/app.js").read_bytes())
            load.wait_for(1000)
        site.step("removal of the first release")
        shutil.rmtree(roots[0])
        load.wait_for(1000)
    assert_kept(site, load)


def test_a_flipped_link_brings_the_catalog_that_lies_behind_it(work, project):
    """Each directory has a state directory of its own."""
    site = Site(work, project, root="current", state="current/.handback")
    roots = [site.home / "releases" / str(number) for number in (1, 2)]
    for number, root in enumerate(roots, 1):
        site.change(number)
        site.collect(root=root)
        site.prepare(root=root)
    point(site.root, roots[0])
    with Entrances(work, site, ALL_WAYS) as ways:
        for root in (roots[0], roots[1], roots[0]):
            point(site.root, root)
            hashed = manifest(root)[WIDE]
            for name in (WIDE, hashed):
                all_become(ways, name, (root / hashed).read_bytes())


def missing(catalog):
    catalog.unlink()


def replaced_by(data):
    """As a deploy that copies it would: by another file under the same name."""
    def replace(catalog):
        other = catalog.with_name("other")
        other.write_bytes(data(catalog.read_bytes()))
        os.replace(other, catalog)
    return replace


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]


HARM = {
    "missing": missing,
    "cut": replaced_by(lambda good: good[:len(good) // 2]),
    "garbage": replaced_by(lambda good: random.Random(5).randbytes(len(good))),
    "a bit flipped": replaced_by(lambda good: flipped(good, len(good) // 2)),
}


@pytest.fixture
def ahead(work, project):
    """Prepared, and then collected anew: whoever forgets the catalog answers otherwise."""
    site, promises = prepared(work, project)
    site.change(2)
    site.collect()
    return site, promises


def says_what_is_wrong(serve, before):
    """Whether anything was said since then; HB0032 is true of the site as it is."""
    return re.search("HB00(?!32)", serve.stderr()[len(before):])


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_while_the_catalog_is_broken_the_last_good_one_stays(work, ahead, harm):
    site, promises = ahead
    doors = Entrances(work, site, LASTING)
    with doors as ways, visits(ways, promises) as load:
        load.wait_for(200)
        said = doors.serve.stderr()
        site.step("harm")
        harm(site.state / "catalog")
        wait_until(lambda: says_what_is_wrong(doors.serve, said), 5, "serve: a diagnosis")
        load.wait_for(1500)
        site.prepare(promises)
        all_become(ways, "js/app.js", site.project.bytes_of("js/app.js"))
        load.wait_for(200)
    assert_kept(site, load)


def overwritten(catalog):
    with open(catalog, "r+b") as file:
        file.write(random.Random(6).randbytes(catalog.stat().st_size))


def cut_in_place(catalog):
    os.truncate(catalog, 10)


@pytest.mark.parametrize("harm", [overwritten, cut_in_place])
def test_a_catalog_that_is_harmed_in_place_costs_serve_no_request(work, ahead, harm):
    site, promises = ahead
    doors = Entrances(work, site, [way for way in LASTING if way[0] == "proxy"])
    with doors as ways, visits(ways, promises, each=4) as load:
        load.wait_for(200)
        workers, said = doors.serve.workers(), doors.serve.stderr()
        harm(site.state / "catalog")
        wait_until(lambda: says_what_is_wrong(doors.serve, said), 5, "serve: a diagnosis")
        load.wait_for(3000)
        assert doors.serve.workers() == workers
    assert_kept(site, load)


@pytest.mark.parametrize("harm", [overwritten, cut_in_place])
def test_a_catalog_that_is_harmed_in_place_costs_fcgid_a_process_at_most(work, ahead, harm):
    """What a process has mapped changes below it; the next one compiles in memory."""
    site, promises = ahead
    promises.announce(site.root)
    doors = Entrances(work, site, [way for way in LASTING if way[0] == "fcgid"])
    with doors as ways, visits(ways, promises) as load:
        load.wait_for(200)
        harm(site.state / "catalog")
        wait_for_all_to_look()
        noticed = time.monotonic()
        load.wait_for(1000)
    assert [fault for when, fault in load.failures if when > noticed] == []
    lost = [fault for _, fault in load.failures]
    assert all(": 500, None, " in fault or ": 503, no-store, " in fault for fault in lost), lost


CGI = [way for way in ALL_WAYS if way[0] == "cgi"]


@pytest.mark.parametrize("harm", ["missing", "cut", "garbage"])
def test_a_cgi_without_a_valid_catalog_compiles_in_memory(work, ahead, harm):
    site, promises = ahead
    HARM[harm](site.state / "catalog")
    former = next(name for name in promises.hashed if name.startswith("js/app."))
    doors = Entrances(work, site, CGI)
    with doors as ways:
        for way in ways:
            assert body_is(way, WIDE, site.project.bytes_of(WIDE)), way.host
            # What was prepared before is kept all the same.
            assert promises.judge(former, time.monotonic(), way.get(former)) is None
        if harm != "missing":
            wait_until(lambda: "handback: HB" in doors.apache.log(), 3, "a diagnosis")
    assert harm != "missing" or "handback: HB" not in doors.apache.log()


def test_a_cgi_whose_catalog_is_not_as_it_was_written_refuses_what_it_cannot_tell(work, ahead):
    """It reads no more of it than the pages it needs, and checks those."""
    site, promises = ahead
    catalog = site.state / "catalog"
    good = catalog.read_bytes()
    refused = 0
    with Entrances(work, site, CGI[:1]) as (way,):
        for place in range(0, len(good), len(good) // 25):
            replaced_by(lambda _: flipped(good, place))(catalog)
            for name in (WIDE, random.choice(promises.names)):
                answer = way.get(name)
                refused += (answer.status, answer["Cache-Control"]) == (503, "no-store")
                if answer.status != 503 and not body_is(way, name, site.project.bytes_of(name)):
                    assert promises.judge(name, time.monotonic(), answer) is None, place
    assert refused


def test_a_worker_that_slept_through_several_prepares_answers_from_a_whole_catalog(work, project):
    """What the master has copied for all workers is in use by those that are behind."""
    site, promises = prepared(work, project, state=BESIDE)
    target = url_of(manifest(site.root)[WIDE])
    serve = Serve(work, "--workers", 1, program=site.program, **site.environment())
    with serve, ExitStack() as links:
        assert serve.answers_well()
        worker, = serve.workers()
        os.kill(worker, signal.SIGSTOP)
        try:
            for number in (2, 3, 4):
                site.change(number)
                site.release(promises, "--clear")
                wait_for_all_to_look()
            waiting = [links.enter_context(fastcgi.connect(serve.address)) for _ in range(40)]
            for link in waiting:
                head = fastcgi.head(fastcgi.usual(target))
                link.sendall(head + fastcgi.stream(fastcgi.STDIN, b""))
        finally:
            os.kill(worker, signal.SIGCONT)
        replies = [fastcgi.Records(link).reply() for link in waiting]
    answers = {(reply.status[:3], digest(reply.body)) for reply in replies}
    assert answers == {("200", hash_of(target))}
