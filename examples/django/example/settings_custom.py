"""A manifest for each release, so that the code of one never reads the manifest of another."""

import os

import django

from .settings_shared import *

STATIC_CONFIG = "custom"
STATIC_ROOT = os.environ.get("STATIC_ROOT", BASE_DIR / "collected" / "custom")

if HANDBACK_PROGRAM:
    STORAGE = "handback_static.storages.PreparedReleaseManifestStaticFilesStorage"
else:
    STORAGE = "handback_static.storages.ReleaseManifestStaticFilesStorage"

if django.VERSION >= (4, 2):
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": STORAGE, "OPTIONS": {"release_id": RELEASE_ID}},
    }
else:
    STATICFILES_STORAGE = STORAGE
