"""The task that hears searches, over loopback: what it loads, how much it answers, ports that are taken, sockets that break."""

import asyncio
import errno
import socket

from firmware.services import discovery, discovery_sockets
from host_tests.fakes.searched import searched
from host_tests.lib.aio.loopback import Peer, _readable
from lib.aio.binding import bound

SEARCH = b"\x00\x00\x00\x1a"
QUERY = b"\xab\xcd\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00\x20" + b"FDEHDADADADADBDHCACACACACACACACA" + b"\x00\x00\x20\x00\x01"
STATUS = QUERY[:12] + b"\x20CK" + b"A" * 30 + b"\x00\x00\x21\x00\x01"
ANSWER, NETBIOS = "firmware.services.discovery_answer", "firmware.services.netbios_answer"
SAVED, COST, READS = 8, 2, 8  # of firmware/services/discovery.py


class Service:
    """Both sockets on free ports, looked at when a test says so, and a client."""

    def __init__(self, *ports):
        self.gateway = searched("127.0.0.1", "255.0.0.0")
        platform = self.gateway.platform
        platform.discovery_port, platform.netbios_port = ports or (0, 0)
        self.ports, self.sockets, self.poll = discovery_sockets.open(self.gateway)
        self.client = bound(socket.SOCK_DGRAM, "127.0.0.1", 0)[0]

    def close(self):
        for sock in self.sockets[:2] + [self.client]:
            if sock:
                sock.close()

    def send(self, index, *datagrams):
        there = socket.getaddrinfo("127.0.0.1", self.ports[index])[0][-1]
        for datagram in datagrams:
            self.client.sendto(datagram, there)

    def look(self, times=1, retry=False):
        for _ in range(times):
            discovery._look(self.gateway, self.sockets, self.poll, retry)

    def received(self):
        """All answers there are."""
        answers = []
        while True:
            try:
                answers.append(self.client.recv(500))
            except OSError as error:
                assert error.errno == errno.EAGAIN
                return answers


class Broken:
    """A socket that has something to say, and fails."""

    closed = False

    def __init__(self, error):
        self._error = error

    def recvfrom(self, size):
        raise self._error

    def close(self):
        self.closed = True


class Poll:
    def __init__(self, *sockets):
        self.sockets = list(sockets)

    def ipoll(self, timeout):
        return [(sock, 1) for sock in self.sockets]

    def register(self, sock, what):
        self.sockets.append(sock)

    def unregister(self, sock):
        self.sockets.remove(sock)


async def test_both_kinds_are_answered_as_they_come():
    service = Service()
    task = asyncio.create_task(discovery.run(service.gateway, service.sockets, service.poll))
    try:
        for index, asked, size in ((0, SEARCH, 204), (1, QUERY, 62), (1, STATUS, 139), (0, SEARCH, 204)):
            service.send(index, asked)
            await _readable(service.client)
            assert [len(answer) for answer in service.received()] == [size], asked
    finally:
        task.cancel()
        service.close()


async def test_an_answer_goes_to_the_one_who_asked():
    service = Service()
    peers = [Peer(), Peer()]
    there = socket.getaddrinfo("127.0.0.1", service.ports[0])[0][-1]
    for peer in peers:
        peer.sock.sendto(SEARCH, there)
    service.look()
    for peer in peers:
        while not peer.asked:
            await asyncio.sleep_ms(1)
        assert [len(answer) for answer in peer.asked] == [204]
        peer.close()
    service.close()


