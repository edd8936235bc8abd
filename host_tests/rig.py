"""Starts the rig for a test and takes it down again: `with Rig(bits=32, fast=True) as rig: rig.get("/")`."""

import http.client
import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
_READY_S = 90
_END_S = 15
_LONG = {"meters", "settings"}  # options whose value is content: written to a file first


class RigFailed(Exception):
    """The rig ended, or answered {"error": ...}."""


class RigProcess:
    """Any command that speaks the rig's interface on its standard output."""

    def __init__(self, command):
        self._command = command
        self._control = self._answers = None
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = None
        self.ready = {}

    def __enter__(self):
        # Its standard input is a pipe: should this process be killed, the rig sees its end and goes too.
        self.process = subprocess.Popen(
            self._command, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait(_END_S)
            errors = self.errors()
            self.close()
            raise RigFailed(f"exit status {status}: {errors}")
        self.ready = json.loads(line)
        return self

    def __exit__(self, *exc):
        self.close()

    def errors(self):
        """What it printed to standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def control(self, op, **fields):
        """One operation of the control channel; returns its answer, raises RigFailed with its error."""
        if self._control is None:
            self._control = socket.create_connection(self.ready["control"], _READY_S)
            self._answers = self._control.makefile("rb")
        self._control.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
        line = self._answers.readline()
        if not line:
            raise RigFailed(f"the control channel closed: {self.errors()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RigFailed(answer["error"])
        return answer

    def get(self, path, headers=None, method="GET", body=None):
        """(status, headers, body) of one HTTP request to the gateway."""
        address = self.ready["http"].removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def get_json(self, path):
        status, _, body = self.get(path)
        if status != 200:
            raise RigFailed(f"{path} answered {status}: {body!r}")
        return json.loads(body)

    def log(self):
        """The gateway's output so far."""
        return Path(self.ready["log"]).read_text(errors="replace")

    def wait(self):
        """Wait until the rig ends by itself; returns its exit status."""
        return self.process.wait(_READY_S)

    def close(self):
        """Stop it by the end of its standard input, by force when that does not help."""
        if self._control is not None:
            self._answers.close()
            self._control.close()
            self._control = None
        if self.process is not None:
            self.process.stdin.close()
            try:
                self.process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            self.process = None
        self._errors.close()


class Rig(RigProcess):
    """`python -m tools.rig up --json` with options by name: bits=32, frozen=True, heap="112k", fast=True, flash=PATH, ...

    `meters` and `settings` may be content (list, dict) or a path; `port` is a dict {"rs485": "/dev/pts/7"},
    `release_key` one {1: "00..ff"}.
    """

    def __init__(self, **options):
        self._folder = tempfile.TemporaryDirectory(prefix="opensg-test-")
        command = [sys.executable, "-m", "tools.rig", "up", "--json"]
        for name, value in options.items():
            option = "--" + name.replace("_", "-")
            if value is None or value is False:
                continue
            if value is True:
                command.append(option)
            elif name == "port":
                for port, tty in value.items():
                    command += [option, f"{port}={tty}"]
            elif name == "release_key":
                for number, key in value.items():
                    command += [option, f"{number}={key}"]
            else:
                if name in _LONG and not isinstance(value, (str, Path)):
                    file = Path(self._folder.name) / f"{name}.json"
                    file.write_text(json.dumps(value))
                    value = file
                command += [option, str(value)]
        super().__init__(command)

    def close(self):
        super().close()
        self._folder.cleanup()
