"""JSON lines over a socket, both ways."""

import json
import threading

_LONGEST = 1 << 20


class JsonLines:
    """Wraps a connected socket; `receive` is called when it is readable."""

    def __init__(self, socket):
        self._socket = socket
        self._rest = b""
        self._sending = threading.Lock()

    def fileno(self):
        return self._socket.fileno()

    def send(self, message):
        """Send one object; a peer that is gone is no error here, its end is seen when reading."""
        try:
            with self._sending:
                self._socket.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        except OSError:
            pass

    def receive(self):
        """The objects that arrived, what is not JSON as {"garbage": text}; None at the end of the connection."""
        try:
            data = self._socket.recv(65536)
        except OSError:
            data = b""
        if not data or len(self._rest) > _LONGEST:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [_parsed(line) for line in lines if line.strip()]

    def close(self):
        self._socket.close()


def _parsed(line):
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    return message if isinstance(message, dict) else {"garbage": line[:200].decode("utf-8", "replace")}
