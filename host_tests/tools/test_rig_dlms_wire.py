"""The simulated DLMS meters octet by octet: the sheet's examples, the link's rules, refusals, and every fault."""

import random
from typing import Any

import pytest
from dlms_cosem.crc import CRCCCITT
from dlms_cosem.exceptions import DecryptionError
from dlms_cosem.security import HighLevelSecurityGmacAuthentication
from gurux_dlms import GXDLMSException, GXDLMSExceptionResponse
from gurux_dlms.objects import GXDLMSData

from host_tests.dlms_clients import NOON, Tcp, Tty, cosem_client, gurux, register
from tools.rig.errors import RigError
from tools.rig.families.dlms import FAULTS, DlmsMeter
from tools.rig.field import Field
from tools.rig.operations import Operations
from tools.rig.world import World

crc = CRCCCITT().calculate_for
SNRM, DISC, UA, DM, RR = 0x93, 0x53, 0x73, 0x1F, 0x11
AARQ = "E6E600 6036A1090607608574050801018A0207808B0760857405080201AC0A80083132333435363738BE10040E01000000065F1F0400401E5DFFFF"
PUBLIC_AARQ = "E6E600 601DA109060760857405080101BE10040E01000000065F1F0400401E5DFFFF"
GET_UNIT = "E6E600 C001C100030100010800FF0300"
UNIT = "E6E700 C401C10002020F00161E"
ABSENT_S = 0.3


def octets(text):
    return bytes.fromhex(text)


def frame(control, info="", server="00020023", client="03", more=False):
    """A client's frame to the meter at 1/17, address of four octets."""
    info = octets(info) if isinstance(info, str) else info
    size = len(server + client) // 2 + 5 + (len(info) + 2 if info else 0)
    head = (0xA000 | more << 11 | size).to_bytes(2, "big") + octets(server + client) + bytes((control,))
    body = head + crc(head)
    if info:
        body += info
        body += crc(body)
    return b"\x7e" + body + b"\x7e"


class Wire:
    """Frames to and from a line."""

    def __init__(self, made, port="rs485"):
        self.made, self._got = made, b""
        self.stream = Tty(made.lines[port].path)

    def ask(self, control, info="", **options):
        """(control, information in hex, whether more follows, address in hex) of the answer."""
        self.stream.send(frame(control, info, **options))
        return self.answer()

    def text(self, size):
        """So many octets."""
        while len(self._got) < size:
            data = self.stream.receive()
            assert data, self._got.hex()
            self._got += data
        got, self._got = self._got[:size], self._got[size:]
        return got

    def answer(self):
        got = self.text(3)
        got += self.text(((got[1] & 7) << 8 | got[2]) - 1)
        assert got[:1] == got[-1:] == b"\x7e" and crc(got[1:-3]) == got[-3:-1]
        end = next(at for at in range(4, len(got)) if got[at] & 1) + 1
        info = got[end + 3 : -3] if len(got) > end + 4 else b""
        return got[end], info.hex().upper(), bool(got[1] & 8), got[4:end].hex().upper()

    def is_silent(self):
        return not self._got and not self.stream.receive(ABSENT_S)

    def open(self, aarq=AARQ, parameters=""):
        assert self.ask(SNRM, parameters)[0] == UA
        return self.ask(0x10, aarq)[1]

    def close(self):
        self.stream.close()


@pytest.fixture
def line(dlms_field):
    """line(entry) -> (meter at 1/17, Wire)."""
    wires = []

    def make(**entry):
        made = dlms_field({"serial": "10000001", **entry})
        wires.append(Wire(made))
        return made.meter("10000001"), wires[-1]

    yield make
    for wire in wires:
        wire.close()


# The sheet's examples.

