"""The meters' data types, against the examples of the sheet (sections 3, 6.3 and 14), and what else is plain arithmetic."""

import math
from datetime import datetime, timezone

import pytest

from tools.rig import words
from tools.rig.pt1000 import resistance
from tools.rig.rtu import crc16, seal, take_request
from tools.rig.wire import Serial
from tools.rig.world import from_local, local

WORDS = (
    # type       arguments                  words
    (words.t4, (1_000_000,), "A710"),
    (words.t4, (230,), "00E6"),
    (words.t5, (123.456, 3), "FD01E240"),
    (words.t5, (220.5, 2), "FE005622"),
    (words.t5, (50.01, 3), "FD00C35A"),
    (words.t5, (0.074, 3), "FD00004A"),
    (words.t5, (0.0744, 4), "FC0002E8"),
    (words.t5, (16777.215, 3), "FDFFFFFF"),
    (words.t5, (16777.216, 3), "FE19999A"),  # too long for 24 bits: one decimal less
    (words.t5, (-1.0, 3), "FD000000"),
    (words.t6, (-123.456, 3), "FDFE1DC0"),
    (words.t6, (-8388.608, 3), "FD800000"),
    (words.t6, (6.5, 1), "FF000041"),
    (words.t6, (-27.7, 1), "FFFFFEEB"),
    (words.t6, (-9.0, 1), "FFFFFFA6"),
    (words.t7, (0.9876, False, True), "00FF2694"),
    (words.t7, (0.2124, False, True), "00FF084C"),
    (words.t7, (0.789, True, False), "FF001ED2"),
    (words.t7, (1.0, False, False), "00002710"),
    (words.t16, (123.45,), "3039"),
    (words.t17, (-123.45,), "CFC7"),
    (words.t17, (-76.91,), "E1F5"),
    (words.t17, (36.7,), "0E56"),
    (words.t3, (-100,), "FFFFFF9C"),
    (words.t_float, (123.45,), "42F6E666"),
    (words.t_unix, (1337164606,), "4FB3833E"),
    (words.t_time, (datetime(2000, 9, 10, 15, 42, 3, 750000),), "75034215100907D0"),
    (words.text, ("IE38MD", 16), "494533384D4420202020202020202020"),
)


def test_words():
    for encode, arguments, expected in WORDS:
        assert words.from_hex(expected) == encode(*arguments), (encode.__name__, arguments)


def test_hex_must_be_whole_words():
    for digits in ("", "FD0", "FD", "XX00"):
        with pytest.raises(ValueError):
            words.from_hex(digits)


def test_crc_against_the_frames_of_the_sheet():
    for frame in ("2104006B00020777", "2184 02C30B", "210400C500012697", "212A000F0001EEAF", "0504006500012051"):
        assert crc16(bytes.fromhex(frame)) == 0
        assert seal(bytes.fromhex(frame)[:-2]) == bytes.fromhex(frame)


def test_requests_taken_without_waiting_for_silence():
    read, write = seal(bytes.fromhex("2104006B0002")), seal(bytes.fromhex("21100078000204 41424344"))
    other = seal(bytes.fromhex("212B0E01"))
    for request in (read, write, other):
        assert take_request(request) == (request, b"")
        assert take_request(request[:-1]) == (None, request[:-1])
    assert take_request(read + write) == (read, write)


def test_character_times():
    for settings, character_us, silence_us in (
        (Serial(19200), 520.83, 1822.92),
        (Serial(9600, "E"), 1145.83, 4010.42),
        (Serial(115200, "N", 2), 95.49, 1750.0),
    ):
        assert math.isclose(settings.character_s * 1e6, character_us, abs_tol=0.01)
        assert math.isclose(settings.silence_s * 1e6, silence_us, abs_tol=0.01)


def test_pt1000_against_iec_60751():
    for celsius, ohm in ((-50, 803.06), (0, 1000.0), (21.5, 1083.76), (100, 1385.06), (400, 2470.92), (-200, 185.20)):
        assert math.isclose(resistance(celsius), ohm, abs_tol=0.01), celsius


def test_local_time_with_summer_time():
    for utc, expected in (
        (datetime(2020, 2, 25, 12, 18, 42), datetime(2020, 2, 25, 13, 18, 42)),
        (datetime(2020, 3, 29, 0, 59, 59), datetime(2020, 3, 29, 1, 59, 59)),
        (datetime(2020, 3, 29, 1, 0, 0), datetime(2020, 3, 29, 3, 0, 0)),
        (datetime(2020, 10, 25, 0, 59, 59), datetime(2020, 10, 25, 2, 59, 59)),
        (datetime(2020, 10, 25, 1, 0, 0), datetime(2020, 10, 25, 2, 0, 0)),
    ):
        unix = utc.replace(tzinfo=timezone.utc).timestamp()
        assert local(unix) == expected
        assert local(from_local(expected)) == expected
