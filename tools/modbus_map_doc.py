"""Writes docs/modbus-map.md from the tables of registers: `python -m tools.modbus_map_doc`. A test keeps the two equal."""

from pathlib import Path

from firmware.services import registers_mirror_map as mirror
from firmware.services import registers_own as own
from firmware.state import schema
from lib.modbus.window import rows

TARGET = Path(__file__).resolve().parent.parent / "docs" / "modbus-map.md"

_HEAD = """# Registers of the gateway and of its meters

Made from `firmware/services/registers_own.py` and `registers_mirror_map.py` by `python -m tools.modbus_map_doc`; do
not edit.

What the gateway itself answers, by Modbus TCP (port 10001 unless `tcp_port` says otherwise) and as a slave on RS-485.
A unit that is none of these is a device on one of the wires, and its own manual tells its registers.

| unit | what |
| --- | --- |
| 34 (`sg_modbus_addr`) | the gateway itself; also 0 and 255 unless `modbus_own_255` is 0 |
| 200 (`modbus_meters`) | the meter on the left infrared port, as floats, integers, and a SunSpec device |
| 200 + n | likewise the meter in slot n of RS-485, 1 to 16. `modbus_meters` 0: none of these |

## How to read this

**Addresses** are those on the wire, from 0. Manuals of this family write 4xxxx for holding and 3xxxx for input
registers, with the same last digits: register 40101 is address 101 with functions 3, 6, 16, 23, and 30101 is address
101 with function 4. Nothing is subtracted. 41001 is address 1001, 45001 is 5001, 39000 is 9000 with function 4.

**Bytes**: high byte first, and of several registers the high word first. A read may take any part of a block, single
registers of a longer value included; what goes beyond a block gets exception 2.

| type | |
| --- | --- |
| uint16, int16, uint32, int64 | whole numbers, the signed ones in two's complement |
| float32 | IEEE 754 single precision; NaN (7FC00000) is no value. Rounded once, from the meter's decimal number |
| text | UTF-8, two bytes a register, filled up with spaces (SunSpec: with NUL), cut behind a whole character |
| secret | a text that can be written only: it reads as spaces |
| hex | bytes: an IPv4 address, 0.0.0.0 for none; a MAC address |
| minutes | int16, minutes ahead of UTC; of a zone with a name those of now |

**Exceptions**: 1 the function is not there, or writing is not allowed now; 2 no such register; 3 a count or a value
that is wrong; 4 it failed: the flash did not take it, the relay cannot be switched from here, there was no memory.

## A meter: floats

Functions 3 and 4 alike; nothing can be written. One order for all families: a single-phase meter has NaN in phases 2
and 3, and so has whatever a meter does not measure. Stale values are never shown: when the meter does not answer,
everything is NaN while the header tells its age.

| address | registers | type | |
| --- | --- | --- | --- |
"""

_FLOATS = """
Signs are the meter's: positive active power is import; a negative power factor is export. `0` in a name is the total.

| address | name | unit |
| --- | --- | --- |
"""

_ENERGIES = """
## A meter: energies

A float has 24 bits and loses whole watt-hours above 16.8 MWh: these are integers. Each counter has its place in every
array, in this order, whether the meter has it or not: {names}.

| address | registers for each | type | |
| --- | --- | --- | --- |
{rows}
So `counter1nr` in thousandths is at 1240, `counter2nr` at 1244, `counter1` at {counter1}. Which counter is the import
is in the array of directions; the rule is the one of the maker's own client. Counters that are finer than a
thousandth are cut. The last four arrays stand while a meter does not answer.

## A meter: SunSpec

At address 40000, and only there. Models 1 (66 registers), then 213 for a three-phase or 211 for a single-phase meter
(124 registers, float32), then the end. Exception 4 until the meter was found once after the start: which model it is
depends on its phases. Positive W is import. `TotWhImp` and `TotWhExp` are counters of active energy, chosen as for
the history: of those with the direction and phase the one that counts in most tariffs, then a non-resettable one,
then the first. They are floats because the models have it so; the exact integers are above.

| address | registers | point | |
| --- | --- | --- | --- |
"""

