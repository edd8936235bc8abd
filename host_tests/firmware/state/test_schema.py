"""The table of settings: complete, without contradictions, and strict about names and values."""

from firmware.state import schema

# The manual's pictures of the settings, 3.7.2: the label there, and the setting that it belongs to
MANUAL = (
    ("Description", "description"),
    ("Location", "location"),
    ("Connection Mode", "connection_mode"),
    ("WiFi SSID", "wifi_ssid"),
    ("WiFi Password", "wifi_password"),
    ("Local Modbus Address", "sg_modbus_addr"),
    ("Local TCP Modbus Port", "tcp_port"),
    ("Local Http Port", "http_port"),
    ("NTP Synchronization", "time_sync_src"),
    ("Timezone", "timezone"),
    ("NTP Server", "ntp_server1"),
    ("NTP Server", "ntp_server2"),
    ("NTP Server", "ntp_server3"),
    ("Debug console", "debug_console"),
    ("MQTT/PUSH Server", "mqtt#_server"),
    ("MQTT/PUSH Port", "mqtt#_port"),
    ("Push protocol", "push#_protocol"),
    ("Push response time", "push#_resp_time"),
    ("MQTT Protocol", "mqtt#_tls"),
    ("MQTT Username", "mqtt#_username"),
    ("MQTT Password", "mqtt#_password"),
    ("MQTT Root Topic", "mqtt#_roottopic"),
    ("MQTT Subscribe topic", "mqtt#_sub_topic"),
    ("MQTT Publish topic", "mqtt#_pub_topic"),
    ("MQTT Server certificate filename", "mqtt#_cert_file"),
    ("MQTT Private key filename", "mqtt#_key_file"),
    ("IR Energy Counter", "left_ir_enabled"),
    ("IR Energy Counter Modbus Address", "ir_counter_addr"),
    ("IR Energy Counter Push/Publish", "leftir_pushlink"),
    ("IR Energy Counter Push/Publish Interval", "leftir_pushintv"),
    ("IR Relay Operating Mode", "ir_ext_rel_mode"),
    ("IR Relay Description", "ir_relay_desc"),
    ("RS485 Baud Rate", "rs485_baud_rate"),
    ("RS485 Parity", "rs485_parity"),
    ("RS485 Stop Bits", "rs485_stop_bits"),
    ("RS 485 Device Type", "rs485_type_#"),
    ("RS 485 Device Modbus Address", "rs485_addr_#"),
    ("RS 485 Device Push/Publish", "rs485_pushlnk#"),
    ("RS 485 Device Push/Publish Interval", "rs485_pushint#"),
    ("Bistable Switch Description", "rs485_desc_#"),
)

# Of what can be chosen: the manual's words for the values, 3.7.2, and 4.7 for the line
CHOICES = (
    ("connection_mode", {1: "Ethernet", 2: "WiFi"}),
    ("time_sync_src", {0: "Disabled", 1: "Enabled"}),
    ("push1_protocol", {1: "MQTT", 2: "Standard TCP"}),
    ("mqtt2_tls", {0: "MQTT over TCP", 1: "MQTT over SSL (secure)"}),
    ("ir_ext_rel_mode", {0: "Not Connected", 1: "Controlled by IHUB", 2: "Controlled by IR Counter"}),
    ("rs485_baud_rate", {0: "1200", 1: "2400", 2: "4800", 3: "9600", 4: "19200", 5: "38400", 6: "57600", 7: "115200"}),
    ("rs485_parity", {0: "None", 1: "Odd", 2: "Even"}),
    ("rs485_stop_bits", {0: "1", 1: "2"}),
    ("rs485_type_16", {0: "Not Connected", 2: "Energy Meter", 3: "Bistable Switch", 4: "PQ Meter"}),
)

DEFAULTS = (
    ("sg_modbus_addr", 34),
    ("tcp_port", 10001),
    ("http_port", 80),
    ("ir_counter_addr", 33),
    ("rs485_baud_rate", 7),  # 4.7: 115200, 8, N, 1
    ("rs485_parity", 0),
    ("rs485_stop_bits", 0),
    ("rs485_type_1", 0),
    ("ir_ext_rel_mode", 0),
)

