"""Every setting there is: the one table from which validation, pages, registers and documents come.

A row is: name | kind | default | range | flags | meaning. `#` in a name stands for an index, whose span is the table's head.
Kinds: `text` (range: most bytes in UTF-8), `int` (range: from..to), `choice` (range: value=word,...), `flag` (0 or 1),
`zone` (a text that names a time zone), `ssid` (the name of a network:
lib/text/ssid.py; range: most bytes of the name), `ip` (an IPv4 address, or empty), `writes` (see lib/modbus/write_rules.py),
`sources` (IPv4 addresses and networks: firmware/state/sources.py), `when` (lib/clock/recurrence.py, or empty).
Flags: `secret` (never shown), `restart` (takes effect with the next start).
Names and defaults of the original: the SG manual, 3.7.2 and 4.7, and the device sheet, 6.7.
The table is text because text costs no RAM when the code is frozen.
"""

RS485_DEVICES = 16
IEC = 3  # rs485_protocol of IEC 62056-21 meters, whose list is firmware/state/iec_meters.py
DLMS = 5  # rs485_protocol of DLMS meters, whose list is firmware/state/dlms_meters.py
IR_DLMS = 2  # ir_protocol of them
# (page, rows, indices; None for rows without an index): one constant, which needs no RAM when it is frozen
TABLES = (
    (
        "General",
        """
description|text|Description|40||Description
location|text|Location|40||Location
connection_mode|choice|2|1=Ethernet,2=WiFi|restart|Connection Mode
wifi_ssid|ssid||32|restart|WiFi SSID
wifi_password|text||63|secret restart|WiFi Password
wifi_max_retry|int|5|0..100||WiFi attempts before provisioning
lan_fallback|flag|1||restart|WiFi while Ethernet has no link
wifi_ap_enabled|flag|0|||Own access point
prov_security|choice|1|1=Security 1,2=Security 2||Provisioning from a phone
static_ip_en|flag|0||restart|Static IP address
ip|ip||15|restart|IP address
netmask|ip||15|restart|Network mask
gateway|ip||15|restart|Default gateway
dns1|ip||15|restart|DNS server 1
dns2|ip||15|restart|DNS server 2
sg_modbus_addr|int|34|1..247||Local Modbus Address
tcp_port|int|10001|1..65535|restart|Local TCP Modbus Port
http_port|int|80|1..65535|restart|Local Http Port
tcp_modbus_en|flag|1||restart|Modbus TCP
udp_enabled|flag|1||restart|Discovery by UDP
mdns_enabled|flag|1||restart|Name by mDNS
read_login|flag|0|||Login needed for reading
locked|flag|1|||Settings locked for Modbus
debug_console|flag|0||restart|Debug console
time_sync_src|choice|1|0=Disabled,1=Enabled||NTP Synchronization
timezone|zone|60|63||Timezone
ntp_server1|text|0.pool.ntp.org|64||NTP Server 1
ntp_server2|text|1.pool.ntp.org|64||NTP Server 2
ntp_server3|text||64||NTP Server 3
""",
        None,
    ),
    (
        "General",
        """
wifi_other#_ssid|ssid||32|restart|Further WiFi SSID
wifi_other#_password|text||63|secret restart|Further WiFi Password
""",
        3,
    ),
    (
        "Communication",
        """
mqtt#_server|text||64||MQTT/PUSH Server
mqtt#_port|int|1883|1..65535||MQTT/PUSH Port
push#_protocol|choice|0|0=Off,1=MQTT,2=Standard TCP,3=HTTPS POST||Push protocol
push#_resp_time|int|5|1..60||Push response time, s
mqtt#_tls|choice|0|0=MQTT over TCP,1=MQTT over SSL (secure),2=MQTT over SSL with client certificate||MQTT Protocol
mqtt#_username|text||64||MQTT Username
mqtt#_password|text||64|secret|MQTT Password
mqtt#_roottopic|text||32||MQTT Root Topic, empty for the serial number
mqtt#_sub_topic|text|cmd|32||MQTT Subscribe topic
mqtt#_pub_topic|text|pub|32||MQTT Publish topic
mqtt#_qos|choice|1|0=QoS 0,1=QoS 1||MQTT quality of service
mqtt#_cert_file|text||32||MQTT Server certificate filename
mqtt#_cli_cert|text||32||MQTT Client certificate filename
mqtt#_key_file|text||32||MQTT Private key filename
push#_path|text|/|64||Path of HTTPS POST
push#_form|choice|0|0=JSON as REST,1=Flat numbers||Form of payloads
push#_retain|flag|0|||Broker keeps last values
push#_deadband|int|0|0..1000||Also on change by so many thousandths, 0 for never
push#_commands|flag|0|||Commands on the subscribe topic
hass#_discovery|flag|0|||Home Assistant discovery
hass#_prefix|text|homeassistant|32||Home Assistant discovery prefix
""",
        2,
    ),
    (
        "Communication",
        """
mqtt#_reserve_server|text||64||Reserve server
mqtt#_reserve_port|int|0|0..65535||Reserve server's port, 0 for that of the main one
""",
        2,
    ),
    (
        "Reading jobs",
        """
job#_when|when||24||When: hourly 15, daily 06:00, weekly 1 06:00, monthly 31 24:00; empty for never
job#_meters|text||60||Meters as lir,1,2; empty for all
job#_what|choice|0|0=Measurements and counters,1=Counters||What is sent
job#_link|choice|1|1=Link 1,2=Link 2,3=Both||Sent over
""",
        4,
    ),
    (
        "IR Devices",
        """
left_ir_enabled|flag|1|||IR Energy Counter
ir_protocol|choice|0|0=Modbus,1=IEC 62056-21,2=DLMS||IR Energy Counter Protocol
ir_counter_addr|int|33|1..247||IR Energy Counter Modbus Address
leftir_pushlink|choice|0|0=None,1=Link 1,2=Link 2,3=Both||IR Energy Counter Push/Publish
leftir_pushintv|int|600|1..43200||IR Energy Counter Push/Publish Interval, s
left_ir_desc|text||20||IR Energy Counter Description
ir_ext_rel_mode|choice|0|0=Not Connected,1=Controlled by IHUB,2=Controlled by IR Counter||IR Relay Operating Mode
ir_relay_desc|text||20||IR Relay Description
rightir_pushlink|choice|0|0=None,1=Link 1,2=Link 2,3=Both||IR Relay Push/Publish
rightir_pushintv|int|600|1..43200||IR Relay Push/Publish Interval, s
""",
        None,
    ),
    (
        "RS485 Devices",
        """
rs485_protocol|choice|1|0=Off,1=Slave until a device is set,2=Modbus master,3=IEC 62056-21,4=Transparent port,5=DLMS||RS485 Protocol
rs485_baud_rate|choice|7|0=1200,1=2400,2=4800,3=9600,4=19200,5=38400,6=57600,7=115200||RS485 Baud Rate
rs485_parity|choice|0|0=None,1=Odd,2=Even||RS485 Parity
rs485_stop_bits|choice|0|0=1,1=2||RS485 Stop Bits
iec_pushlink|choice|0|0=None,1=Link 1,2=Link 2,3=Both||IEC 62056-21 Meters Push/Publish
iec_pushintv|int|900|1..43200||IEC 62056-21 Meters Push/Publish Interval, s
""",
        None,
    ),
    (
        "RS485 Devices",
        """
rs485_type_#|choice|0|0=Not Connected,2=Energy Meter,3=Bistable Switch,4=PQ Meter||RS 485 Device Type
rs485_addr_#|int|33|1..247||RS 485 Device Modbus Address
rs485_pushlnk#|choice|0|0=None,1=Link 1,2=Link 2,3=Both||RS 485 Device Push/Publish
rs485_pushint#|int|600|1..43200||RS 485 Device Push/Publish Interval, s
rs485_desc_#|text||20||Bistable Switch Description
""",
        16,
    ),
    (
        "Modbus",
        """
modbus_max_age|int|0|0..60000||Age of a reading that may serve as an answer, ms
modbus_wait_ms|int|2500|200..30000||Longest wait of a TCP client for an answer, ms
modbus_idle_s|int|120|10..3600||Time until a silent TCP client is disconnected, s
modbus_writes|writes||120||Writes let through to devices
modbus_own_255|flag|1|||Units 0 and 255 are the gateway itself
modbus_offset_ir|int|0|0..200||Added to the address of the IR meter
modbus_offset_485|int|0|0..200||Added to the addresses on RS485
modbus_meters|int|200|0..230||First unit of the meters as floats and SunSpec, 0 for none
modbus_tls_en|flag|0||restart|Modbus TCP with TLS
modbus_tls_port|int|802|1..65535|restart|TLS port
modbus_tls_cert|text||32|restart|TLS server certificate filename
modbus_tls_key|text||32|restart|TLS private key filename
modbus_tls_ca|text||32|restart|TLS certificate filename of the clients' authority
""",
        None,
    ),
    (
        "Transparent port",
        """
tunnel_port|choice|0|0=Off,1=RS485,2=IR left,3=IR right||Serial port that a reading program may use
tunnel_clients|sources||120||Addresses that may use it at any time
tunnel_raw_port|int|4001|0..65535||TCP port for plain bytes, 0 for none
tunnel_2217_port|int|2217|0..65535||TCP port for RFC 2217, 0 for none
tunnel_baud|choice|0|0=As the port is set,1=300,2=600,3=1200,4=2400,5=4800,6=9600,7=19200,8=38400,9=57600,10=115200||Baud rate
tunnel_frame|choice|4|0=8N1,1=8E1,2=8O1,3=8N2,4=7E1,5=7O1||Data bits, parity, stop bits
tunnel_idle_s|int|120|10..3600||Time until a silent client is disconnected, s
""",
        None,
    ),
    (
        "Inputs",
        """
pulse_cnt_en|flag|1|||Digital input
adc_enabled|flag|1|||Temperature sensor
pt1000_lead_mohm|int|0|0..20000||Resistance of both sensor leads, milliohm
gateway_pushlink|choice|0|0=None,1=Link 1,2=Link 2,3=Both||Inputs Push/Publish
gateway_pushintv|int|600|1..43200||Inputs Push/Publish Interval, s
""",
        None,
    ),
    (
        "Upgrade",
        """
upgrade_url|text||200||URL of latest.json
upgrade_certificate|text||32||Certificate filename of the server's authority
upgrade_auto|choice|1|0=Off,1=Tell of a new version,2=Install it||New versions
""",
        None,
    ),
    (
        "Modem",
        """
modem_apn|text|internet|63||Access point name (APN)
modem_user|text||32||User of the access point
modem_password|text||32|secret|Password of the access point
modem_auth|choice|2|1=PAP,2=CHAP||How user and password are told
modem_pin|text||8|secret|PIN of the SIM card
""",
        None,
    ),
    (
        "DLMS meters",
        """
dlms_baud|choice|3|0=1200,1=2400,2=4800,3=9600,4=19200,5=38400,6=57600,7=115200||Baud rate of DLMS meters
dlms_network|flag|0|||DLMS meters in the network
dlms_present_min|int|15|0..1440||Time from one reading of present values to the next, min, 0 for never
dlms_profile_hours|int|1|0..24||Time from one reading of load profiles to the next, h, 0 for never
dlms_profile_days|int|40|1..400||Load profile of a new meter: how many days back
dlms_daily_at|int|10|0..1439||Daily and monthly values, maxima and event logs are read so many minutes after midnight
dlms_events|flag|1|||Event logs
dlms_clock|flag|1|||Clocks of meters are kept right
dlms_pushlink|choice|0|0=None,1=Link 1,2=Link 2,3=Both||Archive of DLMS meters sent over
dlms_black_days|int|3|1..60||Black list: not in contact for so many days
dlms_server_enabled|flag|0|||DLMS server
dlms_server_port|int|4059|1..65535||TCP port of the DLMS server
dlms_server_password|text||32|secret|Password of its client 1, which may change things; none: no such client
dlms_server_clients|sources||120||Addresses that may reach the meters through it
dlms_main_host|text||64||Central server that is dialled
dlms_main_port|int|4059|1..65535||Port of the central server
dlms_reserve_host|text||64||Reserve server
dlms_reserve_port|int|0|0..65535||Port of the reserve server, 0 for that of the main one
dlms_heartbeat_s|int|180|0..3600||Time from one heartbeat to the next, s, 0 for none
""",
        None,
    ),
    (
        "Polling",
        """
poll_ms|int|1000|0..60000||Time from one reading of a meter to the next, ms
response_ms|int|1000|50..5000||Longest wait for a device's answer, ms
demand_period|choice|0|0=Off,1=1 min,5=5 min,10=10 min,15=15 min,30=30 min,60=60 min||Demand period of all meters together
demand_meters|text||60||Meters of it as lir,1,2; empty for all
""",
        None,
    ),
)


