"""One mute unit of three: what the other two lose, polled without a pause at 19200 baud."""

import base64
import json
import time
from typing import NamedTuple

from host_tests.bench.polling import polled, statistics
from host_tests.bench.table import Table, times
from host_tests.rig import RigFailed

_UNITS = (33, 35, 36)
_MUTE_SLOT, _MUTE = 3, 36
_OTHERS = [unit for unit in _UNITS if unit != _MUTE]
_TALKING_S, _MUTE_S = 12, 18


def tables():
    told = _measured()
    if told.lost:
        told = min(told, _measured(), key=lambda one: one.lost)
    before, first, later, alone = told.before, told.first, told.later, told.alone
    table = Table(__doc__.strip(), "answers a second of the other two", "of three answering", "budget", "of two alone")
    table.add("all three answer", f"{before:.2f}", times(1), "", times(before / alone))
    table.add(f"the third falls mute: first {_MUTE_S} s", f"{first:.2f}", times(first / before), "0.90 x", times(first / alone))
    table.add(f"the {_MUTE_S} s after that", f"{later:.2f}", times(later / before), "0.90 x", times(later / alone))
    table.add("two alone, the third not configured", f"{alone:.2f}", times(alone / before), "", times(1))
    table.note(f"the mute unit was asked {told.asked} times in those {2 * _MUTE_S} s")
    if told.lost:
        table.note(f"disturbed: the other two were too late {told.lost} times, for the machine was busy")
    yield table


class Measured(NamedTuple):
    """Answers per second of the units that are not mute, in the four windows."""

    before: float
    first: float
    later: float
    alone: float
    asked: int  # of the mute unit
    lost: int  # requests to the others without an answer in time: the machine was busy, and a second run may be worth more


def _measured():
    with polled(19200, _UNITS) as rig:
        began = statistics(rig)
        before = _rate(rig, _TALKING_S)
        rig.control("meter", name=f"rs485:{_MUTE}", fault="mute")
        muted = statistics(rig)
        first = _rate(rig, _MUTE_S)
        later = _rate(rig, _MUTE_S)
        ended = statistics(rig)
        asked = ended[f"rs485_{_MUTE}_asked"] - muted[f"rs485_{_MUTE}_asked"]
        lost = _sum(ended, "silent") - _sum(began, "silent")
        _configure(rig, {f"rs485_type_{_MUTE_SLOT}": 0})
        _settled(rig)
        alone = _rate(rig, _TALKING_S)
    return Measured(before, first, later, alone, asked, lost)


def _rate(rig, window_s):
    """Answers per second of the units that are not mute."""
    before, began = _sum(statistics(rig), "answered"), time.monotonic()
    time.sleep(window_s)
    return (_sum(statistics(rig), "answered") - before) / (time.monotonic() - began)


def _sum(told, counter):
    return sum(told[f"rs485_{unit}_{counter}"] for unit in _OTHERS)


def _configure(rig, changes):
    login = base64.b64encode(f"admin:{rig.ready['pop']}".encode()).decode()
    status, _, body = rig.get("/api/settings", {"Authorization": f"Basic {login}"}, "PATCH", json.dumps(changes))
    if status != 200:
        raise RigFailed(f"the settings were not taken: {status} {body!r}")


def _settled(rig):
    """The wire was built anew: wait until both meters are read again."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        told = statistics(rig)
        if all(told.get(f"rs485_{unit}_answered", 0) > 10 for unit in _OTHERS):
            return
        time.sleep(0.2)
    raise RigFailed("the meters were not found again")