NONSENSE = (
    "",
    "#",
    "nonsense",
    "Description",
    "description ",
    " description",
    "descriptio",
    "escription",
    "description|text",
    "description|text|Description|40||Description\nlocation",
    "\ndescription",
    "rs485",
    "rs485_type_",
    "rs485_type_#",
    "rs485_type_0",
    "rs485_type_01",
    "rs485_type_17",
    "rs485_type_1_",
    "rs485_type_99999999999999999999",
    "mqtt_server",
    "mqtt#_server",
    "mqtt0_server",
    "mqtt3_server",
    "mqtt1_server1",
    "mqtt11_server",
    "ntp_server",
    "ntp_server4",
    "dns3",
    "ip2",
    "é",
    7,
    None,
    True,
    ("description",),
)

WRONG = (
    # setting, values it refuses, values it takes
    ("description", (None, 5, b"x", ["x"], "x" * 41, "é" * 21, "a\nb", "a\0", "\x7f"), ("", "x" * 40, "é" * 20, "\"'\\|#=")),
    ("wifi_password", ("x" * 64, 12345678), ("", "x" * 63)),
    (
        "wifi_ssid",
        (5, b"x", "x" * 33, "é" * 17, "a\nb", "\\", "\\x4", "\\xff" * 33),
        ("", "x" * 32, "é" * 16, "\\xff" * 32, "\\\\"),
    ),
    ("http_port", (0, 65536, -1, "80", 80.0, None, [80], 1 << 40), (1, 65535)),
    ("sg_modbus_addr", (0, 248), (1, 247)),
    ("left_ir_enabled", (2, -1, "1", "on", None), (0, 1, True, False)),
    ("connection_mode", (0, 3, 11, "WiFi", "1", None, 1 << 40), (1, 2)),
    ("rs485_type_3", (1, 5, -1), (0, 2, 3, 4, False)),
    ("rs485_baud_rate", (8, 115200, -1), (0, 7)),
    ("mqtt1_roottopic", ("a/#", "+", "x" * 33), ("", "a/b", "häuser/süd")),
    ("tunnel_clients", ("10.0.0.1/8", "10.0.0.0/33", "meter", "1.2.3", "10.0.0.0/", "::1"), ("", "10.0.0.0/8, 192.168.1.20")),
    ("hass2_prefix", ("#", 5), ("homeassistant",)),
    ("push1_deadband", (-1, 1001), (0, 1000)),
)


def refused(setting, value):
    try:
        setting.check(value)
    except ValueError as error:
        return str(error)
    return None


def test_every_row_is_a_setting():
    names = []
    for setting in schema.each():
        names.append(setting.name)
        assert "#" not in setting.name and setting.meaning and setting.page, setting.name
        assert setting.kind in ("text", "int", "choice", "flag", "zone", "ip", "writes", "ssid", "sources", "when"), (
            setting.name
        )
        assert setting.check(setting.default) == setting.default, setting.name
        for flag in setting.flags.split():
            assert flag in ("secret", "restart"), setting.name
    assert len(names) == len(set(names)) > 150


def test_find_agrees_with_each():
    for setting in schema.each():
        found = schema.find(setting.name)
        for attribute in ("page", "name", "kind", "default", "range", "flags", "meaning"):
            assert getattr(found, attribute) == getattr(setting, attribute), (setting.name, attribute)


def test_nonsense_is_not_found():
    for name in NONSENSE:
        assert schema.find(name) is None, name


def test_every_setting_of_the_manual():
    for label, name in MANUAL:
        for index in ("1", "2") if "#" in name else ("",):
            setting = schema.find(name.replace("#", index))
            assert setting is not None, name
            assert label in setting.meaning, (name, setting.meaning)


