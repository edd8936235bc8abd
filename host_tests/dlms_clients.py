"""Foreign DLMS clients for tests, gurux_dlms and dlms-cosem, of simulated meters on lines and behind TCP ports."""

import contextlib
import io
import os
import select
import socket
import termios
import time
import tty
from typing import Any

from dlms_cosem.client import DlmsClient
from dlms_cosem.io import BlockingTcpIO, HdlcTransport, SerialIO, TcpTransport
from gurux_dlms import GXByteBuffer, GXDLMSException, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.objects import GXDLMSProfileGeneric, GXDLMSRegister
from gurux_dlms.secure import GXDLMSSecureClient

EK, AK = bytes(range(16)), bytes(range(0xD0, 0xE0))
PATIENCE_S = 20
NOON = 1790000000 // 86400 * 86400 + 9 * 3600  # 12:00 in Türkiye
MECHANISMS = (
    *(Authentication.NONE, Authentication.LOW, Authentication.HIGH, Authentication.HIGH_MD5),
    *(Authentication.HIGH_SHA1, Authentication.HIGH_GMAC, Authentication.HIGH_SHA256),
)


class Tty:
    """A terminal as a master has it: raw, at a speed."""

    def __init__(self, path, baud=9600):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        self.set_baud(baud)

    def set_baud(self, baud):
        attributes = termios.tcgetattr(self.fd)
        attributes[4] = attributes[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(self.fd, termios.TCSANOW, attributes)

    def send(self, data):
        os.write(self.fd, data)

    def receive(self, timeout_s: float = PATIENCE_S):
        """Some octets, b"" if none come."""
        ready, _, _ = select.select([self.fd], [], [], timeout_s)
        return os.read(self.fd, 4096) if ready else b""

    def open_mode_e(self, identification, address="", letter=b"5", baud=9600):
        """Sign on as the sheet has it, section 4; the meter confirms."""
        self.set_baud(300)
        self.send(b"/?%s!\r\n" % address.encode())
        assert self.text(len(identification)) == identification
        acknowledgement = b"\x062%s2\r\n" % letter
        self.send(acknowledgement)
        assert self.text(len(acknowledgement)) == acknowledgement
        self.set_baud(baud)

    def text(self, size):
        """So many characters of seven bits and even parity."""
        got, end = b"", time.monotonic() + PATIENCE_S
        while len(got) < size:
            got += self.receive(max(0, end - time.monotonic()))
            assert time.monotonic() < end, f"no more than {got!r}"
        assert all(octet.bit_count() % 2 == 0 for octet in got), got.hex()
        return bytes(octet & 0x7F for octet in got)

    def close(self):
        os.close(self.fd)


class Tcp:
    def __init__(self, host):
        address, _, port = host.partition(":")
        self._socket = socket.create_connection((address, int(port)), PATIENCE_S)

    def send(self, data):
        self._socket.sendall(data)

    def receive(self, timeout_s: float = PATIENCE_S):
        self._socket.settimeout(timeout_s)
        try:
            return self._socket.recv(4096)
        except TimeoutError:
            return b""

    def close(self):
        self._socket.close()


class Gurux:
    """gurux_dlms as a client of one meter, over a Tty or a Tcp."""

    def __init__(
        self,
        stream,
        server=(1, 17, 4),
        client=1,
        mechanism=1,
        secret=b"12345678",
        ciphered=False,
        counter=0,
        dedicated_key=None,
    ):
        self.stream = stream
        self.is_hdlc = isinstance(stream, Tty)
        kind = InterfaceType.HDLC if self.is_hdlc else InterfaceType.WRAPPER
        self.c = c = GXDLMSSecureClient(True, client, 1, MECHANISMS[mechanism], secret, kind)
        if self.is_hdlc:
            logical, physical, size = server
            c.serverAddressSize = size
            c.serverAddress = logical if size == 1 else logical << (14 if size == 4 else 7) | physical
        else:
            c.serverAddress = server
        c.ciphering.systemTitle, c.ciphering.blockCipherKey, c.ciphering.authenticationKey = b"CLI\0\0\0\0\2", EK, AK
        c.ciphering.invocationCounter = counter
        c.ciphering.dedicatedKey = dedicated_key
        if ciphered:
            c.ciphering.security = Security.AUTHENTICATION_ENCRYPTION

    def exchange(self, packets):
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a line per ciphered APDU
            return self._exchange(packets)

    def _exchange(self, packets):
        reply = GXReplyData()
        for packet in packets if isinstance(packets, list) else [packets]:
            reply.clear()
            while True:
                heard, notification = GXByteBuffer(), GXReplyData()
                self.stream.send(bytes(packet))
                while not self.c.getData(heard, reply, notification):
                    data = self.stream.receive()
                    assert data, "the meter says nothing more"
                    heard.set(data)
                if reply.error:
                    raise GXDLMSException(reply.error)
                if not reply.isMoreData():
                    break
                packet = self.c.receiverReady(reply)
        return reply

    def open(self):
        c = self.c
        if self.is_hdlc:
            c.parseUAResponse(self.exchange(c.snrmRequest()).data)
        c.parseAareResponse(self.exchange(c.aarqRequest()).data)
        if c.authentication > Authentication.LOW:
            c.parseApplicationAssociationResponse(self.exchange(c.getApplicationAssociationRequest()).data)
        return self

    def get(self, thing, attribute):
        return self.c.updateValue(thing, attribute, self.exchange(self.c.read(thing, attribute)).value)

    def profile(self, ln):
        """A profile generic, its columns read."""
        profile = GXDLMSProfileGeneric(ln)
        self.get(profile, 3)
        return profile

    def rows(self, profile, request):
        return self.c.updateValue(profile, 2, self.exchange(request).value)

    def close(self):
        if not self.is_hdlc:
            self.exchange(self.c.releaseRequest())
        else:
            self.exchange(self.c.disconnectRequest())


def stream(made, meter):
    return Tcp(meter.host) if meter.port == "network" else Tty(made.lines[meter.port].path, meter.baud)


def gurux(made, serial="10000001", **options):
    """gurux_dlms in association with a meter."""
    meter = made.meter(serial)
    if meter.port == "network":
        options.setdefault("server", meter.logical if meter.has_own_port else meter.address)
    else:
        options.setdefault("server", (meter.logical, meter.address, 4))
    options.setdefault("counter", meter.client_counter + 1)
    return Gurux(stream(made, meter), **options).open()


def register(client, text="1.0.1.8.0.255"):
    thing = GXDLMSRegister(text)
    client.get(thing, 3)
    return client.get(thing, 2)


def cosem_client(made, meter, authentication, ciphered=False, client=1):
    """A session of dlms-cosem, which speaks general ciphering."""
    keys: dict[str, Any] = {}
    if ciphered:
        keys = {"encryption_key": EK, "authentication_key": AK, "client_system_title": b"CLI\0\0\0\0\2"}
        keys["client_initial_invocation_counter"] = meter.client_counter + 1
    transport: Any
    if meter.port == "network":
        host, _, port = meter.host.partition(":")
        transport = TcpTransport(client, meter.address, BlockingTcpIO(host, int(port)))
    else:
        wire = SerialIO(str(made.lines[meter.port].path))
        transport = HdlcTransport(client, meter.logical, wire, server_physical_address=meter.address)
    made_client: Any = DlmsClient(transport=transport, authentication=authentication, **keys)
    return made_client.session()
