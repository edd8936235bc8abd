"""A Modbus TCP client of plain sockets, for tests that need every byte in their own hands."""

import socket
import struct

from host_tests.modbus_oracle import rtu

_PATIENCE_S = 20


def mbap(transaction, unit, pdu, protocol=0, length=None):
    """A frame; `pdu` in bytes or hex."""
    pdu = bytes.fromhex(pdu) if isinstance(pdu, str) else pdu
    return struct.pack(">HHHB", transaction, protocol, len(pdu) + 1 if length is None else length, unit) + pdu


def serial(unit, pdu):
    """The same as on a serial line."""
    return rtu(f"{unit:02x}" + (pdu if isinstance(pdu, str) else pdu.hex()))


def read(function, address, count):
    """The PDU of a read."""
    return struct.pack(">BHH", function, address, count)


class Closed(Exception):
    """The gateway has closed the connection."""


class Client:
    """`with Client(rig) as client:`"""

    def __init__(self, rig, buffer=None):
        self._socket = socket.socket()
        if buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._socket.settimeout(_PATIENCE_S)
        self._socket.connect(tuple(rig.ready["modbus_tcp"]))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transaction = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data):
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Closed from error

    def receive(self, count):
        data = b""
        while len(data) < count:
            try:
                more = self._socket.recv(count - len(data))
            except TimeoutError:
                raise
            except OSError as error:
                raise Closed from error
            if not more:
                raise Closed(data)
            data += more
        return data

    def answer(self):
        """(transaction, unit, PDU in hex) of the next answer."""
        transaction, protocol, length, unit = struct.unpack(">HHHB", self.receive(7))
        assert protocol == 0 and 2 <= length <= 254
        return transaction, unit, self.receive(length - 1).hex()

    def ask(self, unit, pdu):
        """The answer's PDU in hex."""
        self._transaction += 1
        self.send(mbap(self._transaction, unit, pdu))
        transaction, answered, pdu = self.answer()
        assert (transaction, answered) == (self._transaction, unit)
        return pdu

    def is_closed(self):
        """Wait until the gateway closes; what it still sends is thrown away."""
        try:
            while True:
                self.receive(1)
        except Closed:
            return True
        except TimeoutError:
            return False