SMALLEST_READ = (  # section 1
    ("7EA0070303938C117E", "7EA01E03037340CC818012050180060180070400000001080400000001533B7E"),
    (
        "7EA044030310 6594 E6E6006036A1090607608574050801018A0207808B0760857405080201AC0A80083132333435363738BE10040E"
        "01000000065F1F0400401E5DFFFF 8B3C 7E",
        "7EA037030330EFCAE6E7006129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F0400001A1D01F400074E377E",
    ),
    ("7EA019030332ECC8E6E600C001C100030100010800FF0300EA717E", "7EA0160303521319E6E700C401C10002020F01161EBD8E7E"),
    ("7EA019030354DCCEE6E600C001C100030100010800FF020032687E", "7EA015030374EA78E6E700C401C100060001E2408CDA7E"),
    ("7EA00703035380D77E", "7EA00703037382F67E"),
)
GMAC = (  # section 6
    (
        "605DA109060760857405080103A60A0408434C4900000000028A0207808B0760857405080205AC1280104B35366956616759"
        "4B35366956616759BE230421211F30000000012AFCBAAC6A00E68131B3C1391FEA66682D9D78FF6E78120ECFAC",
        "6169A109060760857405080103A203020100A305A10302010EA40A04084D4D4D000000000188020780890760857405080205AA1280105036"
        "7752 4A3231465036 77524A323146BE230421281F30000000658C03B8A437A3ED7726F690D090A2485D47B829F9E9AA2CBF141D",
    ),
    (
        "CB313000000003CAEBEB5915EC42795A2CA2D6E64BE359C36CD57DA1DB914A6BCCC8F817089E261F8C077B953BA18C491DAC0A",
        "CF2A30000000678007063C13343705DEE0656EB6A8842A83332151A3D89DA600BB57641A6F0A1F7B55BD7BBD",
    ),
    (
        "C81E30000000040CA0E0A1753784040E037012BD51D939510A335EB281ADE239",
        "CC1B3000000068F4138C9F1B163C990288C9007F06B731F7AA12AB1305",
    ),
)


def test_smallest_read_of_the_sheet(line):
    meter, wire = line(scaler=1, conformance="001A1D", values={"1.0.1.8.0.255": 123456})
    for request, answer in SMALLEST_READ:
        wire.stream.send(octets(request))
        got = b""
        while len(got) < len(octets(answer)):
            got += wire.stream.receive()
        assert got.hex().upper() == octets(answer).hex().upper()
    assert meter.present()["associations"] == 1


def test_ciphered_session_of_the_sheet(dlms_field):
    made = dlms_field(
        {"port": "network", "each_port": True, "security": 5, "ciphering": 1, "title": "4D4D4D0000000001", "scaler": 1}
    )
    meter = made.meter("10000001")
    meter.conformance, meter.counter, meter.challenge = 0x1A1D, 100, b"P6wRJ21FP6wRJ21F"
    tcp = Tcp(meter.host)
    for request, answer in GMAC:
        request, answer = octets(request), octets(answer)
        tcp.send(octets("000100010001") + len(request).to_bytes(2, "big") + request)
        got = b""
        while len(got) < 8 + len(answer):
            got += tcp.receive()
        assert got[8:].hex() == answer.hex()
    tcp.close()


# The link.


def test_addresses_of_one_two_and_four_octets(dlms_field):
    made = dlms_field(
        {"serial": "1", "address": 17}, {"serial": "2", "address": 5000}, {"serial": "3", "address": 18, "sizes": [4]}
    )
    wire = Wire(made)
    for server, who in (("0223", "1"), ("00020023", "1"), ("00024E11", "2"), ("00020025", "3")):
        assert wire.ask(SNRM, server=server)[0::3] == (UA, server)
        assert made.meter(f"dlms_{who}").station.is_open
    for server in ("0225", "0229", "00020029", "0423", "02FF", "0002FEFF"):  # nobody, another logical device, all stations
        wire.stream.send(frame(SNRM, server=server))
        assert wire.is_silent(), server
    wire.close()


def test_one_octet_and_calling_address_of_a_single_meter(line):
    meter, wire = line(reply_size=2)
    for server in ("03", "02FD", "0002FEFD"):
        assert wire.ask(SNRM, server=server)[0] == UA
    assert wire.ask(DISC)[3] == "0223"  # it answers in another length
    assert meter.present()["snrms"] == 3


