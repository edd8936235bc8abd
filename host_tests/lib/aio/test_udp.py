"""lib/aio/udp against peers on loopback: which datagram is taken, and how an exchange ends."""

import asyncio
import errno
import gc
import socket

from host_tests.lib.aio.loopback import Peer
from lib.aio import udp


async def raised(exchange):
    try:
        await exchange
    except OSError as error:
        return error.errno
    except ValueError:
        return "ValueError"
    return None


async def test_the_answer_is_in_the_buffer():
    peer = Peer(lambda datagram: [b"re: " + datagram])
    buffer = bytearray(b"-" * 12)
    assert await udp.exchange(peer.address, b"hello", buffer, 5000) == 9
    assert bytes(buffer) == b"re: hello---"
    peer.close()


async def test_datagrams_are_never_joined_and_unwanted_ones_are_dropped():
    peer = Peer(lambda datagram: [b"", b"no", b"neither", b"yes", b"late"])
    buffer = bytearray(100)
    seen = []

    def wanted(view):
        seen.append(bytes(view))
        return bytes(view) == b"yes"

    assert await udp.exchange(peer.address, b"?", buffer, 5000, wanted) == 3
    assert bytes(buffer[:3]) == b"yes"
    assert seen == [b"", b"no", b"neither", b"yes"]
    peer.close()


async def test_another_sender_is_not_heard():
    stranger = Peer()
    peer = Peer(lambda datagram: [(stranger, b"forged"), b"true"])
    buffer = bytearray(100)
    assert await udp.exchange(peer.address, b"?", buffer, 5000) == 4
    assert bytes(buffer[:4]) == b"true"
    peer.close()
    stranger.close()


async def test_a_datagram_longer_than_the_buffer_is_cut():
    peer = Peer(lambda datagram: [bytes(1400)])
    assert await udp.exchange(peer.address, b"?", bytearray(48), 5000) == 48
    peer.close()


async def test_silence_ends_at_the_deadline_and_others_run_meanwhile():
    peer = Peer()
    waiting = asyncio.create_task(raised(udp.exchange(peer.address, b"?", bytearray(48), 200)))
    turns = 0
    while not waiting.done():
        await asyncio.sleep_ms(10)
        turns += 1
    assert await waiting == errno.ETIMEDOUT
    assert turns > 2
    assert peer.asked == [b"?"]
    peer.close()


async def test_endless_noise_does_not_move_the_deadline():
    def wanted(view):
        peer.sock.sendto(b"more noise", peer.sender)
        return False

    peer = Peer(lambda datagram: [b"noise"])
    assert await raised(udp.exchange(peer.address, b"?", bytearray(48), 100, wanted)) == errno.ETIMEDOUT
    peer.close()


async def test_a_closed_port_is_reported_at_once():
    peer = Peer()
    peer.close()
    assert await raised(udp.exchange(peer.address, b"?", bytearray(48), 30000)) == errno.ECONNREFUSED


async def test_names_are_refused():
    for host in ("localhost", "pool.ntp.org", "::1"):
        assert await raised(udp.exchange((host, 9), b"?", bytearray(48), 100)) == "ValueError", host


def next_descriptor():
    """Return the lowest number no open file has."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    number = sock.fileno()
    sock.close()
    return number


async def test_the_socket_is_closed_in_every_case():
    peer = Peer(lambda datagram: [datagram] if datagram == b"echo" else [])
    dead = Peer()
    dead.close()
    before = next_descriptor()
    gc.disable()  # a collection would close what we forgot
    assert await raised(udp.exchange(peer.address, b"echo", bytearray(8), 1000)) is None
    assert await raised(udp.exchange(peer.address, b"mute", bytearray(8), 1)) == errno.ETIMEDOUT
    assert await raised(udp.exchange(dead.address, b"?", bytearray(8), 1000)) == errno.ECONNREFUSED
    task = asyncio.create_task(udp.exchange(peer.address, b"mute", bytearray(8), 1000))
    await asyncio.sleep_ms(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    assert next_descriptor() == before
    gc.enable()
    peer.close()
