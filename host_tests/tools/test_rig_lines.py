"""The simulated lines, from the gateway's end of the terminal: raw bytes here, foreign masters in test_rig_masters.py."""

import os
import select
import termios
import time

import pytest

from tools.rig import field
from tools.rig.faults import METER_FAULTS
from tools.rig.rtu import seal, sound
from tools.rig.wire import Serial

METERS = [
    {"port": "rs485", "model": "WM3M4C", "serial": "18230001", "address": 35, "frozen": True, "values": {"frequency": 50.01}},
    {"port": "rs485", "model": "MC666", "address": 36, "frozen": True, "values": {"tariff": 3}},
]
FREQUENCY = seal(bytes.fromhex("230400690002"))  # of the meter at 35
FREQUENCY_IS = seal(bytes.fromhex("230404FD00C35A"))
TARIFF = seal(bytes.fromhex("240401950001"))  # of the meter at 36: the marker that shows what came before
TARIFF_IS = seal(bytes.fromhex("2404020003"))
PATIENCE_S = 20


class Master:
    """A file descriptor on a line, as the gateway would open it."""

    def __init__(self, line):
        self.fd = os.open(line.path, os.O_RDWR | os.O_NOCTTY)

    def send(self, data):
        os.write(self.fd, data)

    def receive(self, enough):
        """Bytes until enough(bytes) says so."""
        got, end = b"", time.monotonic() + PATIENCE_S
        while not enough(got):
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"nothing more came after {got.hex()}"
            got += os.read(self.fd, 4096)
        return got

    def ask(self, request, size):
        self.send(request)
        return self.receive(lambda got: len(got) >= size)


def frames_heard(line, count):
    """Wait until the line has heard so many frames since it was opened."""
    end = time.monotonic() + PATIENCE_S
    while line.frame_count < count:
        assert time.monotonic() < end, f"{line.frame_count} frames, not {count}"
        time.sleep(0.001)


@pytest.fixture
def opened(tmp_path):
    """open(meters, fast=...) -> (field, master on its RS-485 line)."""
    fields, masters = [], []

    def open_field(meters=METERS, port="rs485", **options):
        fields.append(field.Field(meters, tmp_path, **options))
        masters.append(Master(fields[-1].line(port)))
        return fields[-1], masters[-1]

    yield open_field
    for master in masters:
        os.close(master.fd)
    for each in fields:
        each.close()


def before_marker(master, request):
    """What comes in answer to a request, up to the answer of another meter asked right behind it."""
    master.send(request + TARIFF)
    return master.receive(lambda got: got.endswith(TARIFF_IS))[: -len(TARIFF_IS)]


# fault: what stands in place of the right answer (None: a test of its own)
MARRED = {
    "none": lambda got: got == FREQUENCY_IS,
    "mute": lambda got: got == b"",
    "late": None,
    "crc": lambda got: got[:-1] == FREQUENCY_IS[:-1] and got[-1] != FREQUENCY_IS[-1],
    "garbage": lambda got: len(got) == 9 and got[0] != 0x23,
    "short": lambda got: got == FREQUENCY_IS[:4],
    "long": lambda got: got[:9] == FREQUENCY_IS and len(got) == 12,
    "wrong_unit": lambda got: sound(got) and got[0] != 0x23 and got[1:7] == FREQUENCY_IS[1:7],
    "wrong_function": lambda got: sound(got) and got[1] == 3 and got[2:7] == FREQUENCY_IS[2:7],
    "exception": lambda got: got == seal(bytes.fromhex("238404")),
    "twice": None,
    "trickle": None,
}


def test_every_fault_of_a_meter(opened):
    assert set(MARRED) == set(METER_FAULTS)
    simulated, master = opened(fast=True)
    meter = simulated.meter("wm3m4c")
    for fault, right in MARRED.items():
        if right:
            meter.fault = fault
            got = before_marker(master, FREQUENCY)
            assert right(got), (fault, got.hex())
            meter.fault = "none"
            assert before_marker(master, FREQUENCY) == FREQUENCY_IS, f"after {fault}"


def test_slow_faults(opened):
    simulated, master = opened(fast=True)
    for fault, answer, least_s in (
        ("late", FREQUENCY_IS, 1.5),
        ("twice", 2 * FREQUENCY_IS, 0.005),
        ("trickle", FREQUENCY_IS, 9 * 0.005),
    ):
        simulated.meter("wm3m4c").fault = fault
        start = time.monotonic()
        assert master.ask(FREQUENCY, len(answer)) == answer, fault
        assert time.monotonic() - start >= least_s, fault


def test_silent_where_nobody_is_meant(opened):
    simulated, master = opened(fast=True)
    for what, request in (
        ("an address nobody has", seal(bytes.fromhex("210400690002"))),
        ("a bad CRC", FREQUENCY[:-1] + b"\0"),
        ("too short", FREQUENCY[:3]),
        ("too long", FREQUENCY[:-2] + bytes(300)),
        ("noise", bytes(range(1, 50))),
    ):
        before = simulated.line("rs485").frame_count
        master.send(request)
        frames_heard(simulated.line("rs485"), before + 1)  # in this mode, too, what is no frame ends with silence
        assert master.ask(TARIFF, 7) == TARIFF_IS, what