PARAMETERS = (  # asked: told of 5 and 6
    ("", "818012 050180 060180 070400000001 080400000001"),
    ("818014 05020400 06020400 070400000001 080400000001", "818014 05020200 06020200 070400000001 080400000001"),
    ("818003 060140", "818012 050140 060180 070400000001 080400000001"),
    ("818006 050130 060140", "818012 050140 060130 070400000001 080400000001"),
    ("818012 050180 060180 070400000003 080400000003", "818012 050180 060180 070400000001 080400000001"),
)


@pytest.mark.parametrize(("asked", "told"), PARAMETERS)
def test_sizes_are_agreed(line, asked, told):
    meter, wire = line(most_info=512)
    assert wire.ask(SNRM, asked)[1] == octets(told).hex().upper()
    wire.ask(0x10, AARQ)
    most = meter.station._most_tx
    control, info, more, _ = wire.ask(0x32, "E6E600 C001C10007 0100630100FF 0300")  # 110 octets of columns, LLC and four
    assert len(info) // 2 == min(most, 117) and more == (most < 117)


def test_requests_and_answers_in_segments(line):
    _, wire = line()
    whole = octets(AARQ)
    assert wire.ask(SNRM, "818003 060120")[0] == UA
    assert wire.ask(0x10, whole[:20], more=True) == (0x31, "", False, "00020023")
    control, info, more, _ = wire.ask(0x12, whole[20:])
    assert control == 0x50 and more and len(info) == 64
    control, rest, more, _ = wire.ask(RR | 0x20)
    assert control == 0x52 and not more and (info + rest).startswith("E6E7006129A109")


def test_repeats(line):
    meter, wire = line()
    wire.open()
    first = wire.ask(0x32, GET_UNIT)
    assert first == (0x52, octets(UNIT).hex().upper(), False, "00020023")
    assert wire.ask(0x32, GET_UNIT) == first  # the client did not hear it
    assert meter.gets == 1
    assert wire.ask(RR | 0x20) == first  # nor now
    assert wire.ask(RR | 0x40) == (0x51, "", False, "00020023")  # it did: nothing is left
    assert wire.ask(0x54, GET_UNIT)[1] == first[1] and meter.gets == 2
    assert meter.present()["repeats"] == 2


def test_frames_in_noise_and_damaged_ones(line):
    _, wire = line()
    good = frame(SNRM)
    for noise in (b"\x7e\x7e", b"\xff\x00\x7e\x30", b"\x7eGARBAGE\x7e\x7e", good[:-4] + b"\0\0\0\x7e"):
        wire.stream.send(noise + good)
        assert wire.answer()[0] == UA
    damaged = [good[:place] + bytes((good[place] ^ 4,)) + good[place + 1 :] for place in range(1, len(good) - 1)]
    wire.stream.send(b"".join(damaged[1:]) + good)
    assert wire.answer()[0] == UA
    wire.stream.send(damaged[0])  # its length lies: more is waited for, until it is clear that nothing comes
    assert wire.is_silent()
    wire.stream.send(good)
    assert wire.answer()[0] == UA and wire.is_silent()


def test_who_is_not_connected_is_told_so(line):
    meter, wire = line(inactivity_s=1)
    assert wire.ask(0x10, AARQ)[0] == DM and wire.ask(DISC)[0] == DM
    wire.open()
    assert wire.ask(0x32, GET_UNIT, client="21")[0] == DM  # another client
    assert wire.ask(0x32, GET_UNIT)[0] == 0x52
    meter.station._heard_at -= 2  # a second and more of silence
    assert wire.ask(0x54, GET_UNIT)[0] == DM
    wire.open()
    assert wire.ask(DISC)[0] == UA
    assert wire.ask(0x32, GET_UNIT)[0] == DM


def test_two_at_once_are_noise(dlms_field):
    made = dlms_field({"serial": "1", "address": 17}, {"serial": "2", "address": 18}, fast=False)
    wire = Wire(made)
    wire.stream.send(frame(SNRM, server="03"))  # all of the logical device 1
    got = b""
    while data := wire.stream.receive(ABSENT_S):
        got += data
    assert len(got) >= 60 and got.count(octets("A01E030373")) <= 1
    wire.close()