_TEXTS = ("text", "zone", "ip", "writes", "ssid", "sources", "when")


class Setting:
    """One row with its index filled in."""

    def __init__(self, page, row, index):
        name, self.kind, default, self.range, self.flags, self.meaning = row.split("|")
        self.page = page
        self.name = name if index is None else name.replace("#", str(index))
        self.default = default if self.kind in _TEXTS else int(default)

    @property
    def is_secret(self):
        return "secret" in self.flags

    @property
    def needs_restart(self):
        return "restart" in self.flags

    def check(self, value):
        """Return `value` as it is kept; raise ValueError with a sentence for the person who typed it."""
        if self.kind == "zone" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # minutes
        if self.kind in _TEXTS:
            return self._check_text(value)
        if isinstance(value, bool):
            value = int(value)
        if not isinstance(value, int):
            raise ValueError("a whole number is expected")
        if self.kind == "flag":
            if value not in (0, 1):
                raise ValueError("0 or 1 is expected")
        elif self.kind == "choice":
            if ("," + self.range).find(f",{value}=") < 0:
                raise ValueError("one of " + self.range.replace("=", " (").replace(",", "), ") + ") is expected")
        else:
            low, _, high = self.range.partition("..")
            if not int(low) <= value <= int(high):
                raise ValueError(f"a number from {low} to {high} is expected")
        return value

    def _check_text(self, value):
        if not isinstance(value, str):
            raise ValueError("text is expected")
        if self.kind == "ssid" and ("\\" in value or len(value) != len(value.encode())):
            from lib.text.ssid import checked  # noqa: PLC0415 - few names need it

            return checked(value)
        if len(value.encode()) > int(self.range):
            raise ValueError("at most " + self.range + " bytes are expected")
        for character in value:
            if ord(character) < 32 or ord(character) == 127:
                raise ValueError("no control characters are expected")
        if self.name.endswith(("topic", "_prefix")) and ("+" in value or "#" in value):
            raise ValueError("no + and no # are expected")
        if self.kind == "zone":
            from lib.clock.zones import zone_of  # noqa: PLC0415 - not to be paid for by those who only read the table

            zone_of(value)
        elif self.kind == "writes":
            from lib.modbus.write_rules import check  # noqa: PLC0415

            check(value)
        elif self.kind == "sources":
            from firmware.state.sources import check  # noqa: PLC0415

            check(value)
        elif self.kind == "when" and value:
            from lib.clock.recurrence import parse  # noqa: PLC0415

            parse(value)
        elif self.kind == "ip" and value and ip_number(value) is None:
            raise ValueError("an address such as 192.168.1.20 is expected")
        return value


