"""What the gateway answers to a search on UDP 33333: who it is, in 204 bytes (device sheet, section 8).

Of the protocol's other words, which change the address or restart the device without a login, none is taken.
"""

import struct

from micropython import const

from firmware.services.neighbours import is_near
from firmware.state.schema import ip_number
from firmware.version import FILES_VERSION, VERSION

_SEARCH = const(b"\x00\x00\x00\x1a")
_SIZE = const(204)


def answer(gateway, datagram, address):
    """Return the answer, None if there is none to give. `address`: the sender, as recvfrom() gave it.

    Numbers are single bytes but for the IPv4 address (big endian) and the port of Modbus TCP (little endian; 0 if it is not
    served). All that is not filled is zero.
    """
    platform, settings = gateway.platform, gateway.settings
    network = platform.network
    if datagram[:4] != _SEARCH or not is_near(network, address):
        return None
    packet = bytearray(_SIZE)
    packet[3] = 0x1B
    struct.pack_into(">I", packet, 4, ip_number(network.address))
    if network.mode == "WiFi":
        _put(packet, 8, 12, network.ssid)
    packet[20:26] = platform.mac
    struct.pack_into("<H", packet, 26, _modbus_port(gateway))
    _put(packet, 28, 15, platform.model, 1)
    _put(packet, 43, 8, gateway.identity.serial)
    packet[52] = hundredths(VERSION)
    packet[54] = ord(platform.hardware[0])
    _put(packet, 55, 40, settings.get("description"), 1)
    _put(packet, 95, 40, settings.get("location"), 1)
    packet[136] = settings.get("sg_modbus_addr")
    packet[138] = min(FILES_VERSION, 255)
    return packet


def hundredths(version):
    """Return "0.51" as 51, "1.4.2" as 140; 255 for what is larger."""
    major, _, rest = version.partition(".")
    return min(int(major) * 100 + int((rest.split(".")[0] + "00")[:2]), 255)


def _modbus_port(gateway):
    if not gateway.settings.get("tcp_modbus_en") or not gateway.modbus:
        return 0
    plain = gateway.modbus[0]  # the one with TLS comes behind it
    return plain.port if plain.wrap is None else 0


def _put(packet, at, size, text, unread=0):
    """Write as many whole characters as fit: clients give up at half a one.

    They do not read the last `unread` bytes (0 or 1) of a field: no character may end there that began before.
    """
    data = text.encode()
    if unread and len(data) >= size and data[size - 1] > 127:
        size -= 1
    while len(data) > size and data[size] & 0xC0 == 0x80:
        size -= 1
    data = data[:size]
    packet[at : at + len(data)] = data
