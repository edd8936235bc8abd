"""Commands over a link: what they do, what they answer, and that bad ones do nothing."""

import asyncio
import json

from firmware.services import commands
from firmware.state.readings import SILENT
from host_tests.fakes.push_gateway import Gateway, text
from lib.modbus.errors import FrameError, PeerError


class Link:
    """A link that takes commands, and counts how often it was asked to send everything."""

    def __init__(self, **settings):
        chosen = {"push1_commands": 1}
        chosen.update(settings)
        self.gateway = Gateway(**chosen)
        self.refreshed = 0

    def refresh(self):
        self.refreshed += 1

    async def ask(self, message):
        if not isinstance(message, bytes):
            message = json.dumps(message).encode()
        return await commands.run(self.gateway, 1, message, self.refresh)

    def reply(self, message):
        return json.loads(text(asyncio.run(self.ask(message))))


def test_a_switch_is_switched_and_read_back():
    link = Link()
    ours = {"id": "a7", "cmd": "relay", "index": 3, "val": "on"}
    assert link.reply(ours) == {"ok": True, "id": "a7", "cmd": "relay", "state": 1}
    early = {"data": {"cmd": "bicom", "index": 0, "val": "off"}}
    assert link.reply(early) == {"ok": True, "cmd": "bicom", "state": 0}
    assert link.reply({"id": 5, "data": {"cmd": "bicom", "addr": 37, "val": "toggle"}})["state"] == 0
    assert link.reply({"cmd": "bicom", "addr": 37, "val": "state"})["state"] == 0
    assert link.gateway.switched == [(3, "on"), ("rir", "off"), (3, "toggle")]


def test_a_switch_that_does_not_follow():
    link = Link()
    for error, words in ((FrameError("timeout"), "does not answer"), (PeerError(4), "refused")):

        async def switch(_):
            raise error  # noqa: B023

        link.gateway.readings.device(3).switch = switch
        reply = link.reply({"id": 1, "cmd": "relay", "index": 3, "val": "on"})
        assert reply["ok"] is False and words in reply["error"], reply
    link = Link(ir_ext_rel_mode=2)
    assert "controlled by the meter" in link.reply({"cmd": "relay", "val": "on"})["error"]
    assert link.gateway.switched == []


def test_values():
    link = Link()
    gateway = link.gateway
    assert link.reply({"cmd": "measurements"})["data"]["header"]["serial_number"] == "X0000124"
    assert link.reply({"cmd": "get_measurements", "index": 1})["data"]["measurements"]["P0"] == "6.5 W"
    counters = link.reply({"data": {"cmd": "counters", "addr": 35}})["data"]
    assert counters["counters"]["counter1nr"] == "21474836.47 kWh" and "tariff1nr" in counters["settings"]
    gateway.wm.status = SILENT
    assert link.reply({"cmd": "measurements", "index": 1})["data"]["measurements"] == {}
    status = link.reply({"cmd": "status"})["data"]
    assert status["serial_number"] == "SG000017" and status["pt1000_temp"] == "20.4"


def test_settings_without_secrets():
    link = Link(mqtt1_password="hidden1", wifi_password="hidden2", mqtt2_server="example", timezone="120")
    render = asyncio.run(link.ask({"cmd": "get_settings"}))
    link.gateway.settings.change({"mqtt2_server": "another, which is longer"})  # while the answer is on its way
    data = json.loads(text(render))["data"]
    assert data["mqtt2_server"] == "example" and data["timezone"] == "120" and data["tcp_port"] == 10001
    assert not [name for name in data if "password" in name]
    assert b"hidden" not in text(render)


async def test_refresh_and_restart():
    link = Link()
    await link.ask({"cmd": "refresh"})
    assert link.refreshed == 1
    await link.ask({"cmd": "restart"})
    assert link.gateway.restarts == 0  # the answer goes first
    await asyncio.sleep_ms(700)
    assert link.gateway.restarts == 1


def test_an_upgrade_is_begun_or_says_why_not():
    link = Link()
    link.gateway.platform.slots = None
    assert "cable" in link.reply({"cmd": "upgrade"})["error"]
    assert "texts" in link.reply({"cmd": "upgrade_app", "url": 5})["error"]


# What is sent, what the answer says
REFUSED = (
    (b"", "not JSON"),
    (b"\xff\xfe", "not UTF-8"),
    (b"[1]", "object is expected"),
    (b'{"cmd":"relay"', "not JSON"),
    (b'{"a":' * 9 + b"1" + b"}" * 9, "nested"),
    (b'{"id":' + b"1" * 41 + b"}", "digits"),
    (b'{"cmd":"refresh","x":"' + b"x" * 1024 + b'"}', "1024 bytes"),
    ({}, '"cmd" is missing'),
    ({"cmd": 5}, '"cmd" is missing'),
    ({"cmd": "x" * 65}, '"cmd" is missing'),
    ({"data": [1]}, '"data" must be an object'),
    ({"id": [1], "cmd": "refresh"}, '"id" may be'),
    ({"id": "x" * 65, "cmd": "refresh"}, '"id" may be'),
    ({"cmd": "set_settings", "tcp_port": 5}, "no such command"),
    ({"cmd": "relay", "index": 3}, '"val" may be'),
    ({"cmd": "relay", "index": 3, "val": ["on"]}, '"val" may be'),
    ({"cmd": "relay", "index": 1, "val": "on"}, "no such switch"),
    ({"cmd": "relay", "index": 9, "val": "on"}, "no such switch"),
    ({"cmd": "relay", "index": [3], "val": "on"}, "no such switch"),
    ({"cmd": "relay", "addr": 99, "val": "state"}, "no such switch"),
    ({"cmd": "measurements", "index": 3}, "no meter"),
    ({"cmd": "counters", "index": 16}, "no meter"),
)


def test_bad_commands_are_refused_in_words():
    link = Link()
    for message, words in REFUSED:
        reply = link.reply(message)
        assert reply["ok"] is False and words in reply["error"], (message, reply)
    assert link.gateway.switched == [] and link.refreshed == 0


def test_odd_texts_come_back_as_they_were():
    odd = "\x01" * 64
    reply = Link().reply({"id": odd, "cmd": odd})
    assert (reply["id"], reply["cmd"]) == (odd, odd) and "no such command" in reply["error"]


def test_off_unless_the_link_takes_commands():
    for command in ("relay", "restart", "refresh", "settings", "status", "measurements"):
        link = Link(push1_commands=0, push2_commands=1)
        reply = link.reply({"id": 1, "cmd": command, "val": "on"})
        assert reply["ok"] is False and "no commands" in reply["error"] and reply["id"] == 1, reply
        assert link.gateway.switched == [] and link.refreshed == 0
