"""The flat numeric form of a push: one JSON object of bare numbers, exact decimals that never were a float.

`ts`: UTC milliseconds of the reading, missing when it is not known. `q`: "good", "stale" or "absent"; only good values are
there. Units are fixed, see docs/mqtt.md: Hz, V, A, W, var, VA, degrees, degrees Celsius, %, and kWh, kvarh, kVAh of
counters. Of a power factor, negative while power is exported, `PF0cap` tells whether it is capacitive. Renderers:
firmware/services/pieces.py.
"""

from array import array

from micropython import const

from firmware.services import payload, sg_text
from firmware.state.readings import ABSENT, CAPACITIVE, GOOD, PRESENT, PULSES, STALE, TEMPERATURE, WATT_HOURS
from firmware.version import VERSION
from lib.clock import calendar

_NOTHING = const(127)  # the exponent of a counter that was not told yet
_SILENT = const(250)  # the state of a switch that does not answer
_WORDS = const(("absent", "stale", "good"))


def flat(out, readings, more=()):
    """Readings of one device as one object: the time is that of the first, the quality the worst. `more`: (name, integer)."""
    quality = GOOD
    for reading in readings:
        quality = min(quality, reading.quality)
    _put_begin(out, readings[0].utc, quality)
    for reading in readings:
        for name, mantissa, exponent, unit, quality in reading.rows:
            if reading.kind == "counters":
                exponent -= 3  # thousands
                if unit < WATT_HOURS:
                    continue  # the counter is off
            if quality == GOOD and sg_text.LEAST_EXPONENT <= exponent <= sg_text.MOST_EXPONENT:
                yield
                _put_number(out, name, mantissa, exponent)
                if name.startswith("PF"):
                    _put_number(out, name + "cap", unit == CAPACITIVE, 0)
    if readings[-1].tariff:
        _put_number(out, "tariff", readings[-1].tariff, 0)
    for name, number in more:
        yield
        _put_number(out, name, number, 0)
    out.put(b"}")
    yield


def state(gateway, device):
    """Return render(out) of what is known of a device now, on the topic state/<place>; None for the gateway, on state.

    Of the gateway: its inputs, how it fares, and `boot`, when it started, to the minute.
    """
    clock = gateway.clock
    utc = clock.utc() if clock.is_set else 0
    if device is None:
        return _gateway(gateway, utc)
    if device.is_switch:
        return relay(device.relay if device.status == PRESENT else _SILENT, utc)
    kinds = ("measurements", "counters")
    if device.is_sparse and device.groups:
        kinds = [kind for kind in kinds if kind in device.groups]  # the other is not missing: the meter does not have it
    readings = [payload.live(device, kind, clock) for kind in kinds]
    last = readings[-1]
    if last.kind == "counters" and last.rows:
        last.rows = list(last.rows)
        _hold_back(device, last.rows, device.groups["counters"].utc)
    bus = gateway.field.buses.get(device.port)
    unit = bus and bus.units.get(device.address)
    more = (("errors", unit.silent + unit.damaged),) if unit else ()
    return lambda out: flat(out, readings, more)


def relay(state, utc):
    """Return render(out) of a switch: its state as read back, 0 or 1; else it does not answer. `utc`: 0 if not known."""
    return _items(utc, GOOD, [("relay", state, 0)]) if state < 2 else _items(utc, STALE, ())


def _hold_back(device, rows, utc):
    """Take out counters that have fallen since they were told, until a reading of another time has them so too.

    Home Assistant books a fall by a tenth as a new start from zero. What a meter itself set back is told one reading later.
    """
    if not device.told:
        device.told = [0, array("q", [0] * len(rows)), array("b", [_NOTHING] * len(rows))]
    doubted, mantissas, exponents = device.told
    is_confirmed = doubted and doubted != utc
    device.told[0] = 0
    for index, row in enumerate(rows):
        name, mantissa, exponent, unit, quality = row
        if quality == GOOD:
            low = min(exponent, exponents[index])
            has_fallen = mantissa * 10 ** (exponent - low) < mantissas[index] * 10 ** (exponents[index] - low)
            if has_fallen and exponents[index] != _NOTHING and not is_confirmed:
                rows[index] = (name, mantissa, exponent, unit, STALE)
                device.told[0] = doubted or utc
            else:
                mantissas[index], exponents[index] = mantissa, exponent


def _gateway(gateway, utc):
    clock, inputs, health = gateway.clock, gateway.inputs.group, gateway.health
    items = [("heap", health.heap_free(), 0), ("lag_ms", health.lag_us, -3), ("crashes", gateway.supervisor.crashes, 0)]
    network = gateway.platform.network
    if network.mode != "Ethernet":
        items.append(("rssi", network.rssi, 0))
    if inputs.quality() != ABSENT:
        for index, name in ((TEMPERATURE, "temperature"), (PULSES, "pulses")):
            if inputs.has(index):
                items.append((name, inputs.mantissa[index], inputs.exponent[index]))
    boot = (utc - clock.uptime_s()) // 60 * 60
    return _items(utc, GOOD, items, utc and ',"boot":"%04d-%02d-%02dT%02d:%02d:00Z"' % calendar.from_unix(boot)[:5])


def _items(utc, quality, items, more=""):
    """Return render(out) of (name, mantissa, exponent)."""

    def render(out):
        _put_begin(out, utc, quality)
        for item in items:
            yield
            _put_number(out, *item)
        out.put(more or "")
        out.put(b"}")
        yield

    return render


def greeting(gateway):
    """Return render(out) of what lies on the topic status: that the gateway is there, and what it is."""

    items = (
        ("state", "online"),
        ("serial_number", gateway.identity.serial),
        ("model_type", gateway.platform.model),
        ("sw_ver", VERSION),
        ("hw_ver", gateway.platform.hardware),
    )
    return payload.object_of(lambda: items)


def firmware(upgrade):
    """Return render(out) of what Home Assistant's update entity is told: what runs, what is new, how an upgrade goes.

    `upgrade`: firmware/state/upgrade.py, now.
    """
    latest = upgrade.version if upgrade.is_busy else upgrade.latest
    percent = upgrade.percent if upgrade.total else None
    told = [("installed_version", VERSION), ("in_progress", upgrade.is_busy), ("update_percentage", percent)]
    if latest:
        told.append(("latest_version", latest))
    return payload.object_of(lambda: told)


def _put_begin(out, utc, quality):
    out.put(b"{")
    if utc:
        out.put(b'"ts":')
        out.put_int(utc)
        out.put(b"000,")
    out.put(b'"q":"')
    out.put(_WORDS[quality])
    out.put(b'"')


def _put_number(out, name, mantissa, exponent):
    out.put(b',"')
    out.put(name)
    out.put(b'":')
    sg_text.put_exact(out, int(mantissa), exponent)
