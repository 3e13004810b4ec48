"""Requests to Apache, of which tests/bench/load makes as many as it can, and what they cost."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from figures import Cost, WrongAnswer
from harness import REPOSITORY

CONNECTIONS = 16


def release():
    """The program of the release build."""
    return Path(os.environ.get("HANDBACK_PROGRAM_RELEASE")
                or REPOSITORY / "build/release/bin/handback")


def built(name):
    """What the release build has for the benches."""
    return release().parents[1] / "tests/bench" / name


@dataclass
class Request:
    host: str
    target: str
    headers: dict
    status: int
    body: bytes = b""  # of the right answer, as it is sent

    def text(self):
        lines = [f"GET {self.target} HTTP/1.1", f"Host: {self.host}",
                 *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join(lines) + "\r\n\r\n"

    def judge(self, answer):
        """What is wrong with an answer, or None."""
        if (answer.status, answer.body) != (self.status, self.body):
            return (f"{answer.status} with {len(answer.body)} bytes for {self.target} of"
                    f" {self.host}, not {self.status} with {len(self.body)}")
        return None


def check(apache, request):
    """The bytes too, once; the load looks at every answer's status and length."""
    fault = request.judge(apache.ask(request.target, request.host, headers=request.headers))
    if fault is not None:
        raise WrongAnswer(fault)


def cost(apache, request, seconds):
    """Of one of the requests that so many connections make in that time; the wall time alone, as
    nobody keeps what the programs have spent."""
    done = subprocess.run(
        [built("load"), str(apache.port), str(CONNECTIONS), str(seconds), str(request.status),
         str(len(request.body))], input=request.text(), capture_output=True, text=True)
    if done.returncode == 1:
        raise WrongAnswer(re.sub(r"\s+", " ", done.stderr.strip()))
    done.check_returncode()
    requests, took = map(float, done.stdout.split())
    return Cost(took / requests, 0)
