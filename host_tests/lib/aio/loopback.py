"""A UDP peer on loopback that lives in the test's own loop. Runs inside MicroPython."""

import asyncio
import socket
from random import getrandbits


class Peer:
    """Answer each datagram with what `answer(datagram)` returns: a list of datagrams, each sent at once.

    A pair (peer, datagram) in the list is sent from the other peer's socket. `asked` keeps what came, `sender` from where.
    """

    def __init__(self, answer=lambda datagram: ()):
        self.asked = []
        self.sender = None
        self._answer = answer
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        while True:  # the unix port cannot say which port it was given
            self.port = 20000 + getrandbits(13)
            try:
                self.sock.bind(socket.getaddrinfo("127.0.0.1", self.port)[0][-1])
                break
            except OSError:
                continue
        self.address = ("127.0.0.1", self.port)
        self.host = f"127.0.0.1:{self.port}"
        self._task = asyncio.create_task(self._serve())

    def close(self):
        self._task.cancel()
        self.sock.close()

    async def _serve(self):
        while True:
            await _readable(self.sock)
            datagram, self.sender = self.sock.recvfrom(1500)
            self.asked.append(datagram)
            for reply in self._answer(datagram):
                sock = self.sock
                if isinstance(reply, tuple):
                    sock = reply[0].sock
                    reply = reply[1]
                sock.sendto(reply, self.sender)


def _readable(sock):
    yield asyncio.core._io_queue.queue_read(sock)