def test_broadcast_is_obeyed_and_not_answered(opened):
    _, master = opened(fast=True)
    text = seal(bytes.fromhex("0010006500020448492020"))
    assert before_marker(master, text) == b""
    for address in (0x23, 0x24):
        answer = master.ask(seal(bytes((address, 3, 0, 0x65, 0, 2))), 9)
        assert answer[3:7] == b"HI  "


def test_line_faults(opened):
    simulated, master = opened(fast=True)
    line = simulated.line("rs485")
    line.set_fault("echo")
    assert master.ask(FREQUENCY, 17) == FREQUENCY + FREQUENCY_IS
    line.set_fault("noise")
    got = master.ask(FREQUENCY, len(FREQUENCY_IS) + 2)
    assert FREQUENCY_IS in got and not got.startswith(FREQUENCY_IS)
    line.set_fault("busy")
    master.receive(lambda got: len(got) > 200)
    frames = line.frame_count
    master.send(FREQUENCY)
    master.receive(lambda _: line.frame_count > frames)
    line.set_fault("none")
    termios.tcflush(master.fd, termios.TCIFLUSH)
    assert master.ask(FREQUENCY, 9) == FREQUENCY_IS


def test_a_terminal_that_closes_and_comes_back(opened):
    simulated, master = opened(fast=True)
    line = simulated.line("rs485")
    path = line.path
    line.set_fault("closed")
    with pytest.raises(OSError):
        os.write(master.fd, FREQUENCY)
    line.set_fault("none")
    again = Master(line)
    try:
        assert line.path == path
        assert again.ask(FREQUENCY, 9) == FREQUENCY_IS
    finally:
        os.close(again.fd)


TIMINGS = (
    # line settings           delay, s
    (Serial(19200), None),
    (Serial(9600, "E"), None),
    (Serial(115200, "N", 2), None),
    (Serial(1200, "O"), 0.1),
)


def test_no_character_comes_before_its_time(opened):
    request = seal(bytes.fromhex("2304 0064 0014"))
    for settings, delay_s in TIMINGS:
        meter = {"port": "ir_left", "model": "WM3M4C", "address": 35, **settings._asdict()}
        if delay_s is not None:
            meter["delay_ms"] = delay_s * 1000
        simulated, master = opened([meter], "ir_left")
        simulated.announce("ir_left", *settings)
        start = time.monotonic()
        first = start + len(request) * settings.character_s + settings.silence_s + (0.02 if delay_s is None else delay_s)
        master.send(request)
        got = b""
        while len(got) < 45:
            select.select([master.fd], [], [], PATIENCE_S)
            got += os.read(master.fd, 4096)
            assert time.monotonic() >= first + len(got) * settings.character_s, (settings, len(got))
        assert sound(got)
        wire = simulated.line("ir_left").statistics()
        assert (wire["bytes_in"], wire["bytes_out"], wire["frames"]) == (8, 45, 1)
        assert abs(wire["busy_ms"] - 53 * settings.character_s * 1000) < 0.01 < wire["elapsed_ms"]


def test_wrong_settings_are_noise(opened):
    simulated, master = opened()
    for settings, hears in (
        (Serial(115200), True),
        (Serial(57600), False),
        (Serial(115200, "E"), False),
        (Serial(115200, "N", 2), True),  # one stop bit more is read all the same
    ):
        simulated.announce("rs485", *settings)
        frames = simulated.line("rs485").frame_count
        master.send(FREQUENCY)
        if hears:
            assert master.receive(lambda got: len(got) >= 9) == FREQUENCY_IS
        else:
            frames_heard(simulated.line("rs485"), frames + 1)
            assert simulated.line("rs485").statistics()["bytes_out"] == 9, settings


def test_two_meters_on_one_address_collide(opened):
    twins = [{"model": "WM3M4C", "serial": f"1823000{n}", "address": 35} for n in (1, 2)]
    simulated, master = opened(twins)
    assert list(simulated.meters) == ["wm3m4c", "wm3m4c-2"]
    got = master.ask(FREQUENCY, 18)
    assert not any(sound(got[k : k + 9]) for k in range(10))


def test_talking_into_an_answer_spoils_both(opened):
    simulated, master = opened([{**METERS[0], "baud": 1200}, {**METERS[1], "baud": 1200}])
    master.send(FREQUENCY)
    got = master.receive(lambda got: got)
    master.send(TARIFF)
    got += master.receive(lambda rest: len(got) + len(rest) >= 9)
    assert not sound(got)
    frames_heard(simulated.line("rs485"), 2)
    assert master.ask(FREQUENCY, 9) == FREQUENCY_IS


def test_frames_are_split_by_silence(opened):
    simulated, master = opened([{**METERS[0], "baud": 9600}, {**METERS[1], "baud": 9600}])
    for pause_s, frames in ((0.0, 1), (0.05, 2)):
        before = simulated.line("rs485").frame_count
        master.send(FREQUENCY[:4])
        time.sleep(pause_s)  # the silence is what is tested
        master.send(FREQUENCY[4:])
        frames_heard(simulated.line("rs485"), before + frames)
        if frames == 1:
            assert master.receive(lambda got: len(got) >= 9) == FREQUENCY_IS
    assert simulated.line("rs485").statistics()["bytes_out"] == 9