def each():
    """Yield every Setting, in the order of the pages."""
    for page, rows, count in TABLES:
        for index in (None,) if count is None else range(1, count + 1):
            for row in rows.strip().split("\n"):
                yield Setting(page, row, index)


def find(name):
    """Return the Setting of that name, None if there is none, or if it is no text. Does not build the others."""
    if not isinstance(name, str) or "|" in name:
        return None
    pattern, index = _split(name)
    for page, rows, count in TABLES:
        if count is None:
            start, at = rows.find("\n" + name + "|"), None
        elif index and index <= count:
            start, at = rows.find("\n" + pattern + "|"), index
        else:
            continue
        if start >= 0:
            return Setting(page, rows[start + 1 : rows.find("\n", start + 1)], at)
    return None


def ip_number(text):
    """Return an IPv4 address as a number, None for a text that is none."""
    parts = text.split(".")
    if len(parts) != 4 or not all([part.isdigit() and len(part) < 4 and int(part) < 256 for part in parts]):
        return None
    return int(parts[0]) << 24 | int(parts[1]) << 16 | int(parts[2]) << 8 | int(parts[3])


def check_together(get, changed):
    """Return {name: sentence} for values that do not go together. `get(name)` gives each as it would be; what none of the names
    `changed` has to do with is not looked at."""
    errors = {}
    if any([name in ("static_ip_en", "ip", "netmask", "gateway") for name in changed]) and get("static_ip_en"):
        mask = ip_number(get("netmask"))
        if not get("ip"):
            errors["ip"] = "a static address is expected"
        if not mask or (mask ^ 0xFFFFFFFF) & ((mask ^ 0xFFFFFFFF) + 1):
            errors["netmask"] = "a mask such as 255.255.255.0 is expected"
        elif get("gateway") and (ip_number(get("gateway")) ^ (ip_number(get("ip")) or 0)) & mask:
            errors["gateway"] = "an address in the network of the static address is expected"
    if any([name.startswith(("rs485_type_", "rs485_addr_")) for name in changed]):
        taken = {}
        for number in range(1, RS485_DEVICES + 1):
            if get(f"rs485_type_{number}"):
                address = get(f"rs485_addr_{number}")
                if address in taken:
                    errors[f"rs485_addr_{number}"] = f"RS-485 device {taken[address]} has this address too"
                taken[address] = number
    return errors


def _split(name):
    """Return (name with # for its index, index), the index 0 if there is none: rs485_type_12 is rs485_type_# and 12."""
    start = 5 if name.startswith("rs485") else 0
    while start < len(name) and not name[start].isdigit():
        start += 1
    end = start
    while end < len(name) and name[end].isdigit():
        end += 1
    digits = name[start:end]
    return name[:start] + "#" + name[end:], int(digits) if digits and digits[0] != "0" else 0
