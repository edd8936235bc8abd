"""Debian's mosquitto on loopback, as a foreign broker for tests.

    with Mosquitto(folder) as broker: ...                                       # anybody, without TLS
    with Mosquitto(folder, server=identity) as broker: ...                      # TLS
    with Mosquitto(folder, server=identity, clients=authority) as broker: ...   # TLS, and clients show a certificate
    with Mosquitto(folder, users={"name": "password"}) as broker: ...

Identities and authorities are those of host_tests/authority.py.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from host_tests.gateway import eventually

PATIENCE_S = 20
PROGRAM = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin") or "mosquitto"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Mosquitto:
    """`port`: with TLS if there is a `server`. `plain_port`: always without TLS, for the test's own clients."""

    def __init__(self, folder, server=None, clients=None, users=None, options=()):
        """`options`: further lines of mosquitto.conf, for all listeners."""
        self._folder = folder
        self.plain_port = free_port()
        self.port = free_port() if server else self.plain_port
        lines = [f"listener {self.plain_port} 127.0.0.1", "log_type all", "log_dest stderr", *options]
        lines.append(f"allow_anonymous {'false' if users else 'true'}")
        if os.geteuid() == 0:
            lines.append("user root")  # it would give its rights away, and could not read the test's files
        if users:
            path = folder / "passwords"
            path.touch(mode=0o600)
            for name, password in users.items():
                subprocess.run(["mosquitto_passwd", "-b", path, name, password], check=True, capture_output=True)
            lines.append(f"password_file {path}")
        if server:
            certificate, key = server.save(folder, "server")
            lines += [f"listener {self.port} 127.0.0.1", f"certfile {certificate}", f"keyfile {key}"]
        if clients:
            (folder / "clients.pem").write_bytes(clients.identity.pem)
            lines += [f"cafile {folder / 'clients.pem'}", "require_certificate true"]
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text("\n".join(lines) + "\n")
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        """Start it, or start it again at the same ports; return when it serves."""
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", self._conf], stderr=log, stdout=log)
        for port in {self.plain_port, self.port}:
            eventually(lambda port=port: self._serves(port), f"mosquitto does not start: {self.log()}")

    def _serves(self, port):
        assert self._process.poll() is None, self.log()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True

    def kill(self, how=signal.SIGKILL):
        """End it; with SIGTERM it closes its connections in good order."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE_S)

    def freeze(self, is_frozen=True):
        """Stop the process without ending it: connections stay and nobody answers."""
        self._process.send_signal(signal.SIGSTOP if is_frozen else signal.SIGCONT)

    def log(self):
        return (self._folder / "mosquitto.log").read_text(errors="replace")


class Receiver:
    """A paho-mqtt client at the plain port: everything that is published, as (topic, payload, qos, retain) in `messages`."""

    def __init__(self, broker, topic="#", user=None, password=None):
        self.messages = []
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._topic = topic
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _, __, got: self.messages.append((got.topic, got.payload, got.qos, got.retain))
        if user:
            self._client.username_pw_set(user, password)
        self._client.connect("127.0.0.1", broker.plain_port)
        self._client.loop_start()
        assert self._subscribed.wait(PATIENCE_S), "paho-mqtt is not served"

    def _connected(self, client, *_):
        client.subscribe(self._topic, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def until_lost(self):
        """Wait until it has noticed that the broker died: all that was sent to it has come by then."""
        eventually(lambda: not self._client.is_connected(), "paho-mqtt does not notice that the broker is gone")

    def publish(self, topic, payload, qos=1, retain=False):
        self._client.publish(topic, payload, qos, retain).wait_for_publish(PATIENCE_S)

    def payloads(self, topic):
        return [payload for name, payload, _, _ in self.messages if name == topic]

    def wait(self, topic, count=1):
        """Wait until there are so many messages of a topic; return their payloads."""
        eventually(lambda: len(self.payloads(topic)) >= count, f"{topic}: {len(self.payloads(topic))} of {count} messages came")
        return self.payloads(topic)
