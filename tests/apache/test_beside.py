"""`prepare --beside DIR`: a catalog in the directory of a program, naming its state directory."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from catalog_file import read
from django_site import ASSETS


class Deployed:
    """A root, its state directory and a cgi-bin in one directory, which can be moved."""

    def __init__(self, work, project):
        self.work = work
        self.home = work.fresh("beside")
        shutil.copytree(project.root, self.home / "static")
        (self.home / "cgi-bin").mkdir()
        shutil.copy2(work.cgi, self.home / "cgi-bin")

    @property
    def catalog(self):
        return self.home / "cgi-bin/handback.catalog"

    def settings(self):
        return {"STATIC_ROOT": str(self.home / "static"),
                "HANDBACK_STATE": str(self.home / "state")}

    def prepare(self, *options, **settings):
        environment = {"PATH": os.environ["PATH"], **self.settings(), **settings}
        return subprocess.run([self.work.program, "prepare", *map(str, options)], text=True,
                              env=environment, cwd=self.home, capture_output=True, timeout=60)

    def ask(self, target, settings=()):
        """Head, body and diagnoses of the CGI, told nothing of the site unless asked to."""
        environment = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
                       "REQUEST_URI": target, "PATH": os.environ["PATH"], **dict(settings)}
        done = subprocess.run([self.home / "cgi-bin/handback.cgi"], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        return head.decode(), body, done.stderr.decode()


@pytest.fixture
def deployed(work, project):
    return Deployed(work, project)


def serves(deployed):
    head, body, said = deployed.ask("/static/data.json")
    return head.startswith("Status: 200 ") and body == ASSETS["data.json"] and said == ""


def test_the_program_beside_it_needs_no_environment(deployed):
    done = deployed.prepare("--beside", "cgi-bin")
    assert (done.returncode, done.stderr) == (0, "")
    assert serves(deployed)


def test_everything_may_be_moved_together(deployed):
    deployed.prepare("--beside", "cgi-bin")
    moved = deployed.work.fresh("moved") / "elsewhere"
    deployed.home = Path(shutil.move(deployed.home, moved))
    assert serves(deployed)


def test_it_has_the_names_and_the_date_of_the_catalog_in_the_state_directory(deployed):
    deployed.prepare("--beside", "cgi-bin")
    state = deployed.home / "state/catalog"
    assert deployed.catalog.stat().st_mtime_ns == state.stat().st_mtime_ns
    assert read(deployed.catalog.read_bytes()) == read(state.read_bytes())


def test_a_later_prepare_writes_it_anew_without_being_told(deployed):
    deployed.prepare("--beside", "cgi-bin")
    before = deployed.catalog.read_bytes()
    done = deployed.prepare("--json", HANDBACK_MAX_AGE="77")
    assert '"changed": true' in done.stdout
    assert deployed.catalog.read_bytes() != before
    assert "max-age=77" in deployed.ask("/static/data.json")[0]


def test_a_prepare_with_nothing_to_do_leaves_it_alone(deployed):
    deployed.prepare("--beside", "cgi-bin")
    before = deployed.catalog.stat()
    done = deployed.prepare("--beside", "cgi-bin", "--json")
    assert '"changed": false' in done.stdout
    after = deployed.catalog.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_one_that_somebody_has_removed_is_forgotten(deployed):
    deployed.prepare("--beside", "cgi-bin")
    deployed.catalog.unlink()
    assert deployed.prepare().returncode == 0
    assert not deployed.catalog.exists()
    assert (deployed.home / "state/beside").read_text() == ""


def test_a_dry_run_says_that_it_would_be_written_and_writes_nothing(deployed):
    deployed.prepare()
    done = deployed.prepare("--beside", "cgi-bin", "--dry-run", "--json")
    assert '"changed": true' in done.stdout
    assert not deployed.catalog.exists() and not (deployed.home / "state/beside").exists()


def test_a_directory_that_is_not_there_is_told_before_anything_is_done(deployed):
    done = deployed.prepare("--beside", "cgi-bim")
    assert done.returncode == 2 and "HB0084" in done.stderr
    assert "No such file" in done.stderr
    assert not (deployed.home / "state/catalog").exists()


def test_a_directory_that_is_gone_later_is_a_fault_and_the_rest_is_done(deployed):
    (deployed.home / "other").mkdir()
    deployed.prepare("--beside", "cgi-bin")
    deployed.prepare("--beside", "other")
    (deployed.home / "other/handback.catalog").unlink()
    (deployed.home / "other/handback.catalog").mkdir()
    done = deployed.prepare(HANDBACK_MAX_AGE="77")
    assert done.returncode == 1 and "HB0084" in done.stderr
    assert "max-age=77" in deployed.ask("/static/data.json")[0]


def test_a_mere_copy_of_the_catalog_is_refused(deployed):
    deployed.prepare()
    shutil.copy2(deployed.home / "state/catalog", deployed.catalog)
    head, _, said = deployed.ask("/static/data.json")
    assert head.startswith("Status: 503 ") and "HB0039" in said


def test_it_is_refused_in_a_state_directory(deployed):
    deployed.prepare("--beside", "cgi-bin")
    shutil.copy2(deployed.catalog, deployed.home / "state/catalog")
    deployed.catalog.unlink()
    done = subprocess.run(
        [deployed.work.program, "explain", "/static/data.json"], text=True, capture_output=True,
        timeout=20, env=deployed.settings())
    assert "HB0039" in done.stderr


def test_a_state_directory_that_was_moved_may_leave_a_link(deployed, project):
    deployed.prepare("--beside", "cgi-bin")
    (deployed.home / "disk").mkdir()
    shutil.move(deployed.home / "state", deployed.home / "disk/state")
    (deployed.home / "state").symlink_to("disk/state")
    tag = project.manifest()["data.json"].split(".")[1]
    assert f'ETag: "{tag}"' in deployed.ask("/static/data.json")[0]  # not that of a live file


def test_one_that_is_set_aside_is_told_once_by_whoever_answers(deployed):
    """With the full program beside it both look at the same catalog."""
    deployed.prepare()
    shutil.copy2(deployed.work.program, deployed.home / "cgi-bin/handback")
    (deployed.home / "state/catalog").write_bytes(b"HANDBACK" + 4096 * b"?")
    _, _, said = deployed.ask("/static/data.json", deployed.settings())
    assert said.count("HB003") == 1


def test_a_file_is_no_directory_and_is_not_remembered(deployed):
    """The program itself is the likely mistake: whoever owns it may write and execute it."""
    done = deployed.prepare("--beside", "cgi-bin/handback.cgi")
    assert done.returncode == 2 and "HB0084" in done.stderr and "Not a directory" in done.stderr
    assert not (deployed.home / "state/catalog").exists()


def test_a_directory_that_became_a_file_is_forgotten(deployed):
    (deployed.home / "other").mkdir()
    deployed.prepare("--beside", "other")
    shutil.rmtree(deployed.home / "other")
    (deployed.home / "other").write_text("")
    assert deployed.prepare().returncode == 0
    assert (deployed.home / "state/beside").read_text() == ""


def test_a_directory_whose_name_would_be_two_lines_is_refused(deployed):
    (deployed.home / "one\nother").mkdir()
    done = deployed.prepare("--beside", "one\nother")
    assert done.returncode == 2 and "HB0084" in done.stderr


def test_what_another_state_directory_has_put_there_since_is_left_to_it(deployed):
    """A copy of a state directory remembers the same directories as the one it was copied from."""
    deployed.prepare("--beside", "cgi-bin")
    shutil.copytree(deployed.home / "state", deployed.home / "copy")
    before = deployed.catalog.read_bytes()
    copy = str(deployed.home / "copy")
    assert deployed.prepare(HANDBACK_STATE=copy, HANDBACK_MAX_AGE="77").returncode == 0
    assert deployed.catalog.read_bytes() == before
    assert (deployed.home / "copy/beside").read_text() == ""
    deployed.prepare("--beside", "cgi-bin", HANDBACK_STATE=copy, HANDBACK_MAX_AGE="77")
    assert "max-age=77" in deployed.ask("/static/data.json")[0]


def test_a_state_directory_that_was_moved_keeps_its_programs(deployed):
    deployed.prepare("--beside", "cgi-bin")
    shutil.move(deployed.home / "state", deployed.home / "moved")
    deployed.prepare(HANDBACK_STATE=str(deployed.home / "moved"), HANDBACK_MAX_AGE="77")
    assert "max-age=77" in deployed.ask("/static/data.json")[0]


def test_who_may_read_the_root_may_read_it_in_a_directory_of_root(deployed):
    """`sudo handback prepare`, a root that only www-data may enter, and root's cgi-bin."""
    web = pwd.getpwnam("www-data")
    os.chown(deployed.home / "static", web.pw_uid, web.pw_gid)
    (deployed.home / "static").chmod(0o750)
    deployed.prepare("--beside", "cgi-bin")
    status = deployed.catalog.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (0, web.pw_gid, 0o640)


