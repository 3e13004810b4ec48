"""Handback's part in a Django project: copy this directory into yours.

release   which release this code is
storages  a manifest for each release; collectstatic that runs "handback prepare"

With "handback_static" in INSTALLED_APPS there is also "manage.py handback_dirs".
"""
