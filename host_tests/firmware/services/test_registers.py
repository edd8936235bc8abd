"""The gateway's own unit: its input registers, its settings as registers, the errors. Numbers: device sheet, 9.2 and 9.3."""

from struct import unpack

from firmware.services import registers_own
from firmware.state import schema
from firmware.state.readings import PRESENT, SILENT, TEMPERATURE, Device
from host_tests.fakes.register_gateway import Gateway
from lib.modbus.window import rows


def words(data):
    return unpack(">%dH" % (len(data) // 2), data)


def text(value, registers):
    return value.encode() + b" " * (2 * registers - len(value.encode()))


# What, function, first register, count, what the reply has behind the byte count
READS = (
    ("device group", 4, 0, 1, "0005"),
    ("its mirror", 4, 9000, 1, "0005"),
    ("identity, as the maker's client reads it", 4, 1, 14, text("SG-W1", 8).hex() + text("SG000017", 4).hex() + "000a4120"),
    ("its mirror", 4, 9001, 14, text("SG-W1", 8).hex() + text("SG000017", 4).hex() + "000a4120"),
    ("amid a text", 4, 3, 2, "3120" + "2020"),
    ("files, MAC", 4, 16, 4, "0001c44f33000011"),
    ("description, location", 3, 101, 40, (text("Cellar", 20) + text("Maribor", 20)).hex()),
    ("connection, address, signal", 4, 101, 11, "0003" + text("192.168.1.209", 9).hex() + "ffc3"),
    ("no relay, no meter, a hole, uptime", 4, 112, 5, "00ffffff000000000000"),
    ("local time: two hours ahead", 4, 201, 2, "%08x" % (1784109600 + 7200)),
    ("no temperature, a hole, pulses", 4, 203, 6, "00008000" + "0000" * 2 + "00020003"),
    ("health", 4, 1001, 8, "0003000400010002000c000300000001"),
    ("zone, time source, a hole, services", 3, 141, 9, "0078" + "0001" + "00000000" + "00010001000100010001"),
    ("ports, own address, connection, lock", 3, 201, 7, "271100220002005000010000" + "0000"),
    ("addresses", 3, 228, 10, "c0a80114ffffff00" + "00" * 12),
    ("time servers", 3, 301, 60, (text("0.pool.ntp.org", 20) + text("1.pool.ntp.org", 20) + text("", 20)).hex()),
    ("network, password, attempts", 3, 361, 21, (text("home", 10) + text("", 10)).hex() + "0005"),
    ("right port", 3, 399, 5, "0000025800000001" + "0021"),
    ("left port", 3, 415, 2, "00000258"),
    ("RS-485", 3, 422, 4, "0007000000000008"),
    ("link 2: port, protocol, response time, QoS, a hole, TLS", 3, 770, 6, "22b300000005000100000000"),
    ("link 2: user, password", 3, 776, 32, (text("me", 16) + text("", 16)).hex()),
    ("link 1: topics", 3, 558, 48, (text("", 16) + text("cmd", 16) + text("pub", 16)).hex()),
    ("device 16", 3, 1151, 9, "0003000c" + "0000" * 5 + "00000258"),
    ("texts of the relay and of device 1", 3, 1501, 20, (text("", 10) + text("Pump", 10)).hex()),
    ("text of device 16", 3, 1661, 10, text("", 10).hex()),
    ("state: locked, nothing staged, a restart needed", 3, 2001, 4, "0000000000000001"),
    ("ours", 3, 2010, 5, "000103e803e800000000"),
    ("Modbus", 3, 2020, 9, "00000bb80078000100000000" + "00c8" + "00000322"),
    ("writes let through", 3, 2040, 60, text("33:6,16", 60).hex()),
    ("zone as text", 3, 2160, 32, text("Europe/Ljubljana", 32).hex()),
    ("debug", 3, 5001, 4, "0000000000000000"),
)
SETTINGS = {
    "description": "Cellar",
    "location": "Maribor",
    "timezone": "Europe/Ljubljana",
    "static_ip_en": 0,
    "ip": "192.168.1.20",
    "netmask": "255.255.255.0",
    "wifi_ssid": "home",
    "wifi_password": "a secret",
    "mqtt2_port": 8883,
    "mqtt2_username": "me",
    "mqtt2_password": "another",
    "rs485_type_16": 3,
    "rs485_addr_16": 12,
    "rs485_desc_1": "Pump",
    "modbus_writes": "33:6,16",
    "modbus_wait_ms": 3000,
}


def test_reads():
    gateway = Gateway(**SETTINGS)
    for what, function, address, count, expected in READS:
        found = gateway.read(function, address, count)
        assert found == bytes.fromhex(expected), (what, found if isinstance(found, int) else found.hex())


# function, first register, count, exception
REFUSED = (
    (4, 20, 1, 2),
    (4, 19, 2, 2),
    (4, 100, 17, 2),  # begins before its block
    (4, 112, 6, 2),  # ends behind it
    (4, 300, 1, 2),
    (4, 9020, 1, 2),
    (4, 10001, 1, 2),  # 39000 + 1001 would be 40001
    (3, 0, 1, 2),
    (3, 11, 2, 2),
    (3, 140, 30, 2),
    (3, 426, 1, 2),
    (3, 1000, 1, 2),
    (3, 1161, 1, 2),
    (3, 2000, 1, 2),
    (3, 2236, 1, 2),
    (3, 5005, 1, 2),
    (3, 40000, 2, 2),
    (3, 500, 0, 3),
    (3, 500, 126, 3),
    (3, 0xFFFF, 2, 2),
)


def test_what_is_not_there():
    gateway = Gateway()
    for function, address, count, code in REFUSED:
        assert gateway.read(function, address, count) == code, (function, address, count)
    for pdu, reply in (
        ("", "8001"),
        ("0100000001", "8101"),
        ("0200000001", "8201"),
        ("050000ff00", "8501"),
        ("0f00000001" + "0101", "8f01"),
        ("07", "8701"),
        ("2b0e0100", "ab01"),
        ("8300000001", "8301"),
        ("03", "8303"),
        ("030000", "8303"),
        ("03006500", "8303"),
        ("0300650001" + "00", "8303"),
        ("04", "8403"),
    ):
        assert gateway.ask(pdu) == reply, pdu


def test_most_registers_at_once():
    gateway = Gateway()
    assert len(gateway.read(3, 501, 125)) == 250
    assert words(gateway.read(3, 301, 125))[-4:] == (7, 0, 0, 8)


def test_every_setting_has_a_register():
    listed = set()
    for _, registers, kind, name, number in registers_own.holding(0, 0x10000):
        name = name.replace("#", str(number))
        if kind in ("uint16", "text", "secret", "hex", "minutes"):
            setting = schema.find(name)
            assert setting is not None, name
            assert (kind == "secret") == setting.is_secret, name
            assert (kind in ("uint16", "minutes")) == (registers == 1), name
            assert (kind == "hex") == (setting.kind == "ip"), name
            listed.add(name)
    assert listed == {setting.name for setting in schema.each()}


def test_no_register_has_two_meanings():
    for table in (
        list(registers_own.holding(0, 0x10000)),
        list(rows(registers_own.INPUTS)),
    ):
        end = 0
        for row in sorted([row[:2] for row in table]):
            assert row[0] >= end, row
            end = row[0] + row[1]
    for *_, size, table in registers_own.HOLDING:
        assert max([offset + registers for offset, registers, *_ in rows(table)]) == size, table
    for address, registers, *_ in registers_own.holding(0, 0x10000):
        assert any([first <= address and address + registers <= first + n for first, n in registers_own.HOLDING_BLOCKS]), (
            address
        )


def test_texts_are_cut_behind_a_whole_character():
    gateway = Gateway(wifi_ssid="Küche und Keller und", rs485_desc_2="123456789012345678é")
    assert gateway.read(3, 361, 10) == "Küche und Keller un".encode()
    assert gateway.read(3, 1521, 10) == "123456789012345678é".encode()
    gateway.settings.change({"wifi_ssid": "1234567890123456789é"})
    assert gateway.read(3, 361, 10) == b"1234567890123456789 "


def test_inputs_that_change():
    gateway = Gateway(timezone="-90", left_ir_enabled=1)
    assert words(gateway.read(3, 141, 1)) == (0x10000 - 90,)
    gateway.pass_s(70000)
    assert gateway.read(4, 115, 2).hex() == "%08x" % 70000
    assert gateway.read(4, 201, 2).hex() == "%08x" % (1784109600 + 70000 - 5400)
    for hundredths, expected in ((2044, "000100cc"), (-1004, "0001ff9c"), (-1, "00010000"), (0, "00010000")):
        gateway.inputs.group.put(TEMPERATURE, hundredths, -2)
        assert gateway.read(4, 203, 2).hex() == expected, hundredths
    switch = Device("rir", "ir_right", 1, is_switch=True)
    meter = Device("lir", "ir_left", 33)
    gateway.readings.devices = [meter, switch]
    for status, relay, expected in ((PRESENT, 1, "00010003"), (SILENT, 250, "00fa00fa"), (1, 0, "000000fa")):
        meter.status, switch.relay = status, relay
        assert gateway.read(4, 112, 2).hex() == expected
        assert gateway.read(3, 15, 1).hex() == "%04x" % (relay == 1)
    gateway.platform.network.address = "0.0.0.0"
    assert gateway.read(4, 101, 1) == b"\0\0"
    gateway.settings.change({"wifi_ssid": "home"})
    assert gateway.read(4, 101, 1) == b"\0\1"
    gateway.trial = object()
    assert gateway.read(4, 101, 1) == b"\0\2"
    gateway.platform.network.address = "10.0.0.2"
    gateway.platform.network.mode = "Ethernet"
    assert gateway.read(4, 101, 1) == b"\0\4"
    gateway.platform.network.mode = "WiFi"