_OWN = """
## The gateway: input registers

Function 4. Numbers as in manuals: 30001 is address 1. What lies between the lines, within {inputs}, reads 0. {mirror}
to {mirror_end} mirror 30000 to 30999.

| register | registers | type | |
| --- | --- | --- | --- |
{rows}
## The gateway: holding registers

Functions 3, 6, 16, 23. Numbers as in manuals: 40101 is address 101. What lies between the lines, within {holding},
reads 0 and takes nothing but the 0 that it reads. `k` is a link, 0 or 1; `n` a device, 0 to 15; the names have them
from 1 on. Values and their meaning: [settings.md](settings.md). Settings longer than their registers are cut when
read, and stay whole when they are written as they were read.

| register | registers | type | setting, or what it is |
| --- | --- | --- | --- |
"""

_WRITING = """
### Writing

Modbus has no login, so the gateway refuses every write to itself with exception 1 until an administrator allows it:

- for up to ten minutes, on the page SG Settings, Modbus, or by `POST /api/modbus_access` with `{"minutes":10}`;
- for good, by the setting `locked` 0 (40205).

Written settings wait until **40012 = 1** saves them all as one change that is checked as a whole, as an address and
its mask must be. Until then they read back as written and have no effect. A value that is wrong by itself is refused
at once (3); what does not fit together is refused by the 1 in 40012 (3; the events tell the field) and waits to be
put right. What was not saved is forgotten at the end of the ten minutes, or ten minutes after the last write; at most
48 values wait. One register of a text or of an address may be written alone. What is written as it reads changes
nothing, so blocks may be written back. A NUL ends a text; a secret is cleared by NULs, spaces leave it as it is.

| 40012 | |
| --- | --- |
| 1 | save what was written |
| 2 | forget it |
| 3 | restart, half a second after the reply |
| 5 | factory reset: settings, passwords, certificates, history go; the device's secret and the pulse counter stay |
| 6 | lock: set `locked` to 1, close the ten minutes, forget what was not saved |
| 8 | unlock: accepted, without effect, where writing is allowed anyway. There is no way in without a login |

40013 = 1 clears the pulse counter. 40015 switches the IR relay, 0 off or 1 on, in relay mode 1 (40401) only, and
reads its state; the switch is turned after the reply, 30112 tells what came of it. Each command leaves an event.
"""

_EXAMPLES = """
## Home Assistant

```yaml
modbus:
  - name: sg
    type: tcp
    host: 192.168.1.209
    port: 10001
    sensors:
      - name: "Power"
        unique_id: sg_200_p0
        device_address: 200
        address: {p0}
        input_type: input
        data_type: float32
        precision: 1
        device_class: power
        state_class: measurement
        unit_of_measurement: "W"
      - name: "Energy import"
        unique_id: sg_200_counter1nr
        device_address: 200
        address: {thousandths}
        input_type: input
        data_type: int64
        scale: 0.001
        nan_value: -9223372036854775808
        precision: 1
        device_class: energy
        state_class: total_increasing
        unit_of_measurement: "Wh"
```

NaN becomes "unknown". Of the 32-bit energies `nan_value` is 4294967295.

## evcc

```yaml
meters:
  - name: grid
    type: template
    template: sunspec-meter
    usage: grid
    modbus: tcpip
    host: 192.168.1.209
    port: 10001
    id: 200
```

Of several meters each has its own unit as `id`.
"""


