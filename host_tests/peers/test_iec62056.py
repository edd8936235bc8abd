"""Our IEC 62056-21 codec against PyPI's iec62056-21: the same messages, the same values, the same dialogue with a meter."""

import json
import os
import random
import subprocess

import pytest
from iec62056_21 import messages as theirs
from iec62056_21 import utils
from iec62056_21.client import Iec6205621Client

from conftest import TOP, interpreter

VECTORS = TOP / "host_tests" / "vectors" / "iec62056"
TEXT = "0123456789.:-,;ABCdef%/ "
IDENTIFICATION = b"/LGZ5\\ZMD120\r\n"


@pytest.fixture(scope="module", params=["64", "32"])
def ours(request):
    """Asks our codec, in MicroPython, a list of calls; see iec62056_lines.py."""

    def ask(calls):
        done = subprocess.run(
            [interpreter(request.param), "-X", "heapsize=4m", str(TOP / "host_tests" / "peers" / "iec62056_lines.py")],
            input="".join(json.dumps(call) + "\n" for call in calls),
            env=dict(os.environ, MICROPYPATH=f"{TOP}:.frozen"),
            cwd=TOP,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(calls), (calls[len(answers)], done.stderr)
        return answers

    return ask


def word(dice, most, letters=TEXT):
    return "".join(dice.choice(letters) for _ in range(dice.randint(1, most)))


def test_messages_are_the_same(ours):
    dice = random.Random(1)
    calls, expected = [], []
    for _ in range(200):
        address = word(dice, 16, "0123456789.:*-CF")
        value = word(dice, 32) if dice.random() < 0.8 else ""
        command, kind = dice.choice("PRWE"), dice.randint(0, 6)
        calls.append(("message", (f"{command}{kind}", f"{address}({value})")))
        expected.append(theirs.CommandMessage(command, kind, theirs.DataSet(address, value)).to_bytes().hex())
        number = word(dice, 32, "0123456789AZ ")
        calls.append(("request", (number,)))
        expected.append(theirs.RequestMessage(number).to_bytes().hex())
    calls.append(("message", ("B0", None)))
    expected.append(theirs.CommandMessage("B", 0, None).to_bytes().hex())
    for letter in "0123456":
        line = f"/ABC{letter}\\x\r\n".encode()
        for what in (0, 1, 6, 7, 8, 9):
            calls.append(("option", (line.hex(), what)))
            expected.append(theirs.AckOptionSelectMessage(letter, str(what)).to_bytes().hex())
        seen = theirs.IdentificationMessage.from_bytes(line)
        calls.append(("identify", (line.hex(),)))
        expected.append([seen.manufacturer, seen.switchover_baudrate_char, Iec6205621Client.BAUDRATES_MODE_C[letter]])
    assert ours(calls) == expected


def data_sets(message):
    return [[one.address, one.value, one.unit or ""] for line in message.data_block.data_lines for one in line.data_sets]


def test_what_they_write_is_read(ours):
    dice = random.Random(2)
    calls, expected = [], []
    for _ in range(60):
        lines = []
        for _ in range(dice.randint(1, 30)):
            sets = [
                theirs.DataSet(
                    word(dice, 16, "0123456789.:-CF"),
                    word(dice, 32),
                    word(dice, 6, "kWhvar%/") if dice.random() < 0.7 else None,
                )
                for _ in range(dice.randint(1, 3))
            ]
            lines.append(theirs.DataLine(sets))
        kind = dice.choice((theirs.ReadoutDataMessage, theirs.AnswerDataMessage))
        message = kind(theirs.DataBlock(lines))
        calls.append(("read", (message.to_bytes().hex(),)))
        expected.append(data_sets(message))
    assert ours(calls) == expected


@pytest.mark.parametrize("name", ["makel-c500", "viko-vemm", "emh-lzqj-table4", "mas-gen3-full"])
def test_captures_are_read_alike(ours, name):
    if name.startswith("mas"):
        wire = (VECTORS / f"{name}.bin").read_bytes()
    else:
        text = (VECTORS / f"{name}.txt").read_bytes().removesuffix(b"!")
        wire = utils.add_bcc(b"\x02" + text + b"!\r\n\x03")
    assert isinstance(wire, bytes)
    expected = data_sets(theirs.ReadoutDataMessage.from_bytes(wire))
    (found,) = ours([("read", (wire.hex(),))])
    if name.startswith("mas"):  # they split a list at its last `*`, we at the first
        assert expected.pop()[0] == found.pop()[0] == "97.2.0"
    assert found == expected


class Meter:
    """What their client takes for a line: answers each message from a list and notes what was sent."""

    TRANSPORT_REQUIRES_ADDRESS = True

    def __init__(self, answers):
        self.answers = list(answers)
        self.sent = []
        self.coming = b""

    def send(self, data):
        self.sent.append(data.hex())
        self.coming = self.answers.pop(0)

    def simple_read(self, start_char, end_char):
        return self.coming

    def read(self, timeout=None):
        return self.coming

    def recv(self, count):
        return self.coming[:count]

    def switch_baudrate(self, baud):
        self.baud = baud


def their_client(answers):
    client = Iec6205621Client(Meter(answers), device_address="30863358", password="12345678")
    client.rest = lambda duration=None: None
    return client


def test_the_same_read_out(ours):
    data = theirs.ReadoutDataMessage(
        theirs.DataBlock([theirs.DataLine([theirs.DataSet("1.8.0", "001846.0", "kWh")])])
    ).to_bytes()
    answers = [IDENTIFICATION, data]
    client = their_client(answers)
    client.startup()
    client.ack_with_option_select("readout")
    ((sent, values),) = ours([("talk", ([("sign_on", ("30863358",))], [answer.hex() for answer in answers]))])
    assert sent == client.transport.sent
    assert values == data_sets(theirs.ReadoutDataMessage.from_bytes(data)) == [["1.8.0", "001846.0", "kWh"]]


def test_the_same_programming_session(ours):
    operand = theirs.CommandMessage("P", 0, theirs.DataSet("", "30863358")).to_bytes()
    value = utils.add_bcc(b"\x021.8.0(001846.0*kWh)\x03")
    answers = [IDENTIFICATION, operand, b"\x06", value, b"\x06", b""]
    client = their_client(answers)
    client.access_programming_mode()
    client.transport.sent.append(theirs.CommandMessage("P", 1, theirs.DataSet("", "12345678")).to_bytes().hex())
    client.transport.answers.pop(0)  # their send_password writes "None" before the bracket
    read = client.read_single_value("1.8.0")
    client.write_single_value("0.9.1", "13:30:35")
    client.send_break()
    steps = [
        ("sign_on", ("30863358", 1)),
        ("password", ("12345678",)),
        ("command", ("R1", "1.8.0(1)")),
        ("command", ("W1", "0.9.1(13:30:35)")),
        ("break_off", ()),
    ]
    ((sent, values),) = ours([("talk", (steps, [answer.hex() for answer in answers]))])
    assert sent == client.transport.sent
    assert values == [[read.address, read.value, read.unit]]
    assert client.transport.baud == 9600
