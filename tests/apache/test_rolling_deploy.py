"""Deploys to three machines, one after another, under browsers that hold the pages of old releases.

What a page names must be there on every machine that may be asked for it: before the first page
names it, and as long as somebody holds such a page.
"""

from collections import Counter

import pytest

from deploys import IMMUTABLE, WIDE, digest, hash_of
from harness import wait_until
from machines import (
    LAYOUTS, THREADS, Cleared, Fleet, PreparedThere, Rsynced, SharedReleases, SharedState,
    rsync)

PAUSE = 100  # answers between two steps of a deploy
LONG = 500  # so many that some of them fail, where any can


def named(layout):
    return layout.__name__


@pytest.fixture
def fleet(work, project, request):
    with Fleet(work, project, request.param) as made:
        yield made


every_layout = pytest.mark.parametrize("fleet", LAYOUTS, ids=named, indirect=True)


def files_first(fleet, load):
    for machine in fleet.rotation:
        fleet.give(machine)
        load.wait_for(PAUSE)
    fleet.wait_until_all_answer()
    for machine in fleet.rotation:
        fleet.switch(machine)
        load.wait_for(PAUSE)


def code_first(fleet, load):
    for machine in fleet.rotation:
        fleet.switch(machine)
        load.wait_for(LONG)
        fleet.give(machine)
        load.wait_for(LONG)


def machine_by_machine(fleet, load):
    for machine in fleet.rotation:
        fleet.give(machine)
        fleet.switch(machine)
        load.wait_for(LONG)


def roll_back(fleet, load, release):
    """With directories the links and the code go back; in place it is a deploy as any other."""
    if not fleet.layout.releases:
        fleet.build(release)
        return files_first(fleet, load)
    for machine in fleet.rotation:
        fleet.switch(machine, release)
        load.wait_for(PAUSE)


def assert_well(fleet, release, connection):
    """Every machine has every file that was ever promised, and the originals of that release."""
    promised = {name for manifest in fleet.manifests.values() for name in manifest.values()}
    for machine in fleet.machines:
        wait_until(lambda: fleet.original_is(machine, release), 5, f"{machine}: the originals")
        for name in promised:
            answer = fleet.ask(machine, name, connection)
            assert (answer.status, answer["Cache-Control"]) == (200, IMMUTABLE), (machine, name)
            assert answer["ETag"] == f'"{digest(answer.body)}"'


@every_layout
def test_files_first_no_page_misses_a_file_though_a_machine_dies_and_comes_back(fleet, capsys):
    *_, carl = fleet.machines
    with fleet.visited() as load:
        fleet.build(2)
        files_first(fleet, load)
        carl.die()
        wait_until(lambda: carl not in fleet.rotation, what="the balancer: one machine left out")
        fleet.build(3)
        files_first(fleet, load)
        come_back(fleet, carl)
        load.wait_for(3 * PAUSE)
        roll_back(fleet, load, 2)
        load.wait_for(PAUSE)
    with capsys.disabled():
        print(f"\n{named(type(fleet.layout))}, files first: {load.answered} answers, "
              f"{len(load.failures)} wrong", *load.failures[:5], sep="\n  ")
    assert load.failures == []
    assert load.ask.passed_over == {"carl"}
    with fleet.apache.connect() as connection:
        assert_well(fleet, 2, connection)
        fleet.layout.remove(1)
        fleet.layout.remove(3)
        assert_well(fleet, 2, connection)


def come_back(fleet, machine):
    """It missed a release; what it says of that is kept by no cache, and it has to catch up."""
    machine.serve.start()
    answer = fleet.ask(machine, fleet.manifests[3][WIDE])
    if fleet.layout.shared:
        assert answer.status == 200
    else:
        assert (answer.status, answer["Cache-Control"]) == (404, "no-store")
    assert fleet.original_is(machine, 2)
    fleet.give(machine)
    wait_until(lambda: fleet.answers(machine, 3), 5, "the files that it missed")
    fleet.switch(machine)
    fleet.join(machine)


def roll(fleet, order, releases=(2, 3)):
    """What failed of each release, rolled out in that order, and how much was asked meanwhile."""
    counted = {}
    with fleet.visited() as load:
        load.wait_for(PAUSE)
        for release in releases:
            fleet.build(release)
            failed, answered = len(load.failures), load.answered
            order(fleet, load)
            faults = [fault for _, fault in load.failures[failed:]]
            # Original names of a root that is not prepared yet are answered live.
            missed = [fault for fault in faults if fault.release]
            counted[release] = missed, load.answered - answered + len(faults)
            for machine in fleet.machines:
                wait_until(lambda: fleet.original_is(machine, release), 5, f"{machine}: all")
            settled = len(load.failures) + THREADS  # what is in flight
            load.wait_for(PAUSE)
            assert load.failures[settled:] == []
    return counted


def tell(capsys, fleet, order, counted):
    with capsys.disabled():
        print(f"\n{named(type(fleet.layout))}, {order.__name__.replace('_', ' ')}:")
        for release, (missed, asked) in counted.items():
            kinds = dict(Counter(fault.status for fault in missed))
            print(f"  release {release}: {len(missed)} of {asked} failed "
                  f"({100 * len(missed) / asked:.1f} %): {kinds}")


