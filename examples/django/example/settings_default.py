"""As "startproject" has it: files keep their names, so nothing may be cached for long."""

import os

from .settings_shared import *

STATIC_CONFIG = "default"
STATIC_ROOT = os.environ.get("STATIC_ROOT", BASE_DIR / "collected" / "default")