def test_choices_of_the_manual():
    for name, words in CHOICES:
        given = dict([choice.split("=") for choice in schema.find(name).range.split(",")])
        for value, word in words.items():
            assert given[str(value)] == word, (name, value)


def test_factory_settings():
    for name, default in DEFAULTS:
        assert schema.find(name).default == default, name


def test_values():
    for name, wrong, right in WRONG:
        setting = schema.find(name)
        for value in wrong:
            assert (refused(setting, value) or "").endswith("expected"), (name, value)
        for value in right:
            assert setting.check(value) == value, (name, value)
            assert not isinstance(setting.check(value), bool), (name, value)


def test_time_zones():
    setting = schema.find("timezone")
    for value in ("60", "-120", "Europe/Ljubljana", "CET-1CEST,M3.5.0,M10.5.0/3"):
        assert setting.check(value) == value
    assert setting.check(120) == "120" and setting.check(-60) == "-60"
    for value in (True, 901, None, "", "Europe/Nowhere", "901", "CET-1CEST", "x" * 64):
        assert refused(setting, value), value


def test_passwords_are_secret_and_nothing_else_is():
    for setting in schema.each():
        assert setting.is_secret == ("password" in setting.name or setting.name == "modem_pin"), setting.name


def test_limits_of_the_ranges():
    for setting in schema.each():
        if setting.kind == "int":
            low, high = [int(part) for part in setting.range.split("..")]
            for value, expected in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
                assert (refused(setting, value) is None) is expected, (setting.name, value)
        elif setting.kind == "text":
            most = int(setting.range)
            assert refused(setting, "x" * most) is None and refused(setting, "x" * (most + 1)), setting.name


TOGETHER = (
    # values beside the defaults, what is wrong with them
    ({}, ()),
    ({"static_ip_en": 1}, ("ip", "netmask")),
    ({"static_ip_en": 1, "ip": "10.0.0.5", "netmask": "255.255.255.0"}, ()),
    ({"static_ip_en": 1, "ip": "10.0.0.5", "netmask": "255.255.0.255"}, ("netmask",)),
    ({"static_ip_en": 1, "ip": "10.0.0.5", "netmask": "0.0.0.0"}, ("netmask",)),
    ({"static_ip_en": 1, "ip": "10.0.0.5", "netmask": "255.255.255.255"}, ()),
    ({"static_ip_en": 1, "ip": "200.0.0.5", "netmask": "255.255.255.252", "gateway": "200.0.0.6"}, ()),
    ({"static_ip_en": 1, "ip": "200.0.0.5", "netmask": "255.255.255.252", "gateway": "200.0.0.8"}, ("gateway",)),
    ({"static_ip_en": 0, "gateway": "1.2.3.4"}, ()),
    ({"rs485_type_1": 2, "rs485_type_2": 2}, ("rs485_addr_2",)),
    ({"rs485_type_1": 2, "rs485_type_16": 3, "rs485_addr_1": 7, "rs485_addr_16": 7}, ("rs485_addr_16",)),
    ({"rs485_type_1": 2, "rs485_type_2": 2, "rs485_addr_2": 34}, ()),
    ({"rs485_addr_1": 5, "rs485_addr_2": 5}, ()),
)


def test_what_goes_together():
    for values, wrong in TOGETHER:

        def get(name, values=values):
            return values.get(name, schema.find(name).default)

        errors = schema.check_together(get, list(values))
        assert sorted(errors) == sorted(wrong), (values, errors)
        assert not schema.check_together(get, ("description",))


def test_addresses_of_the_internet_protocol():
    for text, number in (
        ("0.0.0.0", 0),
        ("1.2.3.4", 0x01020304),
        ("255.255.255.255", 0xFFFFFFFF),
        ("256.1.1.1", None),
        ("1.2.3", None),
        ("1.2.3.4.5", None),
        ("", None),
        ("a.b.c.d", None),
        ("1..2.3", None),
        ("-1.2.3.4", None),
        ("0001.2.3.4", None),
        (" 1.2.3.4", None),
    ):
        assert schema.ip_number(text) == number, text
