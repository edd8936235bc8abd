"""The registers of the gateway's own unit as tables: what lies where. docs/modbus-map.md is made from them.

Addresses are those on the wire: register 40101 is 101 with functions 3, 6, 16, 23; 30101 is 101 with function 4; 45001 is 5001.
Numbers are unsigned, high byte first; of two registers the high word comes first. Texts have two characters to a register,
UTF-8, filled up with spaces. All constants: frozen, the tables need no RAM.
Source: the device sheet, 9.2 and 9.3. What it does not have lies from 42001 on.
"""

INPUT_BLOCKS = ((0, 20), (101, 16), (201, 8), (1001, 8))  # first address, registers
MIRROR = 9000  # 39000 + x is 30000 + x
MIRRORED = 1000

# first address, registers, type, name of the value in registers_inputs.py, meaning
INPUTS = (
    (0, 1, "uint16", "group", "device group: 5"),
    (1, 8, "text", "model", "model, such as SG-W1"),
    (9, 4, "text", "serial", "serial number"),
    (13, 1, "uint16", "software", "software version x100"),
    (14, 1, "text", "hardware", "hardware version"),
    (15, 1, "uint16", "platform", "version of MicroPython x100, 0: not known"),
    (16, 1, "uint16", "files", "version of the file system"),
    (17, 3, "hex", "mac", "MAC address"),
    (101, 1, "uint16", "connection", "0 none, 1 connecting, 2 provisioning, 3 WiFi, 4 Ethernet"),
    (102, 9, "text", "address", "IP address as text"),
    (111, 1, "int16", "rssi", "WiFi signal, dBm"),
    (112, 1, "uint16", "relay", "IR relay: 0 off, 1 on, 250 error, 255 not connected"),
    (113, 1, "int16", "left_ir", "IR meter: 3 found, 250 does not answer, -1 disabled"),
    (115, 2, "uint32", "uptime", "time since the start, s"),
    (201, 2, "uint32", "local_time", "local time as seconds since 01.01.1970"),
    (203, 1, "uint16", "sensor", "bit 0: Pt1000 valid"),
    (204, 1, "int16", "temperature", "Pt1000, 0.1 deg C; -32768 when not valid"),
    (207, 2, "uint32", "pulses", "pulse counter"),
    (1001, 2, "uint32", "heap_free", "free heap, bytes"),
    (1003, 2, "uint32", "heap_min", "least free heap since the start, bytes"),
    (1005, 1, "uint16", "lag", "longest time the loop was held lately, ms"),
    (1006, 1, "uint16", "crashes", "tasks that ended with an error since the start"),
    (1007, 1, "uint16", "events", "events since the start"),
    (1008, 1, "uint16", "requests", "HTTP requests since the start, modulo 65536"),
)

HOLDING_BLOCKS = (
    (12, 4),
    (101, 64),
    (201, 37),
    (301, 125),
    (500, 500),
    (1001, 160),
    (1501, 170),
    (2001, 235),
    (2301, 144),
    (5001, 4),
)

