"""Simulated DLMS meters behind TCP ports of 127.0.0.1: the wrapper (the sheet, section 3).

They share a port, where the destination port of the wrapper tells who is meant, or each has one of its own. One thread serves
them all.
"""

import heapq
import itertools
import os
import resource
import selectors
import socket
import struct
import threading
import time

from tools.rig.dlms_faults import pieces
from tools.rig.errors import RigError
from tools.rig.families.dlms_hdlc import RESTART_AFTER

_HEADER = struct.Struct(">HHHH")
_VERSION = 1
_DELAY_S = 0.02, 0.05
_SPARE_FILES = 200


class _Connection:
    """One of a client, to the meters of a port by the wrapper's destination."""

    def __init__(self, stream, meters):
        self.stream, self.meters = stream, meters
        self.heard = b""
        self.applications = {}  # by the two wrapper ports
        self.requests = 0


class Network(threading.Thread):
    """The interface of tools/rig/line.py as far as a network has it."""

    port = "network"

    def __init__(self, meters, fast=False):
        super().__init__(name=self.port, daemon=True)
        self.fast, self.fault = fast, "none"
        self.bytes_in = self.bytes_out = self.frame_count = self.connections = 0
        self._started_at = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._listeners, self._open = [], set()
        self._due = []  # (when, number, connection, data); None for data: hang up
        self._numbers = itertools.count()
        self._wake_r, self._wake_w = os.pipe()
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._stopping = False
        self._allow_files(len(meters))
        shared = {meter.address: meter for meter in meters if not meter.has_own_port}
        if shared:
            self._listen(next(iter(shared.values())).tcp_port, shared)
        for meter in meters:
            if meter.has_own_port:
                self._listen(meter.tcp_port, {meter.logical: meter})

    @staticmethod
    def _allow_files(count):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 2 * count + _SPARE_FILES
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))

    def _listen(self, port, meters):
        try:
            listener = socket.create_server(("127.0.0.1", port), backlog=64)
        except OSError as error:
            raise RigError(f"no meter can listen at TCP port {port}: {error}") from error
        listener.setblocking(False)
        for meter in meters.values():
            meter.host = "{}:{}".format(*listener.getsockname())
        self._listeners.append(listener)
        self._selector.register(listener, selectors.EVENT_READ, meters)

    # Called from other threads.

    def set_fault(self, fault):
        """closed: connections end, and new ones at once."""
        if fault not in ("none", "closed"):
            raise RigError("a network knows closed and none")
        self.fault = fault
        os.write(self._wake_w, b"x")

    def restart(self):
        """The gateway starts anew: its connections end by themselves."""

    def statistics(self):
        return {
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "frames": self.frame_count,
            "connections": self.connections,
            "elapsed_ms": round((time.monotonic() - self._started_at) * 1000, 3),
        }

    def close(self):
        self._stopping = True
        os.write(self._wake_w, b"x")
        self.join()
        for connection in list(self._open):
            self._hang_up(connection)
        for listener in self._listeners:
            listener.close()
        self._selector.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    # The network's own thread.

    def run(self):
        while not self._stopping:
            timeout_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            for key, _ in self._selector.select(timeout_s):
                if key.fd == self._wake_r:
                    os.read(self._wake_r, 64)
                elif isinstance(key.data, _Connection):
                    self._read(key.data)
                else:
                    self._accept(key.fileobj, key.data)
            if self.fault == "closed":
                for connection in list(self._open):
                    self._hang_up(connection)
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, connection, data = heapq.heappop(self._due)
                self._send(connection, data)

    def _accept(self, listener, meters):
        try:
            stream, _ = listener.accept()
        except OSError:
            return
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(stream, meters)
        self.connections += 1
        self._open.add(connection)
        self._selector.register(stream, selectors.EVENT_READ, connection)

    def _hang_up(self, connection):
        if connection in self._open:
            self._open.remove(connection)
            self._selector.unregister(connection.stream)
            connection.stream.close()

    def _read(self, connection):
        try:
            data = connection.stream.recv(4096)
        except OSError:
            data = b""
        if not data:
            self._hang_up(connection)
            return
        self.bytes_in += len(data)
        connection.heard += data
        while len(connection.heard) >= _HEADER.size:
            version, source, destination, size = _HEADER.unpack_from(connection.heard)
            if version != _VERSION:
                self._hang_up(connection)
                return
            end = _HEADER.size + size
            if len(connection.heard) < end:
                return
            apdu, connection.heard = connection.heard[_HEADER.size : end], connection.heard[end:]
            self.frame_count += 1
            if destination in connection.meters:
                self._request(connection, source, destination, apdu)

    def _request(self, connection, source, destination, apdu):
        meter = connection.meters[destination]
        connection.requests += 1
        now = time.monotonic()
        if meter.fault == "restart" and connection.requests > RESTART_AFTER:
            self._later(now, connection, None)
            return
        with meter.lock:
            application = connection.applications.get((source, destination))
            if application is None:
                application = connection.applications[source, destination] = meter.application(source)
            answer = application.answer(apdu)
        sender = destination ^ (meter.fault == "wrong_meter")
        delay_s = (0.0 if self.fast else meter.random.uniform(*_DELAY_S)) if meter.delay_s is None else meter.delay_s
        at = now + delay_s
        for piece in pieces(meter.fault, _HEADER.pack(_VERSION, sender, source, len(answer)) + answer, meter.random):
            at += piece.wait_s
            self._later(at, connection, piece.data)

    def _later(self, at, connection, data):
        heapq.heappush(self._due, (at, next(self._numbers), connection, data))

    def _send(self, connection, data):
        if connection not in self._open:
            return
        if data is None:
            self._hang_up(connection)
            return
        try:
            connection.stream.sendall(data)
            self.bytes_out += len(data)
        except OSError:
            self._hang_up(connection)
