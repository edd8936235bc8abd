"""Writes to the gateway's own unit: the lock, staging, saving, commands, the relay, the pulse counter."""

import asyncio

from firmware.state.modbus_access import current, needed
from firmware.state.readings import Device
from host_tests.fakes.register_gateway import Gateway
from lib.modbus.errors import FrameError

MOST_STAGED = 48
SAVE, ABANDON, RESTART, FACTORY, LOCK, UNLOCK = 1, 2, 3, 5, 6, 8


def text(value, registers):
    return value.encode() + b" " * (2 * registers - len(value.encode()))


def opened(minutes=10, **settings):
    """A gateway whose administrator allows changes for a while."""
    gateway = Gateway(**settings)
    needed(gateway).open(gateway.clock.uptime_s(), minutes)
    return gateway


def state(gateway):
    """(unlocked, seconds left, values staged)"""
    data = gateway.read(3, 2001, 3)
    return data[1], data[2] << 8 | data[3], data[5]


def test_locked():
    gateway = Gateway()
    for address, value in ((12, SAVE), (12, LOCK), (12, UNLOCK), (13, 1), (15, 1), (204, 8080), (101, b"ab"), (3000, 1)):
        assert gateway.write(address, value) == 1, address
    assert gateway.ask("17006500010065000102" + "4142") == "9701"
    assert gateway.ask("06") == "8601" and gateway.ask("10") == "9001"  # whatever it was to be
    assert gateway.modbus_access is None and gateway.settings.revision == 0 and not gateway.restarts


def test_staged_and_saved():
    for gateway in (opened(), Gateway(locked=0)):
        assert gateway.write(228, b"\xc0\xa8\x01\x14") == 0
        assert gateway.write(207, 1) == 0
        assert gateway.read(3, 228, 2) == b"\xc0\xa8\x01\x14"
        assert gateway.settings.get("ip") == "" and state(gateway)[2] == 2
        assert gateway.write(12, SAVE) == 3  # the mask is missing
        assert gateway.last_event() == ("modbus", "not saved: netmask: a mask such as 255.255.255.0 is expected")
        assert gateway.write(230, b"\xff\xff\xff\0") == 0
        assert gateway.write(12, SAVE) == 0
        kind, told = gateway.last_event()
        assert kind == "modbus" and told.startswith("saved: ") and "netmask" in told and len(told.split(", ")) == 3
        assert [gateway.settings.get(name) for name in ("ip", "netmask", "static_ip_en")] == [
            "192.168.1.20",
            "255.255.255.0",
            1,
        ]
        assert state(gateway)[2] == 0 and gateway.read(3, 2004, 1) == b"\0\1"
        assert gateway.write(12, SAVE) == 0
        assert gateway.last_event()[1] == "saved: nothing was changed"


def test_every_type():
    gateway = opened()
    assert gateway.write(101, text("Küche", 20) + text("Keller", 20)) == 0
    assert gateway.write(141, 0x10000 - 90) == 0
    assert gateway.write(371, text("geheim", 10)) == 0
    assert gateway.write(542, text("mqtt", 16)) == 0
    assert gateway.write(1011, b"\0\2\0\x2a") == 0
    assert gateway.write(1511, text("Pumpe", 10)) == 0
    assert gateway.write(2160, text("", 32)) == 3
    assert gateway.write(2040, text("33:6,16 *:5", 60)) == 0
    assert gateway.write(2217, text("client.pem", 16)) == 0
    assert gateway.write(234, b"\x01\x01\x01\x01") == 0
    assert gateway.write(5001, 1) == 0
    assert gateway.write(12, SAVE) == 0
    for name, value in (
        ("description", "Küche"),
        ("location", "Keller"),
        ("timezone", "-90"),
        ("wifi_password", "geheim"),
        ("mqtt1_password", "mqtt"),
        ("rs485_type_2", 2),
        ("rs485_addr_2", 42),
        ("rs485_desc_1", "Pumpe"),
        ("modbus_writes", "33:6,16 *:5"),
        ("mqtt2_cli_cert", "client.pem"),
        ("dns1", "1.1.1.1"),
        ("debug_console", 1),
    ):
        assert gateway.settings.get(name) == value, name
    assert gateway.write(234, b"\0\0\0\0") == 0 and gateway.write(12, SAVE) == 0
    assert gateway.settings.get("dns1") == ""


