"""A gateway with the meters of the manual's samples and two switches, for what renders messages.

By hand it prints discovery messages, states and answers for a peer that understands them, each as a line of JSON:
`MICROPYPATH=.:host_tests .tools/bin/micropython64 host_tests/fakes/push_gateway.py`
"""

import asyncio
import json

from firmware.meters import catalogue
from firmware.services import hass, hass_announced, payload, payload_flat, pieces
from firmware.services import push_topics as topics
from firmware.state.readings import CAPACITIVE, INDUCTIVE, PRESENT, SILENT, WATT_HOURS, Device, Group
from host_tests.fakes import register_gateway
from host_tests.fakes.loader import load

# name: mantissa, exponent
WM = {
    "frequency": (5001, -2),
    "U1": (22050, -2),
    "I1": (74, -3),
    "P0": (65, -1),
    "Q0": (-277, -1),
    "S0": (305, -1),
    "PF0": (-2124, -4),
    "PA0": (-7691, -2),
    "Tint": (3670, -2),
    "THDI1": (2336, -2),
    "THDUp1": (250, -2),
    "U12": (38191, -2),
    "counter1nr": (2147483647, 1),  # beyond what an integer of 32 bits holds, in Wh
    "counter2nr": (16777217, -1),  # one more than a float of the device counts
}
IE = {"frequency": (4999, -2), "U1": (195, -1), "P0": (0, -1), "counter1nr": (2, 2), "counter3nr": (-12, 1), "counter9": (0, 1)}


class Unit:
    silent = 2
    damaged = 1


class Bus:
    units = {35: Unit()}


class Field:
    buses = {"rs485": Bus()}


class Gateway(register_gateway.Gateway):
    """Everything goes over link 1."""

    def __init__(self, **settings):
        chosen = {"leftir_pushlink": 3, "rightir_pushlink": 1, "ir_relay_desc": "Boiler", "hass1_discovery": 1}
        for slot in range(1, 6):
            chosen[f"rs485_pushlnk{slot}"] = 1
        chosen.update(settings)
        super().__init__(**chosen)
        self.field = Field()
        self.push = None
        self.upgrade.latest = "0.2"
        self.is_safe = False
        network = self.platform.network
        network.ssid = "home"
        self.platform.flash_mb = 4
        self.platform.root = register_gateway.FOLDER
        self.inputs.fault = ""
        self.health.reset_cause = "power-on"
        self.inputs.group.put(0, 2041, -2)
        self.inputs.group.put(1, 131075, 0)
        self.inputs.group.read(self.clock.utc(), 60000)
        self.switched = []
        self.ie = self.add("lir", "ir_left", 33, "IE38MD", "X0000124", IE)
        self.add_switch("rir", "ir_right", "IR Bicom", 1)
        self.wm = self.add(1, "rs485", 35, "WM3M4C", "18230001", WM)
        self.mc = self.add(2, "rs485", 36, "MC666", "12345678", {"U1": (2300, -1), "counter1": (123456, 0)})
        self.add_switch(3, "rs485", "Bicom", 0)
        self.single = self.add(4, "rs485", 38, "IE14MW", "X0000777", {"P0": (2300, -1), "P1": (2300, -1)})

    def add(self, slot, port, address, model, serial, values):
        """A meter that answers, with these values and no others; its first four counters count the four things there are."""
        device = Device(slot, port, address)
        device.model, device.serial, device.software, device.hardware = model, serial, 123, "A"
        family = catalogue.find(model, load)
        device.phases = family.phases
        device.status = PRESENT
        device.tariff = 1
        rows = family.counters.rows
        device.non_resettable = family.counters.non_resettable
        device.resettable = len(rows) - device.non_resettable
        device.phases_of, device.tariffs = bytearray(len(rows)), bytearray(len(rows))
        device.quadrants = bytearray(len(rows))
        device.groups = {"measurements": Group(family.values.rows), "counters": Group(rows)}
        for group in device.groups.values():
            for index, row in enumerate(group.rows):
                if row[0] in values:
                    group.put(index, *values[row[0]])
                if len(row) == 4 and group is device.groups["measurements"]:
                    group.unit[index] = row[3]
                if row[0].startswith("PF"):
                    group.unit[index] = CAPACITIVE if row[0] == "PF0" else INDUCTIVE
            group.read(self.clock.utc(), 60000)
        for index in range(min(4, len(rows))):
            device.groups["counters"].unit[index] = WATT_HOURS + (0, 0, 1, 2)[index]
            device.quadrants[index] = (9, 6, 15, 9)[index]
            device.tariffs[index] = 15
        device.phases_of[1] = 2
        self.readings.devices.append(device)
        return device

    def add_switch(self, slot, port, model, state):
        device = Device(slot, port, 33 if slot == "rir" else 37, is_switch=True)
        device.model, device.status, device.relay = model, PRESENT, state

        async def switch(wanted):
            self.switched.append((slot, wanted))
            device.relay = 1 - device.relay if wanted == "toggle" else int(wanted == "on")
            return device.relay

        device.switch = switch
        self.readings.devices.append(device)
        return device


def text(render):
    """What a renderer makes, as bytes; it must say beforehand how long that is, and no part may be too long."""
    sent = []

    async def write(view):
        sent.append(bytes(view))

    async def both():
        expected = await pieces.length(render, pieces.Pieces())
        await pieces.send(render, write, pieces.Pieces())
        return expected

    out = pieces.Pieces()
    longest = 0
    for _ in render(out):
        longest = max(longest, out.used)
        out.used = 0
    assert longest <= pieces.PART, longest
    expected = asyncio.run(both())
    whole = b"".join(sent)
    assert len(whole) == expected, (len(whole), expected)
    return whole


def json_of(reading):
    return lambda out: payload.json(out, reading)


def _show(kind, topic, content):
    print(json.dumps({"kind": kind, "topic": topic, "payload": content.decode()}))


def main():
    for settings in ({}, {"push1_commands": 1, "push1_retain": 1, "mqtt1_roottopic": "häuser/süd/abcdefghijklmnopqr"}):
        gateway = Gateway(**settings)
        found = list(hass.announced(gateway, 1))
        hass_announced.begin(gateway, 1, [pair[:2] for pair in found])
        for topic, _, device in found:
            _show("discovery", topic, text(hass.message(gateway, 1, device)))
    base = topics.base(gateway, 1)
    _show("state", base + "/status", text(payload_flat.greeting(gateway)))
    _show("state", base + "/firmware", text(payload_flat.firmware(gateway.upgrade)))
    _show("state", base + "/state", text(payload_flat.state(gateway, None)))
    for device in gateway.readings.devices:
        place = "/" + topics.place(device.slot)
        _show("state", base + "/state" + place, text(payload_flat.state(gateway, device)))
        if not device.is_switch:
            _show("state", base + "/status" + place, topics.ONLINE)
            for kind in ("measurements", "counters"):
                _show(kind, topics.of_kind(kind, device.slot), text(json_of(payload.live(device, kind, gateway.clock))))
            device.status = SILENT
            _show("silent", base + "/state" + place, text(payload_flat.state(gateway, device)))


if __name__ == "__main__":
    main()