def test_another_speed_is_not_understood(dlms_field):
    made = dlms_field({"baud": 2400}, fast=False)
    wire = Wire(made)
    wire.stream.send(frame(SNRM))
    assert wire.is_silent()
    wire.stream.set_baud(2400)
    assert wire.ask(SNRM)[0] == UA
    heard = made.line("rs485").statistics()
    assert heard["bytes_out"] == 35 and heard["busy_ms"] == pytest.approx(12 / 0.96 + 12 / 0.24 + 35 / 0.24, rel=0.01)
    wire.close()


def test_echo_and_noise_of_the_line(line):
    meter, wire = line()
    made = wire.made.line("rs485")
    made.set_fault("echo")
    request = frame(SNRM)
    wire.stream.send(request)
    assert wire.text(len(request)) == request
    assert wire.answer()[0] == UA
    made.set_fault("noise")
    wire.stream.send(request)
    assert wire.text(3) == b"\xff\0\x7f"
    assert wire.answer()[0] == UA


def test_set_in_blocks_and_as_a_list(line):
    meter, wire = line()
    wire.open()
    time = octets("090C07EA0915010C00050000FF4C00".replace("0000FF4C00", "00FF4C00"))
    for control, request, answer in (
        (0x32, "C102C1000800000100 00FF0200 00 00000001 05" + time[:5].hex(), "C502C100000001"),
        (0x54, "C103C1 01 00000002 09" + time[5:].hex(), "C503C10000000002"),
        (0x76, "C103C1 01 00000003 01 00", "C503C11300000003"),
        (0x98, "C104C1 02 000800000100 00FF0200 0046000060030AFF0400 02" + time.hex() + "1601", "C505C1020000"),
    ):
        assert wire.ask(control, "E6E600" + request)[1] == "E6E700" + answer
    assert meter.clocks_set == 2 and meter.clock_ahead_s == 5 and meter.relay.mode == 1


# Refusals.


def test_wrong_passwords_and_mechanisms(line):
    meter, wire = line()
    for aarq, diagnostic in (
        (AARQ.replace("31323334", "31323335"), "0D"),
        (PUBLIC_AARQ, "0C"),
        (AARQ.replace("080201", "080203"), "0B"),
    ):
        assert f"A203020101A305A1030201{diagnostic}" in wire.open(aarq)
        assert wire.ask(0x32, GET_UNIT)[1] == "E6E700D80102"
    assert meter.refused == 3 and meter.wrong_passwords == 1


def test_public_client(dlms_field):
    made = dlms_field({"security": 5, "ciphering": 1, "serial": "10000001"})
    meter = made.meter("10000001")
    meter.client_counter = 4711
    wire = Wire(made)
    wire.ask(SNRM, client="21")
    assert "A203020100" in wire.ask(0x10, PUBLIC_AARQ, client="21")[1]
    for control, request, answer in (
        (0x32, "C001C1000100002B0100FF0200", "C401C1000600001267"),
        (0x54, "C001C100010000600100FF0200", "C401C10009083130303030303031"),
        (0x76, "C001C100030100010800FF0200", "C401C10103"),
        (0x98, "C101C1000800000100 00FF0200090C07E80501FF010000 00FF4C00", "C501C103"),
        (0xBA, "C301C10046000060030AFF01010F00", "C701C10300"),
    ):
        assert wire.ask(control, "E6E600" + request, client="21")[1] == "E6E700" + answer
    assert meter.relay.output and not meter.clocks_set
    wire.close()


def test_counters_that_do_not_rise_and_foreign_keys(dlms_field):
    made = dlms_field({"port": "network", "security": 5, "ciphering": 1})
    meter = made.meter("10000001")
    meter.client_counter = 50
    with pytest.raises(GXDLMSExceptionResponse, match="counter"):
        gurux(made, mechanism=5, ciphered=True, counter=50)
    assert meter.replays == 1 and meter.client_counter == 50
    gurux(made, mechanism=5, ciphered=True, counter=51).close()
    meter.keys = meter.keys._replace(block=bytes(16))
    with pytest.raises(GXDLMSExceptionResponse, match="Ciphering failed"):
        gurux(made, mechanism=5, ciphered=True)
    assert meter.wrong_tags == 1
    with pytest.raises(GXDLMSException):  # plain, where all must be ciphered
        gurux(made, mechanism=5)
    assert meter.refused == 1