BAD = [(layout, code_first) for layout in (Rsynced, PreparedThere, SharedState)]
BAD += [(layout, machine_by_machine) for layout in (Rsynced, PreparedThere)]


def told(value):
    return value.__name__


@pytest.mark.parametrize("fleet, order", BAD, ids=told, indirect=["fleet"])
def test_in_another_order_pages_miss_files_for_as_long_as_it_takes(fleet, order, capsys):
    counted = roll(fleet, order)
    tell(capsys, fleet, order, counted)
    for release, (missed, _) in counted.items():
        assert missed, release
        # Old pages miss nothing, and no cache is told to keep the failure.
        assert {fault.release for fault in missed} == {release}
        assert {fault.what.rpartition(", ")[2] for fault in missed} == {"no-store"}
    with fleet.apache.connect() as connection:
        assert_well(fleet, 3, connection)


@pytest.mark.parametrize("fleet", [SharedReleases, SharedState], ids=named, indirect=True)
def test_with_shared_state_what_one_machine_has_prepared_all_have(fleet, capsys):
    counted = roll(fleet, machine_by_machine)
    tell(capsys, fleet, machine_by_machine, counted)
    assert [missed for missed, _ in counted.values()] == [[], []]


@pytest.mark.parametrize("fleet", [SharedReleases, SharedState], ids=named, indirect=True)
def test_each_machine_answers_original_names_of_the_release_that_its_link_names(fleet):
    anna, bert, carl = fleet.machines
    fleet.build(2)
    for machine in fleet.machines:
        fleet.give(machine)
    fleet.wait_until_all_answer()
    assert all(fleet.original_is(machine, 1) for machine in fleet.machines)
    fleet.switch(bert)
    wait_until(lambda: fleet.original_is(bert, 2), 5, "the flipped link")
    assert fleet.original_is(anna, 1) and fleet.original_is(carl, 1)
    fleet.switch(bert, 1)
    wait_until(lambda: fleet.original_is(bert, 1), 5, "the link flipped back")


def test_two_machines_that_collect_and_prepare_by_themselves_have_equal_catalogs(work, project):
    """Whatever the times of their files, and at whatever path they lie."""
    builds = [Rsynced(work, project, ()), Rsynced(work, project, ())]
    seen = set()
    for release in (1, 2, 3, 2):
        for build in builds:
            build.build(release)
        first, second = ((build.state / "catalog").read_bytes() for build in builds)
        assert first == second, release
        seen.add(first)
    assert len(seen) == 4


@pytest.mark.parametrize("fleet", [Rsynced, PreparedThere], ids=named, indirect=True)
def test_all_machines_give_equal_entity_tags_and_know_each_others(fleet):
    brotli = {"Accept-Encoding": "br"}
    for release in (2, 3, 2):
        fleet.build(release)
        for machine in fleet.machines:
            fleet.give(machine)
        wanted = f'"{hash_of(fleet.manifests[release][WIDE])}.br"'
        for machine in fleet.machines:
            wait_until(lambda: fleet.ask(machine, WIDE, **brotli)["ETag"] == wanted, 5, "the tag")
    anna, *others = fleet.machines
    with fleet.apache.connect() as connection:
        for name in [*fleet.manifests[2], *fleet.manifests[3].values()]:
            for accept in (brotli, {"Accept-Encoding": "identity"}):
                tag = fleet.ask(anna, name, connection, **accept)["ETag"]
                again = {**accept, "If-None-Match": tag}
                for machine in others:
                    answer = fleet.ask(machine, name, connection, **accept)
                    assert (answer.status, answer["ETag"]) == (200, tag), (machine, name)
                    assert fleet.ask(machine, name, connection, **again).status == 304


@pytest.mark.parametrize("pool", ["link", "copy", "off"])
def test_only_the_pool_keeps_what_rsync_deletes_from_the_root(work, project, pool):
    with Fleet(work, project, Cleared, {"anna": "body"}, HANDBACK_POOL=pool) as fleet:
        anna, = fleet.machines
        old = fleet.manifests[1][WIDE]
        body = fleet.ask(anna, old).body
        fleet.build(2)
        fleet.give(anna)
        wait_until(lambda: fleet.original_is(anna, 2), 5, "the new release")
        assert not (anna.root / old).exists()
        answer = fleet.ask(anna, old)
        if pool == "off":  # prepare has seen that it is nowhere any more
            assert (answer.status, answer["Cache-Control"]) == (404, "no-store")
        else:
            assert (answer.status, answer["Cache-Control"]) == (200, IMMUTABLE)
            assert answer.body == body


@pytest.mark.parametrize("carried", [True, False], ids=["carried along", "begun anew"])
def test_an_image_answers_former_releases_if_their_state_was_carried_along(
    work, project, site, carried
):
    """A build in a new container: an empty root, and the former image's state or none."""
    former, image = (Rsynced(work, project, ()) for _ in range(2))
    old = former.build(1)[WIDE]
    if carried:
        rsync(former.state, image.state)
    new = image.build(2)[WIDE]
    way = site("proxy", "body", image.site.root, HANDBACK_STATE=image.state)
    assert digest(way.get(new).body) in new
    answer = way.get(old)
    if carried:
        assert (answer.status, answer["Cache-Control"]) == (200, IMMUTABLE)
        assert digest(answer.body) in old
    else:
        assert (answer.status, answer["Cache-Control"]) == (404, "no-store")
