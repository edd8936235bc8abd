"""The maker's Python client in a process of its own, as the tests talk to it: see pyiskra_client.py."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent.parent
VERSIONS = tuple(
    line.split()[0].split("==")[1]
    for line in (TOP / "tools" / "requirements-pyiskra.txt").read_text().splitlines()
    if line.startswith("pyiskra==")
)
_END_S = 15


class Pyiskra:
    """A context manager. `create` and `update` return what the client has then, {"error": class, "text": ...} if it raised."""

    def __init__(self, version):
        path = TOP / ".tools" / "pyiskra" / version
        assert path.is_dir(), f"{path} is missing: tools/setup test"
        self.version = version
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("pyiskra_client.py"))],
            env={**os.environ, "PYTHONPATH": str(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _do(self, **order) -> dict[str, Any]:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the client's process ended"
        return json.loads(line)

    def gateway(self, rig, user="", password=""):
        """Create the gateway of a rig and its children over REST."""
        host = rig.ready["http"].removeprefix("http://")
        return self._do(do="create", protocol="rest", host=host, user=user, password=password)

    def modbus(self, protocol, port, address, host=None):
        """Create one meter over Modbus: "tcp" at host and port, or "rtu" at a terminal's path."""
        return self._do(do="create", protocol=protocol, host=host, port=port, address=address)

    def update(self, child=None):
        return self._do(do="update") if child is None else self._do(do="update", child=child)