def test_what_does_not_exist(line):
    _, wire = line()
    wire.open()
    for control, request, answer in (
        (0x32, "C001C100030100630000FF0200", "C401C10104"),  # no such object
        (0x54, "C001C100010100010800FF0200", "C401C10109"),  # of another class
        (0x76, "C001C100030100010800FF0900", "C401C10104"),  # no such attribute
        (0x98, "C101C100030100010800FF02000600000000", "C501C103"),  # not to be written
        (0xBA, "C002C100000001", "C402C101000000010110"),  # no long get
        (0xDC, "C005C1", "D80202"),
        (0xFE, "C001C1000301", "D80203"),
    ):
        assert wire.ask(control, "E6E600" + request)[1] == "E6E700" + answer


def test_nothing_a_client_sends_ends_a_meter():
    chance = random.Random(11)
    requests = [octets(AARQ)[3:], octets(GMAC[0][0]), *(octets(text) for text in SOUND)]
    for count in range(200):
        meter = DlmsMeter({"serial": "10000001", "security": (1, 5)[count % 2], "days": 1}, World(NOON))
        application = meter.application(1)
        for _ in range(40):
            if not application.is_open or application.is_pending:
                application.answer(requests[count % 2])
                application.is_pending = application.is_ciphered = False
            request = bytearray(chance.choice(requests))
            for _ in range(chance.randrange(4)):
                at = chance.randrange(max(1, len(request)))
                request[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
            assert isinstance(application.answer(bytes(request)), bytes)
        assert application.answer(requests[0])[:1] == b"\x61"


SOUND = (
    "C001C100030100010800FF0300",
    "C001C10007 0100630100FF 02 01 01 0204 02041200080906 0000010000FF 0F02120000 090C07E80501FF01000000000000"
    "090C07E80501FF02000000000000 0100",
    "C001C10007 0100630100FF 02 01 02 0204 0600000003 0600000006 120001 120000",
    "C003C102 00030100010800FF0200 00030100020800FF0200",
    "C101C100080000010000FF0200 090C07E80501FF01000000FF4C00",
    "C102C100080000010000FF0200 00 00000001 05 090C07E805",
    "C103C1 01 00000002 09 01FF01000000FF4C00",
    "C104C1 01 00080000010000FF0200 01 090C07E80501FF01000000FF4C00",
    "C301C10046000060030AFF01010F00",
    "C301C100080000010000FF0601100005",
    "C301C1000F0000280000FF0101091110000000020102030405060708090A0B0C",
    "C81E30000000040CA0E0A1753784040E037012BD51D939510A335EB281ADE239",
    "6203800100",
    "C002C100000001",
)


# Faults.

LINE_FAULTS = {  # what comes in place of the answer
    "mute": lambda got, right: got == b"",
    "crc": lambda got, right: len(got) == len(right) and got[:-2] == right[:-2] and got[-2] != right[-2],
    "garbage": lambda got, right: len(got) == len(right) and got[0] != 0x7E,
    "short": lambda got, right: got == right[: len(right) // 2],
    "long": lambda got, right: got.startswith(right) and len(got) == len(right) + 3,
    "twice": lambda got, right: got == right + right,
    "trickle": lambda got, right: got == right,
    "wrong_meter": lambda got, right: len(got) == len(right) and got[4:8] == octets("00020021"),
}


@pytest.mark.parametrize("fault", LINE_FAULTS)
def test_faults_of_the_link(line, fault):
    meter, wire = line()
    wire.stream.send(frame(SNRM))
    right = b""
    while not right.endswith(b"\x7e") or len(right) < 9:
        right += wire.stream.receive()
    meter.fault = fault
    wire.stream.send(frame(SNRM))
    got = b""
    while data := wire.stream.receive(ABSENT_S):
        got += data
    assert LINE_FAULTS[fault](got, right), got.hex()


def test_late_answers(line):
    meter, wire = line(fault="late", delay_ms=0)
    wire.stream.send(frame(SNRM))
    assert wire.is_silent()
    assert wire.answer()[0] == UA


def test_restarts_and_refused_parameters(line):
    meter, wire = line(fault="restart")
    wire.open()
    assert [wire.ask(control, GET_UNIT)[0] for control in (0x32, 0x54, 0x76, 0x98)] == [0x52, 0x74, DM, DM]
    meter.fault = "no_parameters"
    assert wire.ask(SNRM, PARAMETERS[1][0])[0] == 0x97
    assert wire.ask(SNRM)[:2] == (UA, "")


def test_endless_segments(line):
    _, wire = line(fault="endless")
    wire.ask(SNRM)
    wire.ask(0x10, AARQ)
    assert all(wire.ask(RR | number % 8 << 5)[2] for number in range(1, 40))


def test_faults_of_the_application(dlms_field):
    made = dlms_field({"security": 5, "ciphering": 1})
    meter, client = made.meter("10000001"), gurux(made, mechanism=5, ciphered=True)
    profile = client.profile("1.0.99.1.0.255")
    meter.fault = "busy"
    with pytest.raises(GXDLMSException, match="(?i)temporary"):
        register(client)
    meter.fault = "wrong_block"
    with pytest.raises(ValueError, match="(?i)block number"):
        client.rows(profile, client.c.readRowsByEntry(profile, 1, 60))
    meter.fault = "replay"
    before = meter.counter
    gurux(made, mechanism=5, ciphered=True)
    assert meter.counter == before
    meter.fault = "wrong_tag"
    with (
        pytest.raises(DecryptionError),
        cosem_client(made, meter, HighLevelSecurityGmacAuthentication(challenge_length=16), True),
    ):
        pass
    meter.fault = "wrong_number"
    client = gurux(made, mechanism=5, ciphered=True)
    assert bytes(client.get(GXDLMSData("0.0.96.1.0.255"), 2)) == b"00000099"


def test_control_channel(tmp_path):
    entries = [
        {"family": "DLMS", "port": "rs485", "serial": "A0099", "address": 17, "count": 3},
        {"family": "DLMS", "port": "network", "serial": "7"},
    ]
    with Field(entries, tmp_path, fast=True) as made:
        station = type("Station", (), {"field": made})()
        operate: Any = Operations(station).operate
        names = [(meter["serial"], meter["address"]) for meter in operate({"op": "field"})["meters"]]
        assert names == [("A0099", 17), ("A0100", 18), ("A0101", 19), ("7", 23)]
        told = operate(
            {"op": "meter", "name": "A0100", "fault": "mute", "set": {"1.0.1.8.0.255": 5, "mode": 1, "drift_ppm": 40}}
        )
        assert told["fault"] == "mute" and told["values"]["mode"] == 1
        assert "host" in operate({"op": "meter", "name": "7"})["values"]
        assert "there are none, mute" in operate({"op": "meter", "name": "7", "fault": "parity"})["error"]
        assert "no value" in operate({"op": "meter", "name": "7", "set": {"U1": 3}})["error"]
        for fault in FAULTS:
            assert operate({"op": "meter", "name": "7", "fault": fault})["ok"]
        assert operate({"op": "wire", "port": "network"})["connections"] == 0
        assert operate({"op": "line", "port": "network", "fault": "closed"})["ok"]
        assert "a network knows" in operate({"op": "line", "port": "network", "fault": "echo"})["error"]
        tcp = Tcp(made.meter("7").host)
        assert tcp.receive() == b""
        tcp.close()


@pytest.mark.parametrize(
    ("entry", "reason"),
    (
        ({"count": 0}, "count is a number"),
        ({"count": 2, "serial": "12X"}, "ends in digits"),
        ({"opens": True, "baud": 115200}, "mode E ends"),
        ({"profiles": {"weekly": ""}}, "the profiles are"),
        ({"fault": "parity"}, "no fault"),
        ({"port": "com1"}, "no port"),
    ),
)
def test_wrong_entries(tmp_path, entry, reason):
    with pytest.raises(RigError, match=reason):
        Field([{"family": "DLMS", "serial": "1", **entry}], tmp_path)


def test_two_protocols_on_a_line(tmp_path):
    with pytest.raises(RigError, match="two protocols"):
        Field([{"family": "DLMS"}, {"family": "IEC Luna"}], tmp_path)
