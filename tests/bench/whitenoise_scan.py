"""A fresh process: WhiteNoise scans a root, says what that took, and answers for some names.

Arguments: the root, and names below it. Prints JSON.
"""

import hashlib
import json
import sys
import time
from wsgiref.util import setup_testing_defaults

from whitenoise import WhiteNoise


def no_application(environ, start_response):
    start_response("404 Not Found", [])
    return []


def answer(whitenoise, name):
    """[status, md5 of the body]"""
    environ, seen = {"PATH_INFO": f"/static/{name}"}, []
    setup_testing_defaults(environ)
    body = whitenoise(environ, lambda status, headers: seen.append(status))
    return [seen[0][:3], hashlib.md5(b"".join(body)).hexdigest()]


def main(root, *names):
    whitenoise = WhiteNoise(no_application, autorefresh=False)
    wall, cpu = time.perf_counter(), time.process_time()
    whitenoise.add_files(root, prefix="/static/")
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    answers = {name: answer(whitenoise, name) for name in names}
    json.dump({"wall": wall, "cpu": cpu, "answers": answers}, sys.stdout)


main(*sys.argv[1:])