def test_noise_loads_nothing():
    service = Service()
    service.look(SAVED)
    for index, noises in (
        (0, (b"", b"\0", b"\0\0\0\x1b", b"\0\0\0\x1c", b"\0\0\0\x1d", b"\x1a\0\0\0", bytes(1400), QUERY)),
        (1, (b"", bytes(50), QUERY[:13], QUERY[1:], QUERY.replace(b"FDEH", b"FDFD"), b"x" * 1400, SEARCH)),
    ):
        service.send(index, *noises)
    service.look(3)
    assert service.gateway.router.loaded == [] and service.received() == []
    service.send(0, SEARCH + bytes(1400))
    service.look()
    assert service.gateway.router.loaded == [ANSWER]
    assert [len(answer) for answer in service.received()] == [204], "what follows the word does not matter"
    service.send(1, QUERY + bytes(1400))
    service.look()
    assert service.gateway.router.loaded == [ANSWER, NETBIOS] and service.received() == []
    service.close()


def test_a_flood_is_answered_a_little():
    for flooded, flood, other, quiet in ((0, SEARCH, 1, QUERY), (1, QUERY, 0, SEARCH)):
        service = Service()
        service.look(SAVED)
        service.send(flooded, *([flood] * 100))
        service.send(other, quiet)
        service.look()
        assert len(service.received()) == SAVED // COST + 1, "and the other socket as ever"
        service.look(10)
        assert len(service.received()) == 10 // COST
        service.look(100 // READS)
        service.received()
        service.look(SAVED)
        service.send(flooded, flood)
        service.look()
        assert len(service.received()) == 1, "what came too often is gone"
        assert service.gateway.events.texts == []
        service.close()


def test_a_port_that_is_taken_is_tried_again():
    for index, name in ((0, "discovery"), (1, "NetBIOS name")):
        taken, port = bound(socket.SOCK_DGRAM, "0.0.0.0", 0)
        ports = [0, 0]
        ports[index] = port
        service = Service(*ports)
        assert service.ports[index] is None and service.ports[1 - index]
        for _ in range(3):
            service.look(retry=True)
        events = service.gateway.events.texts
        assert len(events) == 1 and events[0].startswith(f"{name} answers nobody: port {port} cannot be had"), events
        service.send(1 - index, (QUERY, SEARCH)[index])
        service.look()
        assert len(service.received()) == 1, "the other is none the worse for it"
        taken.close()
        service.look(retry=True)
        assert events[1:] == [f"{name}: answers again"]
        service.ports[index] = port
        service.send(index, (SEARCH, QUERY)[index])
        service.look()
        assert len(service.received()) == 1
        service.close()


def test_a_socket_that_breaks_is_made_anew():
    for index, name in ((0, "discovery"), (1, "NetBIOS name")):
        gateway = searched("127.0.0.1", "255.0.0.0")
        broken, idle = Broken(OSError(errno.EIO)), Broken(OSError(errno.EAGAIN))
        sockets = [idle, idle, 0, 0]
        sockets[index] = broken
        poll = Poll(*sockets[:2])
        for _ in range(3):
            discovery._look(gateway, sockets, poll, False)
        assert broken.closed and sockets[index] is False and poll.sockets == [idle]
        assert gateway.events.texts == [f"{name} answers nobody: OSError(5,)"]
        discovery._look(gateway, sockets, poll, True)
        assert gateway.events.texts[1:] == [f"{name}: answers again"]
        assert sockets[index] in poll.sockets and len(poll.sockets) == 2
        sockets[index].close()


def test_an_answer_that_cannot_be_sent_or_made_is_left_out():
    class Deaf(Broken):
        asked = [SEARCH]

        def recvfrom(self, size):
            if not self.asked:
                raise OSError(errno.EAGAIN)
            return self.asked.pop(), ("127.0.0.1", 5000)

        def sendto(self, answer, address):
            raise self._error

    class Full:
        def module(self, name):
            raise MemoryError

    for router, error in ((None, OSError(errno.EHOSTUNREACH)), (Full(), None)):
        gateway = searched("127.0.0.1", "255.0.0.0")
        gateway.router = router or gateway.router
        deaf = Deaf(error)
        deaf.asked = [SEARCH]
        sockets = [deaf, deaf, SAVED, SAVED]
        discovery._look(gateway, sockets, Poll(deaf), False)
        assert deaf.asked == [] and sockets[0] is deaf and gateway.events.texts == []