def test_a_copy_of_the_program_named_handback_does_not_start_itself(deployed):
    shutil.copy2(deployed.work.cgi, deployed.home / "cgi-bin/handback")
    shutil.copy2(deployed.work.cgi, deployed.home / "cgi-bin/handback.cgi")
    head, _, _ = deployed.ask("/static/data.json")
    assert head.startswith("Status: 503 ")


def test_it_may_be_linked_to_through_a_link_to_its_directory(deployed, project):
    """`..` in what it names starts from where it really lies."""
    (deployed.home / "programs/5").mkdir(parents=True)
    deployed.prepare("--beside", "programs/5")
    (deployed.home / "current").symlink_to("programs/5")
    deployed.catalog.symlink_to("../current/handback.catalog")
    tag = project.manifest()["data.json"].split(".")[1]
    assert f'ETag: "{tag}"' in deployed.ask("/static/data.json")[0]  # not that of a live file


def test_as_many_links_may_lead_to_it_as_the_system_follows(deployed):
    deployed.prepare()
    (deployed.home / "0").symlink_to("state/catalog")
    for i in range(1, 30):
        (deployed.home / str(i)).symlink_to(str(i - 1))
    deployed.catalog.symlink_to("../29")
    assert serves(deployed)


def test_that_in_the_state_directory_may_be_a_link_to_one_of_another_name(deployed):
    """As for the full program: the environment says which directory the state directory is."""
    deployed.prepare()
    (deployed.home / "state/catalog").rename(deployed.home / "state/catalog-1")
    (deployed.home / "state/catalog").symlink_to("catalog-1")
    head, _, said = deployed.ask("/static/data.json",
                                 {"HANDBACK_STATE": str(deployed.home / "state")})
    assert head.startswith("Status: 200 ") and said == ""


