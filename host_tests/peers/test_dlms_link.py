"""Our DLMS links against PyPI's dlms-cosem and gurux_dlms: the same frames, and dialogues with either in both roles."""
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOperatorIssue=false

import json
import os
import random
import struct
import subprocess

import pytest
from dlms_cosem.hdlc.address import HdlcAddress
from dlms_cosem.hdlc.connection import HdlcConnection
from dlms_cosem.hdlc.frames import (
    DisconnectFrame,
    InformationFrame,
    ReceiveReadyFrame,
    SetNormalResponseModeFrame,
    UnNumberedAcknowledgmentFrame,
)
from dlms_cosem.protocol.wrappers import WrapperHeader, WrapperProtocolDataUnit
from gurux_dlms import GXByteBuffer, GXDLMSClient, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType
from gurux_dlms.objects import GXDLMSData, GXDLMSRegister

from conftest import TOP, interpreter

LLC = bytes.fromhex("E6E700")
AARE = bytes.fromhex("6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F0400001A1D01F40007")
TEXT = bytes(range(0x20, 0x7E)) * 5  # 470 octets, several frames; dlms-cosem takes 7E in a frame for its end


@pytest.fixture(params=["64", "32"])
def ours(request):
    """Calls a function of dlms_link_lines.py in MicroPython."""
    child = subprocess.Popen(
        [interpreter(request.param), "-X", "heapsize=4m", str(TOP / "host_tests" / "peers" / "dlms_link_lines.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(os.environ, MICROPYPATH=f"{TOP}:.frozen"),
        cwd=TOP,
        text=True,
        bufsize=1,
    )

    def call(what, *arguments):
        child.stdin.write(json.dumps([what, arguments]) + "\n")
        line = child.stdout.readline()
        assert line, what
        return json.loads(line)

    yield call
    child.stdin.close()
    assert child.wait(10) == 0
    child.stdout.close()


def pairs(dice):
    """A client and a server as dlms-cosem writes them: it knows one octet per part only where no part is above 127 or 0."""
    client = HdlcAddress(dice.randint(1, 127), None, "client")
    server = HdlcAddress(dice.randint(1, 127), dice.choice((None, dice.randint(1, 127))), "server")
    return client, server


def test_frames_are_the_same(ours):
    dice = random.Random(1)
    for _ in range(150):
        client, server = pairs(dice)
        size = 2 if server.physical_address else 1
        assert ours("address", server.logical_address, server.physical_address or 0, size) == server.to_bytes().hex()
        number, taken = dice.randint(0, 7), dice.randint(0, 7)
        information = dice.randbytes(dice.randint(1, 600))
        there, back = (server, client), (client, server)
        for ends, frame, control, body in (
            (there, SetNormalResponseModeFrame(*there), 0x93, b""),
            (there, DisconnectFrame(*there), 0x53, b""),
            (back, UnNumberedAcknowledgmentFrame(*back, information), 0x73, information),
            (back, UnNumberedAcknowledgmentFrame(*back), 0x73, b""),
            (there, ReceiveReadyFrame(*there, receive_sequence_number=taken), taken << 5 | 0x11, b""),
            (
                back,
                InformationFrame(
                    *back, information, send_sequence_number=number, receive_sequence_number=taken, segmented=number > 3
                ),
                taken << 5 | 0x10 | number << 1,
                information,
            ),
        ):
            wire = frame.to_bytes()
            more = frame.segmented
            addresses = (ends[0].to_bytes() + ends[1].to_bytes()).hex()
            assert ours("make", addresses, control, body.hex(), more) == wire.hex()
            fields = [[end.logical_address, end.physical_address or 0] for end in ends]
            assert ours("read", wire.hex()) == [[control, *fields, body.hex(), more]]


def test_our_frames_are_read(ours):
    dice = random.Random(2)
    for _ in range(100):
        logical, physical, client = dice.randint(1, 0x3FFF), dice.randint(1, 0x3FFF), dice.randint(1, 127)
        addresses = ours("address", client, 0, 1) + ours("address", logical, physical, 4)
        body = dice.randbytes(dice.randint(1, 300))
        number, taken = dice.randint(0, 7), dice.randint(0, 7)
        wire = bytes.fromhex(ours("make", addresses, taken << 5 | 0x10 | number << 1, body.hex(), False))
        frame = InformationFrame.from_bytes(wire)
        assert (frame.payload, frame.send_sequence_number, frame.receive_sequence_number) == (body, number, taken)
        assert (frame.source_address.logical_address, frame.source_address.physical_address) == (logical, physical)
        assert frame.destination_address.logical_address == client


class CosemMeter:
    """A meter made of the frames of dlms-cosem, by its own reading of ours: it answers each request with TEXT in segments."""

    def __init__(self, client, server, most_info):
        self.back = client, server
        self.most_info = most_info
        self.requests = []
        self.left = []
        self.coming = b""
        self.taken = self.sent = 0

    def answer(self, wire):
        client, server = self.back
        there = server, client
        head = 4 + len(there[0].to_bytes())
        control = wire[head]
        if control in (0x93, 0x53):
            kind = SetNormalResponseModeFrame if control == 0x93 else DisconnectFrame
            assert wire == kind(*there).to_bytes()
            return UnNumberedAcknowledgmentFrame(*self.back).to_bytes()
        if control & 1:
            assert wire == ReceiveReadyFrame(*there, receive_sequence_number=self.sent).to_bytes()
            return self.segment()
        # Its from_bytes() reads frames to a client only, so what is due is made and compared
        frame = InformationFrame(
            *there,
            wire[head + 3 : -3],
            send_sequence_number=self.taken,
            receive_sequence_number=self.sent,
            segmented=wire[1] & 8 > 0,
        )
        assert wire == frame.to_bytes()
        self.taken = self.taken + 1 & 7
        self.coming += frame.information
        if frame.segmented:
            return ReceiveReadyFrame(*self.back, receive_sequence_number=self.taken).to_bytes()
        self.requests.append(self.coming)
        self.coming = b""
        body = LLC + TEXT
        self.left = [body[at : at + self.most_info] for at in range(0, len(body), self.most_info)]
        return self.segment()

    def segment(self):
        part = self.left.pop(0)
        frame = InformationFrame(
            *self.back,
            part,
            send_sequence_number=self.sent,
            receive_sequence_number=self.taken,
            segmented=bool(self.left),
        )
        self.sent = self.sent + 1 & 7
        return frame.to_bytes()


def run(ours, meter, event):
    while event[0] == "send":
        event = ours("hear", meter(bytes.fromhex(event[1])).hex())
    return event


def test_our_client_and_a_meter_of_dlms_cosem(ours):
    for logical, physical, size in ((1, None, 1), (1, 17, 2), (2, 100, 2)):
        meter = CosemMeter(HdlcAddress(16, None, "client"), HdlcAddress(logical, physical, "server"), 100)
        ours("client", "hdlc", logical, physical or 0, 16, size, 128)
        assert run(ours, meter.answer, ours("start", "open")) == ["opened"]
        for length in (13, 125, 126, 400):
            apdu = bytes(range(length % 200)) + bytes(length - length % 200)
            assert run(ours, meter.answer, ours("start", "exchange", apdu.hex())) == ["reply", TEXT.hex()]
            assert meter.requests[-1] == bytes.fromhex("E6E600") + apdu
        assert run(ours, meter.answer, ours("start", "close")) == ["closed"]


def test_our_server_and_the_client_of_dlms_cosem(ours):
    client = HdlcAddress(16, None, "client")
    server = HdlcAddress(1, 17, "server")
    ours("server", "hdlc", [[1, 17]], 128, [TEXT.hex(), "C401C10009"])
    link = HdlcConnection(client, server)

    def ask(frame, kind):
        sent, requests = ours("serve", link.send(frame).hex())
        link.receive_data(bytes.fromhex(sent))
        event = link.next_event()
        assert isinstance(event, kind)
        return event, requests

    ask(SetNormalResponseModeFrame(server, client), UnNumberedAcknowledgmentFrame)
    for reply in (TEXT, bytes.fromhex("C401C10009")):
        request = InformationFrame(
            server,
            client,
            bytes.fromhex("E6E600C001"),
            send_sequence_number=link.server_ssn,
            receive_sequence_number=link.server_rsn,
        )
        event, requests = ask(request, InformationFrame)
        assert requests == ["c001"]
        got = event.information
        while event.segmented:
            event, _ = ask(ReceiveReadyFrame(server, client, receive_sequence_number=link.server_rsn), InformationFrame)
            got += event.information
        assert got == LLC + reply
    ask(DisconnectFrame(server, client), UnNumberedAcknowledgmentFrame)


def gurux(ours, requests, kind, server, most_info):
    """A client of gurux_dlms in session with our server: what it reads of a text and of a register, the sizes it agreed to."""
    client = GXDLMSClient(True, 16, server, Authentication.NONE, None, kind)
    if kind == InterfaceType.HDLC:
        client.hdlcSettings.maxInfoTX = client.hdlcSettings.maxInfoRX = most_info

    def exchange(packets):
        reply = GXReplyData()
        for packet in packets if isinstance(packets, list) else [packets]:
            reply.clear()
            while True:
                buffer, notify = GXByteBuffer(), GXReplyData()
                sent, got = ours("serve", bytes(packet).hex())
                requests.extend(got)
                buffer.set(bytes.fromhex(sent))
                assert client.getData(buffer, reply, notify)
                assert not reply.error
                if not reply.isMoreData():
                    break
                packet = client.receiverReady(reply)
        return reply

    if kind == InterfaceType.HDLC:
        client.parseUAResponse(exchange(client.snrmRequest()).data)
    client.parseAareResponse(exchange(client.aarqRequest()).data)
    text = GXDLMSData("0.0.96.1.0.255")
    client.updateValue(text, 2, exchange(client.read(text, 2)).value)
    register = GXDLMSRegister("1.0.1.8.0.255")
    client.updateValue(register, 2, exchange(client.read(register, 2)).value)
    sizes = client.hdlcSettings.maxInfoTX, client.hdlcSettings.maxInfoRX
    if kind == InterfaceType.HDLC:
        exchange(client.disconnectRequest())
    return bytes(text.value or b""), register.value, sizes


REPLIES = [
    AARE.hex(),
    "C401C100098201D6" + TEXT.hex(),
    "C401C100060001E240",
]


def test_our_server_and_the_client_of_gurux(ours):
    for server, address, most_info, size in (
        (1, [1, 0], 128, 128),
        (GXDLMSClient.getServerAddress(1, 17), [1, 17], 512, 300),
        (GXDLMSClient.getServerAddress(1, 5000), [1, 5000], 300, 512),
    ):
        requests = []
        ours("server", "hdlc", [address], size, REPLIES)
        text, value, sizes = gurux(ours, requests, InterfaceType.HDLC, server, most_info)
        assert (text, value) == (TEXT, 123456)
        assert requests[1:] == ["c001c100010000600100ff0200", "c001c100030100010800ff0200"]
        assert sizes == (min(most_info, size), min(most_info, size))


def test_our_server_and_the_client_of_gurux_over_the_wrapper(ours):
    requests = []
    ours("server", "wrapper", [[1, 0]], 0, REPLIES)
    text, value, _ = gurux(ours, requests, InterfaceType.WRAPPER, 1, 0)
    assert (text, value) == (TEXT, 123456)
    assert len(requests) == 3


def test_wrapper_of_dlms_cosem(ours):
    dice = random.Random(3)
    for _ in range(50):
        meter, client = dice.randint(1, 0xFFFF), dice.randint(1, 0xFFFF)
        apdu, reply = (b"\xc0" + dice.randbytes(dice.randint(0, 1000)) for _ in range(2))
        ours("client", "wrapper", meter, 0, client, 0, 0)
        assert ours("start", "open") == ["opened"]
        event = ours("start", "exchange", apdu.hex())
        asked = WrapperProtocolDataUnit(apdu, WrapperHeader(client, meter, len(apdu)))
        assert event == ["send", asked.to_bytes().hex()]
        answer = WrapperProtocolDataUnit(reply, WrapperHeader(meter, client, len(reply))).to_bytes()
        assert struct.unpack(">4H", answer[:8]) == (1, meter, client, len(reply))
        assert ours("hear", answer.hex()) == ["reply", reply.hex()]
