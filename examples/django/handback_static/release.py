"""Which release this code is.

collectstatic writes the manifest of that release and the web server's processes read it, often as
another user and with another environment: both have to find the same id.
"""

import os
import subprocess
from pathlib import Path


def find_release_id(base_dir):
    """The first id that one of the sources knows, else None."""
    return from_environment() or from_file(Path(base_dir, "RELEASE_ID")) or from_git(base_dir)


def from_environment():
    """Heroku knows the commit under the second name while it builds, under the third later."""
    names = ("RELEASE_ID", "SOURCE_VERSION", "HEROKU_BUILD_COMMIT")
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def from_file(path):
    """What the deploy has written, for a copy of the code that has no .git any more."""
    try:
        return Path(path).read_text().strip() or None
    except FileNotFoundError:
        return None


def from_git(base_dir):
    """The commit that is checked out, if this is a working copy."""
    # Without the setting git refuses to read a working copy of another user, and the web
    # server's user mostly is another one.
    command = ["git", "-c", "safe.directory=*", "rev-parse", "--verify", "--quiet", "HEAD"]
    # In a hook of git these name another repository, in a web server nothing does.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, cwd=base_dir, env=environment, capture_output=True, text=True
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None