# What a meter's values are: unit, and the names of those that have it; all others have none
_UNITS = {
    "V": "U1 U2 U3 U12 U23 U31",
    "A": "I1 I2 I3",
    "W": "P0 P1 P2 P3",
    "var": "Q0 Q1 Q2 Q3",
    "VA": "S0 S1 S2 S3",
    "deg": "PA0 PA1 PA2 PA3",
    "Hz": "frequency",
    "deg C": "Tint",
    "%": "THDUp1 THDUp2 THDUp3 THDI1 THDI2 THDI3",
}
_HEADER = {
    "version": "version of this map: 1",
    "status": "the meter: 0 disabled, 1 not detected, 2 present, 3 silent",
    "quality": "measurements: 0 absent, 1 stale, 2 good",
    "counters_quality": "counters: likewise",
    "age": "age of the last measurements, s; FFFFFFFF: none",
    "counters_age": "age of the last counters, s; FFFFFFFF: none",
    "phases": "phases of the meter: 1, 3; 0 not known",
    "tariff": "active tariff, from 1; 0 not known",
    "model": "model",
    "serial": "serial number",
}
_ARRAYS = {
    "whole": ("uint32", "value in whole Wh, varh, VAh, cut; FFFFFFFF: absent, negative, too large"),
    "thousandths": ("int64", "value in thousandths of Wh, varh, VAh; 8000000000000000: absent, too large"),
    "unit": ("uint16", "1 Wh, 2 varh, 3 VAh, 0 not known"),
    "direction": ("uint16", "1 import, 2 export, 3 both, 0 not known"),
    "phase": ("uint16", "1 to 3, 0 all"),
    "tariffs": ("uint16", "bit 0: counts in tariff 1, ... bit 5: in tariff 6"),
}
_COMMON = {
    "SunS": "",
    "ID": "1",
    "L": "66",
    "Mn": "Iskra, or Finder",
    "Md": "model",
    "Opt": "empty",
    "Vr": "software version of the meter",
    "SN": "serial number",
    "DA": "unit of the meter's floats and SunSpec",
    "Pad": "8000",
}
# The points of the models 211 and 213, in their order: registers_mirror_map.py tells where they come from
_POINTS = """
A AphA AphB AphC PhV PhVphA PhVphB PhVphC PPV PPVphAB PPVphBC PPVphCA Hz W WphA WphB WphC VA VAphA VAphB VAphC
VAR VARphA VARphB VARphC PF PFphA PFphB PFphC TotWhExp TotWhExpPhA TotWhExpPhB TotWhExpPhC TotWhImp TotWhImpPhA TotWhImpPhB
TotWhImpPhC TotVAhExp TotVAhExpPhA TotVAhExpPhB TotVAhExpPhC TotVAhImp TotVAhImpPhA TotVAhImpPhB TotVAhImpPhC
TotVArhImpQ1 TotVArhImpQ1phA TotVArhImpQ1phB TotVArhImpQ1phC TotVArhImpQ2 TotVArhImpQ2phA TotVArhImpQ2phB TotVArhImpQ2phC
TotVArhExpQ3 TotVArhExpQ3phA TotVArhExpQ3phB TotVArhExpQ3phC TotVArhExpQ4 TotVArhExpQ4phA TotVArhExpQ4phB TotVArhExpQ4phC
"""
_INPUTS = {
    "group": "device group: 5",
    "model": "model, such as SG-W1",
    "serial": "serial number",
    "software": "software version x100",
    "hardware": "hardware version",
    "platform": "version of MicroPython x100, 0: not known",
    "files": "version of the file system",
    "mac": "MAC address",
    "connection": "0 none, 1 connecting, 2 provisioning, 3 WiFi, 4 Ethernet, 5 modem",
    "address": "IP address as text",
    "rssi": "WiFi signal, dBm",
    "relay": "IR relay: 0 off, 1 on, 250 error, 255 not connected",
    "left_ir": "IR meter: 3 found, 250 does not answer, -1 disabled",
    "uptime": "time since the start, s",
    "local_time": "local time as seconds since 01.01.1970",
    "sensor": "bit 0: Pt1000 valid",
    "temperature": "Pt1000, 0.1 deg C; -32768 when not valid",
    "pulses": "pulse counter",
    "heap_free": "free heap, bytes",
    "heap_min": "least free heap since the start, bytes",
    "lag": "longest time the loop was held lately, ms",
    "crashes": "tasks that ended with an error since the start",
    "events": "events since the start",
    "requests": "HTTP requests since the start, modulo 65536",
}


def text():
    """Return the document."""
    return "".join(
        [_HEAD, *_meter(), *_own(), _WRITING, _EXAMPLES.format(p0=_float_at("P0"), thousandths=_array("thousandths")[0])]
    )