def test_a_register_of_many():
    gateway = opened(description="abcdefgh", ip="10.1.2.3")
    assert gateway.write(102, 0x4344) == 0
    assert gateway.write(104, 0x4748) == 0
    assert gateway.read(3, 101, 5) == b"abCDefGH  "
    assert gateway.write(106, 0x6B6C) == 0  # behind the end: blanks between
    assert gateway.write(229, 0xFF00) == 0
    assert gateway.write(120, 0x0000) == 0  # the end of a text may be NUL
    assert gateway.write(12, SAVE) == 0
    assert gateway.settings.get("description") == "abCDefGH  kl"
    assert gateway.settings.get("ip") == "10.1.255.0"
    assert gateway.write(103, 0x6500) == 0  # a NUL ends it
    assert gateway.write(12, SAVE) == 0 and gateway.settings.get("description") == "abCDe"


def test_secrets_are_never_read():
    gateway = opened(wifi_password="old", mqtt1_password="old too")
    assert gateway.read(3, 371, 10) == b" " * 20
    assert gateway.write(371, b" " * 20) == 0 and state(gateway)[2] == 0  # as read: no change
    assert gateway.write(371, 0x6E65) == 0 and gateway.write(372, 0x7721) == 0
    assert gateway.read(3, 371, 10) == b" " * 20
    assert gateway.write(372, 0x2020) == 0  # blanks change nothing
    assert gateway.write(542, b"\0" * 32) == 0
    assert gateway.write(12, SAVE) == 0
    assert gateway.settings.get("wifi_password") == "new!" and gateway.settings.get("mqtt1_password") == ""


def test_blocks_as_they_were_read():
    long_ones = {
        "mqtt1_server": "a" * 64,
        "timezone": "Europe/Ljubljana",
        "wifi_password": "a secret",
        "modbus_tls_cert": "é" * 16,
    }
    gateway = opened(**long_ones)
    revision = gateway.settings.revision
    for first, count in (
        (101, 64),
        (201, 37),
        (301, 120),
        (421, 5),
        (500, 123),
        (750, 123),
        (1001, 120),
        (1501, 120),
        (2010, 120),
    ):
        assert gateway.write(first, gateway.read(3, first, count)) == 0, first
    assert state(gateway)[2] == 0
    assert gateway.write(12, SAVE) == 0
    assert gateway.settings.revision == revision


# address, value, exception
WRONG = (
    (202, 0, 3),  # out of range
    (203, 3, 3),
    (205, 2, 3),
    (422, 8, 3),
    (425, 7, 3),  # data bits are 8
    (2001, 0, 3),  # a state
    (101, b"\xff\xfe", 3),  # no UTF-8
    (101, b"a\x07", 3),  # a control character
    (2040, text("33:6,16 x", 60), 3),
    (2160, text("Europe/Nowhere", 32), 3),
    (143, 1, 2),  # a hole
    (143, b"\0\0\0\1", 2),
    (11, 1, 2),
    (100, b"\0\0\0\0", 2),
    (237, b"\0\0\0\0", 2),  # ends behind its block
    (3000, 1, 2),
    (12, 4, 3),
    (12, 7, 3),
    (12, 0x100, 3),
    (13, 2, 3),
    (15, 2, 3),
)


def test_what_is_refused_at_once():
    gateway = opened()
    for address, value, code in WRONG:
        assert gateway.write(address, value) == code, address
        assert state(gateway)[2] == 0, address
    assert gateway.write(143, 0) == 0 and gateway.write(12, 0) == 0
    assert gateway.write(201, b"\x27\x12\0\0") == 3  # nothing of a request that is partly wrong
    assert state(gateway)[2] == 0
    for pdu, reply in (
        ("0600cc", "8603"),
        ("1000cc0000" + "00", "9003"),
        ("1000cc0001" + "03" + "000000", "9003"),
        ("1000cc007c" + "f8" + "00" * 248, "9003"),
        ("10ffff0002" + "04" + "00000000", "9002"),
        ("1700cc000100cc000003000000", "9703"),
    ):
        assert gateway.ask(pdu) == reply, pdu


def test_write_and_read():
    gateway = opened()
    assert gateway.ask("1700cc000200cc0001021f90") == "17041f900001"
    assert gateway.ask("1701f4000200cc000102ffff") == "170420202020"  # another place is read
    assert gateway.ask("1703e8000200cc0001020001") == "9702"  # what is to be read is not there: nothing was written
    assert gateway.read(3, 204, 1) == b"\xff\xff"


