"""Modbus TCP: what the gateway adds to reads of an IE38MD on RS-485, 32 bit, 112 KB of heap, true wire timing."""

import contextlib
import time
from pathlib import Path

from host_tests.bench.modbus_load import Read, pymodbus_asyncio, pymodbus_blocking, through_gateway
from host_tests.bench.polling import CODES, until
from host_tests.bench.table import Table, percent
from host_tests.bench.wire_limit import limit_s
from host_tests.rig import Rig

_UNITS = {9600: 33, 19200: 35, 115200: 36}  # its own for each baud rate, for they share a wire where pymodbus asks
_OWN, _FLOATS = 34, 201  # the gateway itself; the meter in slot 1
_WHOLE, _PAIR = 91, 2  # registers
_COUNTS = (_WHOLE, _PAIR)
_FIRST = {_WHOLE: 101, _PAIR: 107}
_CLIENTS = 8
_MIXED_BAUD = 19200
_WINDOW_S = {9600: 6, 19200: 5, 115200: 4}
_SHORT_S = 3
_RHYTHM_S = 0.017  # not that of the polls
_CALM_S = 0.7


def tables():
    gateway, crowd, others = {}, {}, {}
    for baud in _UNITS:
        with _quiet(baud) as rig:
            for count in _COUNTS:
                gateway[baud, count] = through_gateway(rig, [_read(baud, count)], _WINDOW_S[baud])
                crowd[baud, count] = through_gateway(rig, _different(baud, count), _WINDOW_S[baud])
            if baud == _MIXED_BAUD:
                others.update(_without_cache(rig))
    direct = _direct()
    with _polled() as rig:
        others.update(_with_cache(rig))
    yield _latency({"the gateway": gateway, **direct})
    yield _throughput(gateway, crowd, direct)
    yield _elsewhere(others)


def _latency(measured):
    title = __doc__.strip() + "\nOne client, one read after the other: time to the answer, less the wire's least time for it"
    table = Table(title, "reads", "median", "99 of 100", "longest", "budget", "the bench's own lag")
    for baud in _UNITS:
        for count in _COUNTS:
            for name, told in measured.items():
                one = told[baud, count]
                limit_ms = _limit_s(baud, count) * 1000
                shown = [f"{value - limit_ms:.1f} ms" for value in (one.median_ms, one.p99_ms, one.latencies_ms[-1])]
                budget = "5 and 15 ms" if told is measured["the gateway"] else ""
                label = f"{baud} baud, {count} registers: {name}"
                table.add(label, str(len(one.latencies_ms)), *shown, budget, f"{one.machine_ms:.1f} ms")
                _note_lost(table, label, one)
    table.note("least time: that of characters, both silences and meter's delay, as for the use of the bus. pymodbus leaves")
    table.note("out the silence before a request, 1.75 to 3.6 ms, and so can beat it. Budgets: of the median, of 99 of 100")
    return table


def _throughput(gateway, crowd, direct):
    title = "Requests a second, and how much of the wire's limit that is"
    table = Table(title, "limit", "1 client", f"{_CLIENTS} clients", "least and most served", *direct)
    for baud in _UNITS:
        for count in _COUNTS:
            limit = 1 / _limit_s(baud, count)
            alone, many, *peers = [
                f"{told[baud, count].rate:.2f}, {percent(told[baud, count].rate / limit)}"
                for told in (gateway, crowd, *direct.values())
            ]
            served = crowd[baud, count].counts
            label = f"{baud} baud, {count} registers"
            table.add(label, f"{limit:.2f}", alone, many, f"{min(served)}, {max(served)}", *peers)
            _note_lost(table, f"{label}, {_CLIENTS} clients", crowd[baud, count])
    table.note(f"the {_CLIENTS} read different registers, and no answer holds another's; pymodbus: one client on the terminal")
    return table


