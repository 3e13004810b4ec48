"""Headless Chromium through chromedriver's own protocol, spoken with the standard library."""

import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time

from harness import free_port, wait_until

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1000,800",
]


class Browser:
    def __init__(self):
        self.port = free_port()
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        self.driver = subprocess.Popen(
            ["/usr/bin/chromedriver", f"--port={self.port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            # Chromium writes below its home too, which a service's user may not own.
            env={"PATH": os.environ["PATH"], "HOME": self.profile, "LANG": "C.UTF-8"},
        )
        self.session = None
        try:
            wait_until(self._ready, 20, "chromedriver: ready")
            options = {"binary": "/usr/bin/chromium",
                       "args": ARGUMENTS + [f"--user-data-dir={self.profile}"]}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                      "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"}}
            made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self.session = f"/session/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _ready(self):
        try:
            return self._call("GET", "/status")["ready"]
        except OSError:
            return False

    def _call(self, method, path, data=None):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            body = None if data is None else json.dumps(data)
            link.request(method, path, body, {"Content-Type": "application/json"})
            value = json.loads(link.getresponse().read())["value"]
        finally:
            link.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"chromedriver: {value['error']}: {value['message']}")
        return value

    def open(self, url):
        self._call("POST", f"{self.session}/url", {"url": url})

    def run(self, script):
        """The value of a script's return statement in the page."""
        return self._call("POST", f"{self.session}/execute/sync", {"script": script, "args": []})

    def log(self, kind):
        return self._call("POST", f"{self.session}/se/log", {"type": kind})

    def responses(self):
        """URL, status and headers of everything fetched since the last call."""
        time.sleep(0.3)  # the log lags behind the load event
        for entry in self.log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.responseReceived":
                response = message["params"]["response"]
                headers = {k.lower(): v for k, v in response["headers"].items()}
                yield response["url"], response["status"], headers

    def close(self):
        if self.session:
            self._call("DELETE", self.session)
        self.driver.terminate()
        self.driver.wait(20)
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
