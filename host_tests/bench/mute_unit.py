"""One mute unit of three: what the other two lose, polled without a pause at 19200 baud."""

import base64
import json
import time

from host_tests.bench.polling import polled, statistics
from host_tests.bench.table import Table, times
from host_tests.rig import RigFailed

_UNITS = (33, 35, 36)
_MUTE_SLOT, _MUTE = 3, 36
_BEFORE_S, _MUTE_S, _ALONE_S = 12, 20, 12


def tables():
    with polled(19200, _UNITS) as rig:
        before = _rate(rig, _BEFORE_S)
        rig.control("meter", name=f"rs485:{_MUTE}", fault="mute")
        began = statistics(rig)
        first = _rate(rig, _MUTE_S)
        later = _rate(rig, _MUTE_S)
        asked = statistics(rig)[f"rs485_{_MUTE}_asked"] - began[f"rs485_{_MUTE}_asked"]
        _configure(rig, {f"rs485_type_{_MUTE_SLOT}": 0})
        _settled(rig)
        alone = _rate(rig, _ALONE_S)
    table = Table(__doc__.strip(), "answers a second of the other two", "of three answering", "budget", "of two alone")
    table.add("all three answer", f"{before:.2f}", times(1), "", times(before / alone))
    table.add(f"the third falls mute: first {_MUTE_S} s", f"{first:.2f}", times(first / before), "0.90 x", times(first / alone))
    table.add(f"the {_MUTE_S} s after that", f"{later:.2f}", times(later / before), "0.90 x", times(later / alone))
    table.add("two alone, the third not configured", f"{alone:.2f}", times(alone / before), "", times(1))
    table.note(f"the mute unit was asked {asked} times in those {2 * _MUTE_S} s")
    yield table


def _rate(rig, window_s):
    """Answers per second of the units that are not mute."""
    before, began = _answered(rig), time.monotonic()
    time.sleep(window_s)
    return (_answered(rig) - before) / (time.monotonic() - began)


def _answered(rig):
    told = statistics(rig)
    return sum(told[f"rs485_{unit}_answered"] for unit in _UNITS if unit != _MUTE)


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
        if all(told.get(f"rs485_{unit}_answered", 0) > 10 for unit in _UNITS if unit != _MUTE):
            return
        time.sleep(0.2)
    raise RigFailed("the meters were not found again")
