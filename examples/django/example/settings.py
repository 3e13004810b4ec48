"""The settings that STATIC_CONFIG names; each of these modules can be named as well."""

import os

from django.core.exceptions import ImproperlyConfigured

STATIC_CONFIG = os.environ.get("STATIC_CONFIG", "default")

if STATIC_CONFIG == "default":
    from .settings_default import *
elif STATIC_CONFIG == "manifest":
    from .settings_manifest import *
elif STATIC_CONFIG == "custom":
    from .settings_custom import *
else:
    raise ImproperlyConfigured(f"STATIC_CONFIG={STATIC_CONFIG}: default, manifest or custom")
