"""The wire between the host board and the rig that plays its hardware: JSON lines on an inherited socket.

Used by the `..._host` ports only; the messages are listed in docs/rig.md.
"""

import json

from lib.aio.ready import readable


class RigLink:
    def __init__(self, file):
        self._file = file
        self._handlers = {}

    def send(self, **message):
        """Tell the rig something; it reads at once, so this does not block."""
        self._file.write(json.dumps(message) + "\n")

    def on(self, op, handler):
        """Have handler(message) called for each message of that kind."""
        self._handlers[op] = handler

    async def run(self):
        """Hand out what comes. The end of the link is the end of the process."""
        line = ""
        while True:
            await readable(self._file)
            piece = self._file.readline()
            if piece is None:
                continue
            if not piece:
                raise SystemExit(0)
            line += piece.decode()
            if line[-1] != "\n":
                continue
            message, line = json.loads(line), ""
            handler = self._handlers.get(message["op"])
            if handler:
                handler(message)
