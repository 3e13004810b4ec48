"""A small site with the admin: all but how its static files are kept.

What differs between machines comes from the environment.
"""

import os
import shutil
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from handback_static.release import find_release_id

BASE_DIR = Path(__file__).resolve().parent.parent

# A key made here dies with the process, and with it every login: set one for a real site.
SECRET_KEY = os.environ.get("SECRET_KEY") or get_random_secret_key()
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "handback_static",
    "pages",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "example.urls"
WSGI_APPLICATION = "example.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", BASE_DIR / "db.sqlite3"),
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
USE_TZ = True

# Handback reads variables of the same names.
STATIC_URL = os.environ.get("STATIC_URL", "/static/")
RELEASE_ID = find_release_id(BASE_DIR)
# Without it the state directory is STATIC_ROOT/.handback; one beside STATIC_ROOT outlives
# "collectstatic --clear". Whatever answers for the files has to be told the same one.
HANDBACK_STATE = os.environ.get("HANDBACK_STATE")

# This example also runs on a machine without the program: then nothing is prepared. A site of your
# own names a storage that prepares, whatever the machine, and collectstatic fails without it.
HANDBACK_PROGRAM = os.environ.get("HANDBACK_PROGRAM") or shutil.which("handback")