def test_a_directory_that_clients_can_ask_for_is_refused(deployed):
    (deployed.home / "static/bin").mkdir()
    done = deployed.prepare("--beside", "static/bin")
    assert done.returncode == 2 and "HB0084" in done.stderr and "below a root" in done.stderr
    assert not (deployed.home / "static/bin/handback.catalog").exists()


def test_two_mounts_of_one_url_are_bad_settings(deployed):
    deployed.prepare("--beside", "cgi-bin")
    settings = {"MEDIA_ROOT": str(deployed.home), "MEDIA_URL": "/static/"}
    head, _, said = deployed.ask("/static/data.json", settings)
    assert head.startswith("Status: 503 ") and "HB0004" in said


def test_prepare_says_where_it_has_put_it(deployed):
    done = deployed.prepare("--beside", "cgi-bin")
    assert f"beside:   {deployed.catalog} (new)\n" in done.stdout and "note:" not in done.stdout
    assert f"beside:   {deployed.catalog} (as it was)\n" in deployed.prepare().stdout


def test_a_directory_without_the_program_is_asked_about(deployed):
    (deployed.home / "public").mkdir()
    done = deployed.prepare("--beside", "public")
    assert done.returncode == 0 and "there is no handback.cgi beside it" in done.stdout


def test_the_program_in_place_of_its_directory_is_told_what_is_wanted(deployed):
    done = deployed.prepare("--beside", "cgi-bin/handback.cgi")
    assert done.returncode == 2 and "it takes the directory of handback.cgi" in done.stderr
