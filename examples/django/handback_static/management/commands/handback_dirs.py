import os

from django.contrib.staticfiles.finders import get_finders
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Prints where static files lie before collectstatic, as HANDBACK_DIRS wants it: for"
        " development, where Handback looks there at each request."
    )
    requires_system_checks = []

    def handle(self, **options):
        directories = []
        for finder in get_finders():
            for storage in self.storages(finder):
                fault = self.fault_of(storage)
                if fault:
                    self.stderr.write(f"left out: {storage.location}: {fault}")
                elif storage.location not in directories:
                    directories.append(storage.location)
        self.stdout.write(":".join(directories))

    def storages(self, finder):
        """In the order in which Django looks; both of Django's own finders have them."""
        if not hasattr(finder, "storages"):
            self.stderr.write(f"left out: {type(finder).__name__}: it is no finder of directories")
            return []
        return finder.storages.values()

    @staticmethod
    def fault_of(storage):
        if getattr(storage, "prefix", None):
            return f'HANDBACK_DIRS cannot express the prefix "{storage.prefix}"'
        if ":" in storage.location:
            return "HANDBACK_DIRS cannot express a colon"
        if not os.path.isdir(storage.location):
            return "there is no such directory"
        return None