# first address, step to the next, how many, rows: (offset, registers, type, name). # in a name is the number, from 1.
# Types: `uint16`; `text`; `secret`, a text that reads as spaces; `hex`, an IPv4 address as four bytes; `minutes`, a time zone
# (int16); `constant`, whose name is the value; `state`, of registers_settings.py; `command`, of registers_writes.py.
HOLDING = (
    (12, 0, 1, ((0, 1, "command", "command"), (1, 1, "command", "pulses"), (3, 1, "command", "relay"))),
    (
        101,
        0,
        1,
        (
            (0, 20, "text", "description"),
            (20, 20, "text", "location"),
            (40, 1, "minutes", "timezone"),
            (41, 1, "uint16", "time_sync_src"),
            (44, 1, "uint16", "pulse_cnt_en"),
            (45, 1, "uint16", "adc_enabled"),
            (46, 1, "uint16", "tcp_modbus_en"),
            (47, 1, "uint16", "udp_enabled"),
            (48, 1, "uint16", "mdns_enabled"),
            (100, 1, "uint16", "tcp_port"),
            (101, 1, "uint16", "sg_modbus_addr"),
            (102, 1, "uint16", "connection_mode"),
            (103, 1, "uint16", "http_port"),
            (104, 1, "uint16", "locked"),
            (105, 1, "uint16", "wifi_ap_enabled"),
            (106, 1, "uint16", "static_ip_en"),
            (127, 2, "hex", "ip"),
            (129, 2, "hex", "netmask"),
            (131, 2, "hex", "gateway"),
            (133, 2, "hex", "dns1"),
            (135, 2, "hex", "dns2"),
            (200, 20, "text", "ntp_server1"),
            (220, 20, "text", "ntp_server2"),
            (240, 20, "text", "ntp_server3"),
            (260, 10, "text", "wifi_ssid"),
            (270, 10, "secret", "wifi_password"),
            (280, 1, "uint16", "wifi_max_retry"),
            (298, 1, "uint16", "rightir_pushlink"),
            (299, 1, "uint16", "rightir_pushintv"),
            (300, 1, "uint16", "ir_ext_rel_mode"),
            (301, 1, "uint16", "left_ir_enabled"),
            (302, 1, "uint16", "ir_counter_addr"),
            (314, 1, "uint16", "leftir_pushlink"),
            (315, 1, "uint16", "leftir_pushintv"),
            (321, 1, "uint16", "rs485_baud_rate"),
            (322, 1, "uint16", "rs485_stop_bits"),
            (323, 1, "uint16", "rs485_parity"),
            (324, 1, "constant", "8"),
        ),
    ),
    (
        500,
        250,
        2,
        (
            (0, 20, "text", "mqtt#_server"),
            (20, 1, "uint16", "mqtt#_port"),
            (21, 1, "uint16", "push#_protocol"),
            (22, 1, "uint16", "push#_resp_time"),
            (23, 1, "uint16", "mqtt#_qos"),
            (25, 1, "uint16", "mqtt#_tls"),
            (26, 16, "text", "mqtt#_username"),
            (42, 16, "secret", "mqtt#_password"),
            (58, 16, "text", "mqtt#_roottopic"),
            (74, 16, "text", "mqtt#_sub_topic"),
            (90, 16, "text", "mqtt#_pub_topic"),
            (106, 16, "text", "mqtt#_cert_file"),
            (122, 16, "text", "mqtt#_key_file"),
        ),
    ),
    (
        1001,
        10,
        16,
        (
            (0, 1, "uint16", "rs485_type_#"),
            (1, 1, "uint16", "rs485_addr_#"),
            (7, 1, "uint16", "rs485_pushlnk#"),
            (8, 1, "uint16", "rs485_pushint#"),
        ),
    ),
    (1501, 0, 1, ((0, 10, "text", "ir_relay_desc"),)),
    (1511, 10, 16, ((0, 10, "text", "rs485_desc_#"),)),
    (
        2001,
        0,
        1,
        (
            (0, 1, "state", "unlocked"),
            (1, 1, "state", "left_s"),
            (2, 1, "state", "staged"),
            (3, 1, "state", "restart_needed"),
            (9, 1, "uint16", "rs485_protocol"),
            (10, 1, "uint16", "poll_ms"),
            (11, 1, "uint16", "response_ms"),
            (12, 1, "uint16", "pt1000_lead_mohm"),
            (13, 1, "uint16", "read_login"),
            (14, 1, "uint16", "lan_fallback"),
            (15, 1, "uint16", "prov_security"),
            (19, 1, "uint16", "modbus_max_age"),
            (20, 1, "uint16", "modbus_wait_ms"),
            (21, 1, "uint16", "modbus_idle_s"),
            (22, 1, "uint16", "modbus_own_255"),
            (23, 1, "uint16", "modbus_offset_ir"),
            (24, 1, "uint16", "modbus_offset_485"),
            (25, 1, "uint16", "modbus_meters"),
            (26, 1, "uint16", "modbus_tls_en"),
            (27, 1, "uint16", "modbus_tls_port"),
            (39, 60, "text", "modbus_writes"),
            (99, 16, "text", "modbus_tls_cert"),
            (115, 16, "text", "modbus_tls_key"),
            (131, 16, "text", "modbus_tls_ca"),
            (149, 10, "text", "left_ir_desc"),
            (159, 32, "text", "timezone"),
        ),
    ),
    (2201, 16, 2, ((0, 16, "text", "mqtt#_cli_cert"),)),
    (2301, 48, 3, ((0, 16, "text", "wifi_other#_ssid"), (16, 32, "secret", "wifi_other#_password"))),
    (5001, 0, 1, ((0, 1, "uint16", "debug_console"),)),
)


def holding(first, count):
    """Yield (address, registers, type, name, number) of each row of which any of these registers is a part.

    `number` is what # in the name stands for, 0 where there is none.
    """
    last = first + count - 1
    for start, step, repeats, rows in HOLDING:
        for number in range(repeats):
            base = start + number * step
            if base > last:
                break
            if base + rows[-1][0] + rows[-1][1] <= first:
                continue
            for offset, registers, kind, name in rows:
                if base + offset > last:
                    break
                if base + offset + registers > first:
                    yield base + offset, registers, kind, name, number + 1 if step else 0
