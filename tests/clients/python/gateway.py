"""`outcrop serve --replay` as a child process, and what its log and its metrics say."""

import os
import queue
import re
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("OUTCROP_BINARY", ROOT / "target/release/outcrop"))
# The longest wait for anything that a test waits for, in seconds; far more than any of it takes.
PATIENCE = 30


def official_sdk():
    """The `openai` package. Without it the tests that need it are skipped; in CI they have to run."""
    if os.environ.get("CI") == "true":
        import openai

        return openai
    return pytest.importorskip("openai", reason="the official openai package is not installed")


class Gateway:
    """A running gateway. Leaving the context stops it, and fails if it did not end well."""

    def __init__(self, speed, variables=None):
        if not BINARY.exists():
            raise FileNotFoundError(f"{BINARY} is not there: run cargo build --release first")
        command = [BINARY, "serve", "--replay", ROOT / "fixtures", "--listen", "127.0.0.1:0", "--speed", str(speed)]
        # Nothing of this machine's set-up may count.
        environment = {"PATH": os.environ["PATH"], **(variables or {})}
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.address = self.wait_for(r"listening on (http://\S+)")[1]
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            code = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        assert code == 0, f"the gateway ended with {code}"

    @property
    def base_url(self):
        return f"{self.address}/v1"

    def wait_for(self, pattern):
        """The first line of the log, not yet waited for, that matches."""
        deadline = time.monotonic() + PATIENCE
        seen = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self.lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            seen.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no line of the log matches {pattern}:\n" + "".join(seen))

    def metric(self, name):
        """The value of a metric without labels."""
        with urllib.request.urlopen(f"{self.address}/metrics", timeout=PATIENCE) as page:
            text = page.read().decode()
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])

    def wait_for_metric(self, name, value):
        """Asks until a metric has a value. Each question takes its time, so this does not spin."""
        deadline = time.monotonic() + PATIENCE
        while (last := self.metric(name)) != value:
            assert time.monotonic() < deadline, f"{name} stays at {last} instead of {value}"

    def _read(self):
        for line in self.process.stderr:
            self.lines.put(line)
        self.lines.put(None)
