"""DLMS meters on RS-485 at 9600 baud in true time: how busy the line is in a long profile, what a day's round takes.

Runs alone, too: `python -m host_tests.bench.dlms_line`; some five minutes.
"""

import sys
import time

from host_tests.bench.table import Table, percent
from host_tests.dlms_field import DAY, HEAP, NOW, Meters, field, listed, load

_BAUD = 9600
_LIMIT = 900  # octets a second that HDLC leaves of 960: the pauses between request and answer
_DAYS = 10  # of the long profile
_METERS = 10
_ALL = 1000
_HOUR_S = 3600
_LOOK_S = 0.1
_MOST_S = 900
_FORMS = ((128, 500, "frames of 128, APDUs of 500"), (512, 1024, "frames of 512, APDUs of 1024"))


def _field(meters, info, pdu, days):
    for entry in meters.entries:
        entry |= {"most_info": info, "most_pdu": pdu, "delay_ms": 30}
    return field(meters, {"dlms_profile_days": days}, fast=False)


def _passed(rig):
    told = rig.control("wire", port="rs485")
    return told["bytes_in"] + told["bytes_out"]


def _until_read(rig, since):
    """Wait until all were read well; return the octets that had passed by then, and when that was."""
    end = time.monotonic() + _MOST_S
    while not all((one["good_utc"] or 0) >= since for one in listed(rig)):
        assert time.monotonic() < end, rig.log()
        time.sleep(_LOOK_S)
    return _passed(rig), time.monotonic()


def _profile(info, pdu):
    """Return (seconds, octets) of the part of a round in which the load profile comes."""
    meters = Meters(rs485=1)
    with _field(meters, info, pdu, _DAYS) as rig:
        load(rig, meters)
        end = time.monotonic() + _MOST_S
        while not listed(rig)[0]["newest_3"]:  # maxima: the last before it but for events
            assert time.monotonic() < end, rig.log()
            time.sleep(_LOOK_S)
        first, began = _passed(rig), time.monotonic()
        last, ended = _until_read(rig, NOW)
    return ended - began, last - first


def _rounds(info, pdu):
    """Return (seconds, octets) of the first round, which reads all that is new, and of that of the next day."""
    meters = Meters(rs485=_METERS)
    with _field(meters, info, pdu, 1) as rig:
        began = time.monotonic()
        load(rig, meters)
        first, then = _until_read(rig, NOW)
        rig.control("clock", unix=NOW + DAY)
        last, ended = _until_read(rig, NOW + DAY)
    return (then - began, first), (ended - then, last - first)


def tables():
    table = Table(
        f"A load profile of {_DAYS} days at {_BAUD} baud, 96 rows a day, 4 energies, status; 32 bit, heap of {HEAP}",
        *("octets", "took", "line busy", f"of {_LIMIT} octets/s"),
    )
    for info, pdu, what in _FORMS:
        took_s, octets = _profile(info, pdu)
        busy = percent(octets * 10 / _BAUD / took_s)
        table.add(what, str(octets), f"{took_s:.1f} s", busy, percent(octets / took_s / _LIMIT))
    table.note("both directions; the meter answers after 30 ms; event logs and the end of the session are in it")
    yield table

    table = Table(
        f"A day's round of {_METERS} meters at {_BAUD} baud: present and daily values, events, 96 rows of 15 min",
        *("octets", "took", "for one", f"of {_LIMIT} octets/s", f"{_ALL} meters"),
    )
    info, pdu, what = _FORMS[0]
    for name, (took_s, octets) in zip(("the first", "the next day's"), _rounds(info, pdu), strict=True):
        each = took_s / _METERS
        use = percent(octets / took_s / _LIMIT)
        table.add(f"{name}: {what}", str(octets), f"{took_s:.0f} s", f"{each:.1f} s", use, f"{each * _ALL / _HOUR_S:.1f} h")
    table.note(f"{_ALL} meters: on one line, by calculation")
    yield table


if __name__ == "__main__":
    for each in tables():
        sys.stdout.write(each.text())
