"""The registers of the gateway's own unit as tables: what lies where. docs/modbus-map.md is made from them.

Addresses are those on the wire: register 40101 is 101 with functions 3, 6, 16, 23; 30101 is 101 with function 4; 45001 is 5001.
Numbers are unsigned, high byte first; of two registers the high word comes first. Texts have two characters to a register,
UTF-8, filled up with spaces. The tables are text (lib/modbus/window.py: rows()), which needs no RAM when it is frozen.
Source: the device sheet, 9.2 and 9.3. What it does not have lies from 42001 on.
"""

from lib.modbus.window import rows

INPUT_BLOCKS = ((0, 20), (101, 16), (201, 8), (1001, 8))  # first address, registers
MIRROR = 9000  # 39000 + x is 30000 + x
MIRRORED = 1000

# first address, name of the value in registers_inputs.py, type, registers
INPUTS = """
0 group
1 model text 8
9 serial text 4
13 software
14 hardware text
15 platform
16 files
17 mac hex 3
101 connection
102 address text 9
111 rssi int16
112 relay
113 left_ir int16
115 uptime uint32 2
201 local_time uint32 2
203 sensor
204 temperature int16
207 pulses uint32 2
1001 heap_free uint32 2
1003 heap_min uint32 2
1005 lag
1006 crashes
1007 events
1008 requests
"""

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
    (2501, 106),
    (2701, 117),
    (3001, 3),
    (3301, 31),
    (3501, 66),
    (3701, 69),
    (3901, 66),
    (4001, 176),
    (4201, 10),
    (4251, 145),
    (5001, 4),
)

