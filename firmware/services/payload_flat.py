"""The flat numeric form of a push: one JSON object of bare numbers, exact decimals that never were a float.

`ts`: UTC milliseconds of the reading, missing when it is not known. `q`: "good", "stale" or "absent"; only good values are
there. Units are fixed, see docs/mqtt.md: Hz, V, A, W, var, VA, degrees, degrees Celsius, %, and kWh, kvarh, kVAh of
counters. Of a power factor, negative while power is exported, `PF0cap` tells whether it is capacitive. Renderers:
firmware/services/pieces.py.
"""

from firmware.services import payload, sg_text
from firmware.state.readings import ABSENT, CAPACITIVE, GOOD, PRESENT, PULSES, STALE, TEMPERATURE, WATT_HOURS
from firmware.version import VERSION
from lib.clock import calendar

_WORDS = ("absent", "stale", "good")
ONLINE = b'{"state":"online"}'  # what lies on the topic status/<place> of a device
OFFLINE = b'{"state":"offline"}'  # ... and the last will on the gateway's own, status


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


def relay(device, clock):
    """Return render(out) of a switch: its state as read back, while it answers."""
    state = device.relay
    utc = clock.utc() if clock.is_set else 0
    quality = GOOD if device.status == PRESENT and state < 2 else STALE

    def render(out):
        _put_begin(out, utc, quality)
        if quality == GOOD:
            _put_number(out, "relay", state, 0)
        out.put(b"}")
        yield

    return render


def gateway_state(gateway):
    """Return render(out) of the gateway itself: its inputs, how it fares. `boot`: when it started, to the minute."""
    clock, inputs, health = gateway.clock, gateway.inputs.group, gateway.health
    items = [("heap", health.heap_free(), 0), ("lag_ms", health.lag_us, -3), ("crashes", gateway.supervisor.crashes, 0)]
    network = gateway.platform.network
    if network.mode == "WiFi":
        items.append(("rssi", network.rssi, 0))
    if inputs.quality() != ABSENT:
        for index, name in ((TEMPERATURE, "temperature"), (PULSES, "pulses")):
            if inputs.has(index):
                items.append((name, inputs.mantissa[index], inputs.exponent[index]))
    utc = clock.utc() if clock.is_set else 0
    boot = (utc - clock.uptime_s()) // 60 * 60

    def render(out):
        _put_begin(out, utc, GOOD)
        for item in items:
            yield
            _put_number(out, *item)
        if utc:
            out.put(b',"boot":"')
            out.put("%04d-%02d-%02dT%02d:%02d:%02dZ" % calendar.from_unix(boot)[:6])
            out.put(b'"')
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


def firmware():
    """Return render(out) of what Home Assistant's update entity is told: the version that runs."""
    return payload.object_of(lambda: (("installed_version", VERSION),))


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
