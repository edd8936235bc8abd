"""The input registers of the gateway's own unit: who it is, how it is connected, its inputs, its health."""

import os
from struct import pack

from micropython import const

from firmware.services.registers_own import INPUT_BLOCKS, INPUTS, MIRROR, MIRRORED
from firmware.state.readings import PRESENT, TEMPERATURE
from firmware.version import FILES_VERSION, VERSION
from lib.modbus.errors import ILLEGAL_ADDRESS, PeerError
from lib.modbus.window import rows, text_bytes

_GROUP = const(5)  # of devices: this generation
_FOUND = const(3)
_NO_ANSWER = const(250)
_DISABLED = const(-1)
_NOT_CONNECTED = const(255)
_NO_TEMPERATURE = const(-32768)
_NO_ADDRESS = const("0.0.0.0")


def read(gateway, _, window):
    """Fill a window of input registers; raise PeerError unless it lies in one block."""
    if window.first >= MIRROR and window.first + window.count <= MIRROR + MIRRORED:
        window.first -= MIRROR
    if not window.is_within(INPUT_BLOCKS):
        raise PeerError(ILLEGAL_ADDRESS)
    for address, registers, kind, name in rows(INPUTS):
        if address >= window.first + window.count:
            break
        if window.overlaps(address, registers):
            value = _value(gateway, name)
            if kind == "text":
                value = text_bytes(value, 2 * registers)
            elif kind != "hex":
                value = pack(">I", value & 0xFFFFFFFF) if registers == 2 else pack(">H", value & 0xFFFF)
            window.put(address, value)


def _value(gateway, name):  # noqa: PLR0911, PLR0912 - a table whose entries are expressions
    """Return a value of the table as text, bytes or number."""
    platform = gateway.platform
    if name == "group":
        return _GROUP
    if name == "model":
        return platform.model
    if name == "serial":
        return gateway.identity.serial
    if name == "software":
        return _hundredths(VERSION)
    if name == "hardware":
        return platform.hardware
    if name == "platform":
        return _hundredths(os.uname()[2]) if hasattr(os, "uname") else 0
    if name == "files":
        return FILES_VERSION
    if name == "mac":
        return platform.mac
    if name == "connection":
        return _connection(gateway)
    if name == "address":
        return platform.network.address
    if name == "rssi":
        return platform.network.rssi
    if name == "relay":
        switch = gateway.readings.device("rir")
        return switch.relay if switch else _NOT_CONNECTED
    if name == "left_ir":
        meter = gateway.readings.device("lir")
        return _DISABLED if meter is None else _FOUND if meter.status == PRESENT else _NO_ANSWER
    if name == "uptime":
        return gateway.clock.uptime_s()
    return _input(gateway, name)


def _input(gateway, name):
    """Return what changes all the time: clock, inputs, health."""
    clock, health, group = gateway.clock, gateway.health, gateway.inputs.group
    if name == "local_time":
        utc = clock.utc()
        return utc + clock.zone.offset_s(utc) if clock.is_set else utc
    if name == "sensor":
        return int(group.has(TEMPERATURE))
    if name == "temperature":
        return (group.mantissa[TEMPERATURE] + 5) // 10 if group.has(TEMPERATURE) else _NO_TEMPERATURE
    if name == "pulses":
        return gateway.inputs.counter.total
    if name == "heap_free":
        return health.heap_free()
    if name == "heap_min":
        return health.heap_min
    if name == "lag":
        return min(health.lag_us // 1000, 0xFFFF)
    if name == "crashes":
        return gateway.supervisor.crashes
    if name == "events":
        return gateway.events.count
    return gateway.server.requests


def _connection(gateway):
    network = gateway.platform.network
    if network.address != _NO_ADDRESS:
        return 4 if network.mode == "Ethernet" else 3 if network.mode == "WiFi" else 5
    if gateway.trial:
        return 2
    return 1 if network.mode != "WiFi" or gateway.settings.get("wifi_ssid") else 0


def _hundredths(version):
    """Return "0.51" as 51, "1.26.1" as 126."""
    major, _, rest = version.partition(".")
    return int(major) * 100 + int((rest.split(".")[0] + "00")[:2])