def test_what_is_staged_ends():
    gateway = Gateway(locked=0)
    assert gateway.write(204, 8080) == 0
    gateway.pass_s(599)
    assert gateway.read(3, 204, 1) == b"\x1f\x90"
    assert gateway.write(103, 0x4141) == 0
    gateway.pass_s(599)
    assert state(gateway) == (1, 0, 2)
    gateway.pass_s(1)
    assert state(gateway) == (1, 0, 0) and gateway.modbus_access is None
    assert gateway.write(204, 8080) == 0 and gateway.write(12, ABANDON) == 0
    assert gateway.last_event() == ("modbus", "changes abandoned")
    assert gateway.read(3, 204, 1) == b"\0\x50" and current(gateway) is None


def test_the_window_ends():
    gateway = opened(2)
    assert state(gateway) == (1, 120, 0)
    assert gateway.write(204, 8080) == 0
    gateway.pass_s(119)
    assert state(gateway) == (1, 1, 1)
    gateway.pass_s(1)
    assert gateway.write(12, SAVE) == 1
    assert state(gateway) == (0, 0, 0) and gateway.modbus_access is None
    needed(gateway).open(gateway.clock.uptime_s(), 1)
    assert gateway.write(12, SAVE) == 0 and gateway.settings.get("http_port") == 80


def test_lock_and_unlock():
    for gateway in (opened(), Gateway(locked=0)):
        assert gateway.write(12, UNLOCK) == 0
        assert gateway.last_event()[0] == "modbus"
        assert gateway.write(204, 8080) == 0
        assert gateway.write(12, LOCK) == 0
        assert gateway.last_event() == ("modbus", "locked")
        assert gateway.settings.get("locked") == 1 and gateway.modbus_access is None
        assert gateway.read(3, 204, 1) == b"\0\x50" and gateway.write(12, UNLOCK) == 1


async def test_restart_comes_after_the_reply():
    gateway = opened()
    assert gateway.write(12, RESTART) == 0
    assert gateway.last_event() == ("modbus", "restart asked for") and gateway.restarts == 0
    await asyncio.sleep_ms(600)
    assert gateway.restarts == 1


async def test_factory_reset():
    gateway = opened(description="Mine", locked=0)
    assert gateway.write(101, 0x4141) == 0
    assert gateway.write(12, FACTORY) == 0 and gateway.resets == ["Modbus"]
    assert gateway.modbus_access is None, "nothing more is taken"
    assert gateway.settings.get("description") == "Mine", "until it starts again"


def test_flash_that_takes_nothing():
    gateway = opened(http_port=8080)

    def fail(_):
        raise OSError(28)

    gateway.settings.change = gateway.factory_reset = fail
    assert gateway.write(204, 8081) == 0
    for command in (SAVE, LOCK, FACTORY):
        assert gateway.write(12, command) == 4, command
    assert gateway.settings.get("http_port") == 8080 and state(gateway)[2] == 1  # to be tried again
    gateway.inputs.fails = True
    assert gateway.write(13, 1) == 4


def test_pulse_counter():
    gateway = opened()
    assert gateway.write(13, 1) == 0 and gateway.inputs.resets == 1
    assert gateway.last_event() == ("modbus", "pulse counter cleared")
    assert gateway.write(13, 0) == 0 and gateway.inputs.resets == 1


async def test_relay():
    gateway = opened()
    commands = []

    async def switch(command):
        commands.append(command)
        if len(commands) > 2:
            raise FrameError("no answer")

    assert gateway.write(15, 1) == 4  # there is none
    device = Device("rir", "ir_right", 1, is_switch=True)
    gateway.readings.devices.append(device)
    for mode, is_there, code in ((0, True, 4), (2, True, 4), (1, False, 4), (1, True, 0)):
        gateway.settings.change({"ir_ext_rel_mode": mode})
        device.switch = switch if is_there else None
        assert gateway.write(15, 1) == code, (mode, is_there)
    assert gateway.last_event() == ("modbus", "IR relay: on") and commands == []
    assert gateway.write(15, 0) == 0 and gateway.write(15, 2) == 3
    await asyncio.sleep_ms(10)
    assert commands == ["on", "off"]
    assert gateway.write(12, b"\0\0\0\0\0\0\0\1") == 0  # the block of commands
    await asyncio.sleep_ms(10)
    assert commands[2:] == ["on"] and gateway.last_event() == ("modbus", "IR relay: no answer")


def test_not_more_than_there_is_room_for():
    gateway = opened()
    count = 0
    while True:
        code = gateway.write((1001, 1002, 1008, 1009)[count % 4] + count // 4 * 10, (2, 40 + count, 1, 700)[count % 4])
        if code:
            break
        count += 1
    assert code == 4 and count == MOST_STAGED == state(gateway)[2]
    assert gateway.write(1002, 39) == 0  # what is staged already may be changed
    assert gateway.write(12, SAVE) == 0
