"""lib/aio/connect: what errors amount to, and ends in the middle. Against servers: host_tests/peers/test_mqtt.py."""

import asyncio
import errno
import gc
import socket
from os import urandom

from lib.aio.connect import ConnectionFailed, cause_of, connect

CAUSES = (
    # error, cause while connecting, cause later
    (OSError(errno.ECONNREFUSED), "refused", "closed"),
    (OSError(errno.ECONNRESET), "refused", "closed"),  # what lwIP says of a refusal
    (OSError(errno.EHOSTUNREACH), "unreachable", "closed"),
    (OSError(101), "unreachable", "closed"),  # ENETUNREACH of Linux
    (OSError(118), "unreachable", "closed"),  # EHOSTUNREACH of newlib
    (OSError(errno.ETIMEDOUT), "timeout", "timeout"),
    (OSError(-errno.ECONNRESET), "refused", "closed"),  # through a TLS socket
    (OSError(23), "memory", "memory"),  # ENFILE: no socket left
    (OSError(errno.ENOMEM), "memory", "memory"),
    (MemoryError(), "memory", "memory"),
    (OSError(-0x7F00, "SSL - Memory allocation failed"), "memory", "memory"),
    (OSError(-0x2880), "memory", "memory"),
    (OSError(-0x7280, "SSL - The connection indicated an EOF"), "unreachable", "closed"),
    (OSError(-0x7780, "SSL - A fatal alert message was received from our peer"), "tls_handshake", "tls_handshake"),
    (OSError(-0x7200), "tls_handshake", "tls_handshake"),
    (OSError(-0x2700), "tls_authority", "tls_authority"),
    (ValueError("The certificate validity has expired\n"), "tls_expired", "tls_expired"),
    (ValueError("The certificate validity starts in the future\n"), "tls_not_yet_valid", "tls_not_yet_valid"),
    (ValueError("The certificate Common Name (CN) does not match with the expected CN\n"), "tls_name", "tls_name"),
    (ValueError("The certificate is not correctly signed by the trusted CA\n"), "tls_authority", "tls_authority"),
    (
        ValueError("The certificate validity has expired\nThe certificate is not correctly signed by the trusted CA\n"),
        "tls_authority",
        "tls_authority",
    ),
    (ValueError("The certificate is signed with an unacceptable hash.\n"), "tls_handshake", "tls_handshake"),
)


def test_causes():
    for error, connecting, later in CAUSES:
        assert cause_of(error, False) == connecting, repr(error)
        assert cause_of(error) == later, repr(error)


async def resolve(host):
    return host


def next_descriptor():
    """Return the lowest number no open file has."""
    sock = socket.socket()
    number = sock.fileno()
    sock.close()
    return number


def listener(backlog=1):
    while True:
        sock = socket.socket()
        port = 20000 + int.from_bytes(urandom(2), "big") % 10000
        try:
            sock.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        except OSError:
            sock.close()
            continue
        sock.listen(backlog)
        return sock, port


async def test_cancelled_while_connecting_it_leaves_no_socket():
    async def mute(host):
        await asyncio.sleep(3600)

    server, port = listener(0)
    waiting = []
    for _ in range(4):  # so many that nobody is answered any more
        sock = socket.socket()
        sock.setblocking(False)
        try:
            sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        except OSError as error:
            assert error.errno == errno.EINPROGRESS
        waiting.append(sock)
    before = next_descriptor()
    gc.disable()  # a collection would close what we forgot
    for host, resolver in (("127.0.0.1", resolve), ("host.test", mute)):
        task = asyncio.create_task(connect(host, port, resolver, 5000))
        await asyncio.sleep_ms(30)
        assert not task.done() and (next_descriptor() > before) == (resolver is resolve)
        task.cancel()
        try:
            await task
            raise AssertionError("not cancelled")
        except asyncio.CancelledError:
            pass
        assert next_descriptor() == before
    gc.enable()
    for sock in [server] + waiting:
        sock.close()


async def test_bytes_go_both_ways_until_one_side_closes():
    server, port = listener()
    connection = await connect("127.0.0.1", port, resolve, 5000)
    peer, _ = server.accept()
    buffer = memoryview(bytearray(10))
    assert connection.is_open and connection.receive(buffer) is None
    await connection.send(b"hello")
    assert peer.recv(10) == b"hello"
    peer.send(b"hi")
    while not connection.receive(buffer):
        await asyncio.sleep_ms(1)
    assert bytes(buffer[:2]) == b"hi"
    peer.close()
    cause = None
    while cause is None:
        try:
            connection.receive(buffer)
        except ConnectionFailed as failure:
            cause = failure.args[0]
        await asyncio.sleep_ms(1)
    assert cause == connection.cause == "closed" and not connection.is_open
    for use in (connection.send(b"x"), None):
        try:
            if use:
                await use
            else:
                connection.receive(buffer)
            raise AssertionError("closed, but of use")
        except ConnectionFailed as failure:
            assert failure.args == ("closed",)
    connection.close("timeout")
    assert connection.cause == "closed", "the first cause stays"
    server.close()


async def test_an_idle_connection_allocates_nothing():
    server, port = listener()
    connection = await connect("127.0.0.1", port, resolve, 5000)
    buffer = memoryview(bytearray(10))
    connection.receive(buffer)
    before = gc.mem_alloc()
    for _ in range(100):
        connection.receive(buffer)
    assert gc.mem_alloc() == before
    connection.close()
    server.close()