def _elsewhere(measured):
    table = Table(
        f"Answers that need no turn of their own on the wire, {_MIXED_BAUD} baud",
        *("requests a second", "median", "99 of 100", "longest", "least and most served", "the bench's own lag"),
    )
    for label, told in measured.items():
        shown = [f"{value:.2f} ms" for value in (told.median_ms, told.p99_ms, told.latencies_ms[-1])]
        served = f"{min(told.counts)}, {max(told.counts)}" if len(told.counts) > 1 else ""
        table.add(label, f"{told.rate:.0f}", *shown, served, f"{told.machine_ms:.1f} ms")
        _note_lost(table, label, told)
    table.note("cache: modbus_max_age 2000; these registers are among those that the gateway reads every 500 ms")
    table.note("latencies hold the client's own time. One that asks again at once meets few of the long ones, for it asks for")
    table.note("no others meanwhile; the requests of the one with a rhythm count from when they were due")
    return table


def _note_lost(table, label, told):
    if told.lost:
        table.note(f"{label}: {told.lost} requests without a good answer")


def _limit_s(baud, count):
    return limit_s(baud, _read(baud, count).characters, 1)


def _read(baud, count, shift=0):
    return Read(_UNITS[baud], _FIRST[count] + shift, count)


def _different(baud, count):
    return [_read(baud, count, shift) for shift in range(_CLIENTS)]


def _without_cache(rig):
    same = [_read(_MIXED_BAUD, _WHOLE)] * _CLIENTS
    return {
        f"no cache: {_CLIENTS} clients, the same {_WHOLE} registers": through_gateway(rig, same, _WINDOW_S[_MIXED_BAUD]),
        "the gateway's own registers: 1 client, 14": through_gateway(rig, [Read(_OWN, 1, 14)], _SHORT_S),
        "a meter's registers as floats: 1 client, 100": through_gateway(rig, [Read(_FLOATS, 1000, 100)], _SHORT_S),
    }


def _with_cache(rig):
    one = Read(_UNITS[_MIXED_BAUD], 107, 6)
    return {
        "cache: 1 client, 6 registers": through_gateway(rig, [one], _SHORT_S),
        f"cache: {_CLIENTS} clients, 6 registers": through_gateway(rig, [one] * _CLIENTS, _SHORT_S),
        f"cache: 1 client, 6 registers, every {_RHYTHM_S * 1000:.0f} ms": through_gateway(
            rig, [one], 2 * _WINDOW_S[_MIXED_BAUD], _RHYTHM_S
        ),
    }


def _direct():
    """What pymodbus measures on the terminal of a rig whose gateway leaves RS-485 alone."""
    clients = {"pymodbus, blocking": pymodbus_blocking, "pymodbus, asyncio": pymodbus_asyncio}
    told = {name: {} for name in clients}
    meters = [_meter(baud) for baud in _UNITS]
    with Rig(bits=32, meters=meters, settings={**_NO_METERS, "rs485_protocol": 0}) as rig:
        path = Path(rig.ready["log"]).with_name("rs485")
        for baud in _UNITS:
            for count in _COUNTS:
                for name, measure in clients.items():
                    told[name][baud, count] = measure(path, baud, _read(baud, count), _WINDOW_S[baud])
    return told


def _meter(baud):
    unit = _UNITS[baud]
    return {"port": "rs485", "model": "IE38MD", "serial": f"X{unit:07}", "address": unit, "baud": baud}


@contextlib.contextmanager
def _quiet(baud):
    """A rig with one meter, which the gateway has just read and leaves alone for a minute."""
    with _rig(baud, poll_ms=60000) as rig:
        _found(rig)
        frames = -1
        while frames != (frames := rig.control("wire", port="rs485")["frames"]):
            time.sleep(_CALM_S)
        yield rig


@contextlib.contextmanager
def _polled():
    with _rig(_MIXED_BAUD, poll_ms=500, modbus_max_age=2000) as rig:
        _found(rig)
        time.sleep(_CALM_S)
        yield rig


def _rig(baud, **settings):
    slot = {"rs485_baud_rate": CODES[baud], "rs485_type_1": 2, "rs485_addr_1": _UNITS[baud]}
    return Rig(bits=32, meters=[_meter(baud)], settings={**_NO_METERS, **slot, **settings})


def _found(rig):
    until(rig, lambda: "U1" in rig.get_json("/get_command?command=get_measurements1").get("measurements", {}))


_NO_METERS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}
