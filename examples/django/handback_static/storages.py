"""Storages for the static files of a site that Handback serves.

Name one as STATICFILES_STORAGE before Django 4.2, in STORAGES["staticfiles"] since.
"""

import os
import re
import subprocess
import sys

import django
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, StaticFilesStorage
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError


def checked_release_id(option=None):
    """The option, else the id of the settings, if it can name a directory in STATIC_ROOT."""
    release_id = option or getattr(settings, "RELEASE_ID", None)
    if not release_id:
        raise ImproperlyConfigured(
            "No release id: set RELEASE_ID in the environment, write the file RELEASE_ID, or let"
            " this user read .git"
        )
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", release_id):
        raise ImproperlyConfigured(f"The release id {release_id!r} cannot name a directory")
    return release_id


if django.VERSION >= (4, 2):

    class ReleaseManifestStaticFilesStorage(ManifestStaticFilesStorage):
        """Writes and reads the manifest as STATIC_ROOT/<release>/staticfiles.json.

        The release is the option "release_id", else RELEASE_ID of the settings.
        """

        def __init__(self, location=None, *args, release_id=None, **kwargs):
            self.release_id = checked_release_id(release_id)
            root = location or settings.STATIC_ROOT
            # Without a root Django says what is missing when the manifest is read.
            directory = root and os.path.join(root, self.release_id)
            super().__init__(
                location, *args, manifest_storage=StaticFilesStorage(directory), **kwargs
            )

else:

    class ReleaseManifestStaticFilesStorage(ManifestStaticFilesStorage):
        """Writes and reads the manifest as STATIC_ROOT/<release>/staticfiles.json.

        The release is RELEASE_ID of the settings.
        """

        @property
        def release_id(self):
            return checked_release_id()

        @property
        def manifest_name(self):
            return f"{self.release_id}/staticfiles.json"


class PrepareMixin:
    """Makes collectstatic run "handback prepare" once everything is written, the manifest too.

    HANDBACK_PROGRAM of the settings is the program, else "handback" on PATH. HANDBACK_STATE of the
    settings is the state directory, else that of the environment, else STATIC_ROOT/.handback; the
    program that serves needs the same one.
    """

    def post_process(self, *args, **kwargs):
        yield from super().post_process(*args, **kwargs)
        if not kwargs.get("dry_run"):
            self.prepare()

    def prepare(self):
        program = getattr(settings, "HANDBACK_PROGRAM", None) or "handback"
        try:
            done = subprocess.run(
                [program, "prepare"],
                env=self.prepare_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise CommandError(
                f"{program} cannot be run ({error.strerror}): name the program by HANDBACK_PROGRAM"
                " in the settings, or put handback on PATH"
            ) from error
        if done.returncode == 0:
            sys.stdout.write(done.stdout)
            sys.stderr.write(done.stderr)
        elif done.returncode == 1:
            # Faults of single files: the site is prepared all the same.
            sys.stderr.write(done.stderr + done.stdout)
        else:
            said = (done.stderr + done.stdout).strip()
            raise CommandError(said or f"{program} prepare ended with code {done.returncode}")

    def prepare_environment(self):
        values = {
            "STATIC_ROOT": self.location,
            "STATIC_URL": self.base_url,
            "HANDBACK_STATE": getattr(settings, "HANDBACK_STATE", None),
            "RELEASE_ID": getattr(self, "release_id", getattr(settings, "RELEASE_ID", None)),
        }
        environment = {**os.environ, **{k: os.fspath(v) for k, v in values.items() if v}}
        # A setting of Django: the program refuses HANDBACK_ variables that it does not know.
        environment.pop("HANDBACK_PROGRAM", None)
        # Where collectstatic is started by a CGI program, this would make a CGI of ours as well.
        environment.pop("GATEWAY_INTERFACE", None)
        return environment


class PreparedManifestStaticFilesStorage(PrepareMixin, ManifestStaticFilesStorage):
    """Django's own storage; prepare keeps what the next collectstatic replaces."""


class PreparedReleaseManifestStaticFilesStorage(PrepareMixin, ReleaseManifestStaticFilesStorage):
    """A manifest for each release, and prepare."""