def _meter():
    for address, registers, kind, name in rows(mirror.HEADER_ROWS):
        yield f"| {address} | {registers} | {kind} | {_HEADER[name]} |\n"
    yield _FLOATS
    for name in mirror.FLOATS:
        unit = next((unit for unit, measured in _UNITS.items() if name in measured.split()), "")
        yield f"| {_float_at(name)} | {name} | {unit} |\n"
    arrays = "".join(
        "| {} | {} | {} | {} |\n".format(address, registers, *_ARRAYS[name]) for address, registers, name in mirror.ARRAYS
    )
    names = ", ".join(f"`{name}`" for name in mirror.COUNTERS)
    first = _array("thousandths")[0] + 4 * mirror.COUNTERS.index("counter1")
    yield _ENERGIES.format(names=names, rows=arrays, counter1=first)
    for address, registers, _, name in rows(mirror.COMMON_ROWS):
        yield f"| {address} | {registers} | {name} | {_COMMON[name]} |\n"
    yield f"| {mirror.METER_AT} | 1 | ID | 213 or 211 |\n| {mirror.METER_AT + 1} | 1 | L | {mirror.METER_LENGTH} |\n"
    absent = [""] * (mirror.POINTS - len(mirror.SOURCES))
    for number, (name, source) in enumerate(zip(_POINTS.split(), [*mirror.SOURCES, *absent], strict=True)):
        yield f"| {mirror.METER_AT + 2 + 2 * number} | 2 | {name} | {_source(source)} |\n"
    yield f"| {mirror.END_AT - 2} | 2 | Evt | 0 |\n| {mirror.END_AT} | 2 | end | FFFF, 0 |\n"


def _float_at(wanted):
    return mirror.FLOATS_AT + 2 * mirror.FLOATS.index(wanted)


def _array(wanted):
    return next(row for row in mirror.ARRAYS if row[2] == wanted)


def _source(source):
    """What a point shows, in words."""
    words = source.split(" ")
    if not source:
        return "NaN"
    if words[0] == "sum":
        return "sum of " + ", ".join(words[1:])
    if words[0] == "mean":
        return "mean of those that are there of " + ", ".join(words[1:])
    if words[0] in ("import", "export"):
        return f"counter of {words[0]}" + ("" if words[1] == "0" else f", phase {words[1]}")
    return words[0]


def _own():
    inputs = "".join(f"| {30000 + a} | {count} | {kind} | {_INPUTS[name]} |\n" for a, count, kind, name in rows(own.INPUTS))
    yield _OWN.format(
        inputs=_blocks(30000, own.INPUT_BLOCKS),
        holding=_blocks(40000, own.HOLDING_BLOCKS),
        rows=inputs,
        mirror=30000 + own.MIRROR,
        mirror_end=30000 + own.MIRROR + own.MIRRORED - 1,
    )
    for start, step, repeats, _, group in own.HOLDING:
        letter = "" if not step else f" + {step} {'k' if repeats == 2 else 'n'}"
        for offset, registers, kind, name in rows(group):
            yield f"| {40000 + start + offset}{letter} | {registers} | {_KINDS.get(kind, kind)} | {_meaning(kind, name)} |\n"


_KINDS = {"command": "uint16", "state": "uint16", "constant": "uint16"}
_MEANINGS = {
    "command": "operator command, see below",
    "pulses": "1 clears the pulse counter",
    "relay": "IR relay: 0 off, 1 on; in relay mode 1 only",
    "unlocked": "1: writing is allowed now",
    "left_s": "for how many seconds it is allowed, as long as `locked` is 1",
    "staged": "values that wait to be saved",
    "restart_needed": "1: a change takes effect with the next start",
    "8": "data bits: 8",
}


def _meaning(kind, name):
    if kind in _KINDS:
        return _MEANINGS[name]
    for page, settings, _ in schema.TABLES:
        for row in settings.strip().split("\n"):
            setting = schema.Setting(page, row, None)
            if setting.name == name:
                return f"`{name}`: {setting.meaning}"
    raise KeyError(name)


def _blocks(family, blocks):
    return ", ".join(f"{family + first}-{family + first + count - 1}" for first, count in blocks)


if __name__ == "__main__":
    TARGET.write_text(text())
