"""Each file gets a name with the hash of its content, and may then be cached for ever.

The next collectstatic replaces the one manifest; "handback prepare" keeps a copy of each.
"""

import os

import django

from .settings_shared import *

STATIC_CONFIG = "manifest"
STATIC_ROOT = os.environ.get("STATIC_ROOT", BASE_DIR / "collected" / "manifest")

if HANDBACK_PROGRAM:
    STORAGE = "handback_static.storages.PreparedManifestStaticFilesStorage"
else:
    STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"

if django.VERSION >= (4, 2):
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": STORAGE},
    }
else:
    STATICFILES_STORAGE = STORAGE