# first address, step to the next, how many, registers of one, rows: offset, name, type, registers. # in a name is the
# number, from 1. Types: `uint16`; `text`; `secret`, a text that reads as spaces; `hex`, an IPv4 address as four bytes;
# `minutes`, a time zone (int16); `constant`, whose name is the value; `state`, of registers_settings.py; `command`, of
# registers_writes.py.
HOLDING = (
    (
        12,
        0,
        1,
        4,
        """
0 command command
1 pulses command
3 relay command
""",
    ),
    (
        101,
        0,
        1,
        49,
        """
0 description text 20
20 location text 20
40 timezone minutes
41 time_sync_src
44 pulse_cnt_en
45 adc_enabled
46 tcp_modbus_en
47 udp_enabled
48 mdns_enabled
""",
    ),
    (
        201,
        0,
        1,
        37,
        """
0 tcp_port
1 sg_modbus_addr
2 connection_mode
3 http_port
4 locked
5 wifi_ap_enabled
6 static_ip_en
27 ip hex 2
29 netmask hex 2
31 gateway hex 2
33 dns1 hex 2
35 dns2 hex 2
""",
    ),
    (
        301,
        0,
        1,
        125,
        """
0 ntp_server1 text 20
20 ntp_server2 text 20
40 ntp_server3 text 20
60 wifi_ssid text 10
70 wifi_password secret 10
80 wifi_max_retry
98 rightir_pushlink
99 rightir_pushintv
100 ir_ext_rel_mode
101 left_ir_enabled
102 ir_counter_addr
114 leftir_pushlink
115 leftir_pushintv
121 rs485_baud_rate
122 rs485_stop_bits
123 rs485_parity
124 8 constant
""",
    ),
    (
        500,
        250,
        2,
        138,
        """
0 mqtt#_server text 20
20 mqtt#_port
21 push#_protocol
22 push#_resp_time
23 mqtt#_qos
25 mqtt#_tls
26 mqtt#_username text 16
42 mqtt#_password secret 16
58 mqtt#_roottopic text 16
74 mqtt#_sub_topic text 16
90 mqtt#_pub_topic text 16
106 mqtt#_cert_file text 16
122 mqtt#_key_file text 16
""",
    ),
    (
        1001,
        10,
        16,
        9,
        """
0 rs485_type_#
1 rs485_addr_#
7 rs485_pushlnk#
8 rs485_pushint#
""",
    ),
    (
        1501,
        0,
        1,
        10,
        """
0 ir_relay_desc text 10
""",
    ),
    (
        1511,
        10,
        16,
        10,
        """
0 rs485_desc_# text 10
""",
    ),
    (
        2001,
        0,
        1,
        191,
        """
0 unlocked state
1 left_s state
2 staged state
3 restart_needed state
9 rs485_protocol
10 poll_ms
11 response_ms
12 pt1000_lead_mohm
13 read_login
14 lan_fallback
15 prov_security
16 gateway_pushlink
17 gateway_pushintv
19 modbus_max_age
20 modbus_wait_ms
21 modbus_idle_s
22 modbus_own_255
23 modbus_offset_ir
24 modbus_offset_485
25 modbus_meters
26 modbus_tls_en
27 modbus_tls_port
39 modbus_writes text 60
99 modbus_tls_cert text 16
115 modbus_tls_key text 16
131 modbus_tls_ca text 16
149 left_ir_desc text 10
159 timezone text 32
""",
    ),
    (
        2201,
        16,
        2,
        16,
        """
0 mqtt#_cli_cert text 16
""",
    ),
    (
        2301,
        48,
        3,
        48,
        """
0 wifi_other#_ssid text 16
16 wifi_other#_password secret 32
""",
    ),
    (
        2501,
        53,
        2,
        53,
        """
0 push#_form
1 push#_retain
2 push#_deadband
3 push#_commands
4 hass#_discovery
5 hass#_prefix text 16
21 push#_path text 32
""",
    ),
    (
        2701,
        0,
        1,
        117,
        """
0 upgrade_auto
1 upgrade_certificate text 16
17 upgrade_url text 100
""",
    ),
    (
        3001,
        0,
        1,
        3,
        """
0 ir_protocol
1 iec_pushlink
2 iec_pushintv
""",
    ),
    (
        3301,
        0,
        1,
        31,
        """
0 demand_period
1 demand_meters text 30
""",
    ),
    (
        3501,
        0,
        1,
        66,
        """
0 tunnel_port
1 tunnel_raw_port
2 tunnel_2217_port
3 tunnel_baud
4 tunnel_frame
5 tunnel_idle_s
6 tunnel_clients text 60
""",
    ),
    (
        3701,
        0,
        1,
        69,
        """
0 modem_auth
1 modem_apn text 32
33 modem_user text 16
49 modem_password secret 16
65 modem_pin secret 4
""",
    ),
    (
        3901,
        33,
        2,
        33,
        """
0 mqtt#_reserve_port
1 mqtt#_reserve_server text 32
""",
    ),
    (
        4001,
        44,
        4,
        44,
        """
0 job#_what
1 job#_link
2 job#_when text 12
14 job#_meters text 30
""",
    ),
    (
        4201,
        0,
        1,
        10,
        """
0 dlms_baud
1 dlms_network
2 dlms_present_min
3 dlms_profile_hours
4 dlms_profile_days
5 dlms_daily_at
6 dlms_events
7 dlms_clock
8 dlms_black_days
9 dlms_pushlink
""",
    ),
    (
        4251,
        0,
        1,
        145,
        """
0 dlms_server_enabled
1 dlms_server_port
2 dlms_main_port
3 dlms_reserve_port
4 dlms_heartbeat_s
5 dlms_server_password secret 16
21 dlms_server_clients text 60
81 dlms_main_host text 32
113 dlms_reserve_host text 32
""",
    ),
    (
        5001,
        0,
        1,
        1,
        """
0 debug_console
""",
    ),
)


def holding(first, count):
    """Yield (address, registers, type, name, number) of each row of which any of these registers is a part.

    `number` is what # in the name stands for, 0 where there is none.
    """
    last = first + count - 1
    for start, step, repeats, size, table in HOLDING:
        for number in range(repeats):
            base = start + number * step
            if base > last:
                break
            if base + size <= first:
                continue
            for offset, registers, kind, name in rows(table):
                if base + offset > last:
                    break
                if base + offset + registers > first:
                    yield base + offset, registers, kind, name, number + 1 if step else 0
