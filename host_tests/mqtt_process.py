"""What tests of lib/mqtt share: the client in a MicroPython of its own, and a fake broker that misbehaves as told."""

import contextlib
import json
import os
import socket
import subprocess
import threading
from pathlib import Path

from host_tests.gateway import eventually

TOP = Path(__file__).resolve().parents[1]
PATIENCE_S = 30
CONNACK = b"\x20\x02\0\0"


class MqttProcess:
    """host_tests/peers/mqtt_client.py: `events` is what it told, `errors` what should not be there."""

    def __init__(self, width=64, heap="1m", **given):
        """`given`: see there; bytes are handed over as hex."""
        given = {name: value.hex() if isinstance(value, bytes) else value for name, value in given.items()}
        command = [TOP / ".tools" / "bin" / f"micropython{width}", "-X", f"heapsize={heap}"]
        command += [TOP / "host_tests" / "peers" / "mqtt_client.py"]
        path = f"{TOP}:{TOP / '.tools' / 'device'}:.frozen"
        self.process = subprocess.Popen(
            [*map(str, command)],
            cwd=TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(os.environ, MICROPYPATH=path),
        )
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()
        self.events = []
        self._since = 0
        self.errors = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        assert self.process.stdout
        for line in self.process.stdout:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self.errors.append(line)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        if kind is None:
            assert not self.errors, "".join(self.errors)

    def say(self, op, **what):
        self.process.stdin.write(json.dumps({"op": op, **what}) + "\n")
        self.process.stdin.flush()

    def publish(self, topic, payload="", **what):
        self.say("publish", topic=topic, payload=payload, **what)

    def told(self, event, **what):
        """All events of the name with these values."""
        return [one for one in list(self.events) if one["event"] == event and all(one.get(k) == v for k, v in what.items())]

    def wait(self, event, count=1, **what):
        """Wait until so many of them have been told; return the last of these."""
        return eventually(
            lambda: self.told(event, **what)[count - 1 :],
            lambda: f"no {count} of {event} {what}: {self.events[-20:]} {self.errors}",
            PATIENCE_S,
        )[0]

    def connected(self, count=1):
        """Wait until it is connected, for the so-many-th time."""
        return self.wait("state", count, state="connected")

    def cause(self):
        """Wait until it waits for its next try, since the last again() if there was one; return why."""
        return eventually(
            lambda: [one for one in self.events[self._since :] if one.get("state") == "waiting"],
            lambda: f"no end of a connection: {self.events[-20:]} {self.errors}",
            PATIENCE_S,
        )[0]["cause"]

    def halt(self):
        """Cancel run(); return when it has ended."""
        before = len(self.told("cancelled"))
        self.say("cancel")
        assert self.wait("cancelled", before + 1)["state"] == "off"

    def again(self):
        """Start run() again, behind halt()."""
        self._since = len(self.events)
        self.say("run")

    def memory(self):
        before = len(self.told("memory"))
        self.say("memory")
        return self.wait("memory", before + 1)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class FakeBroker:
    """Serves each connection with `serve(peer, number)`, in a thread; `received` keeps what the connections sent."""

    def __init__(self, serve):
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.peers = []
        self.received = []
        self._is_over = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._is_over = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            peer.close()

    def _accept(self):
        while not self._is_over:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            peer = Peer(sock)
            self.peers.append(peer)
            threading.Thread(target=self._run, args=(peer, len(self.peers)), daemon=True).start()

    def _run(self, peer, number):
        with contextlib.suppress(OSError, EOFError):
            self._serve(peer, number)


class Peer:
    """The broker's side of a connection: packets in, bytes out. Raises EOFError when the client has closed."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(PATIENCE_S)

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def packet(self):
        """(first byte, body) of the next packet."""
        first = self.exactly(1)[0]
        size = shift = 0
        while True:
            byte = self.exactly(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return first, self.exactly(size)

    def send(self, data):
        self.sock.sendall(data)

    def greet(self):
        """Take CONNECT and accept it; return its body."""
        first, body = self.packet()
        assert first == 0x10
        self.send(CONNACK)
        return body

    def until_closed(self):
        """Take whatever comes until the client closes."""
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass


def publish(topic, payload, qos=0, packet_id=1, retain=False, size=None):
    """A PUBLISH packet of a broker; with `size` the length it says, whatever the payload."""
    body = len(topic).to_bytes(2, "big") + topic + (packet_id.to_bytes(2, "big") if qos else b"")
    left = len(body) + (len(payload) if size is None else size)
    length = b""
    while True:
        length += bytes((left & 0x7F | (0x80 if left > 0x7F else 0),))
        left >>= 7
        if not left:
            return bytes((0x30 | qos << 1 | retain,)) + length + body + payload
