"""The answer to a search on UDP 33333, byte by byte, and who gets none."""

from firmware.services import discovery_answer
from firmware.services.discovery_answer import answer, hundredths
from firmware.services.neighbours import is_near
from host_tests.fakes.searched import Thing, searched

SEARCH = b"\x00\x00\x00\x1a"
SENDER = ("192.168.1.20", 51234)
# The device sheet, section 14
EXAMPLE = (
    "0000001BC0A801D155726261 6E63696300000000C44F331B9D3D112753472D57"
    "3100000000000000000000534730303030313700330041446573637269707469"
)
# Where a text begins, how many bytes it may have, how many of them the maker's client reads
TEXTS = {"ssid": (8, 12, 12), "model": (28, 15, 14), "description": (55, 40, 39), "location": (95, 40, 39)}
LETTERS = ("a", "ž", "€", "\U0001f50c")  # of one to four bytes


def found(**more):
    packet = answer(searched(**more), SEARCH, SENDER)
    assert packet is not None and len(packet) == 204
    return packet


def version_of(version, files):
    """Play a version of the firmware; returns what to undo it with."""
    before = discovery_answer.VERSION, discovery_answer.FILES_VERSION
    discovery_answer.VERSION, discovery_answer.FILES_VERSION = version, files
    return before


def test_the_example_of_the_sheet():
    before = version_of("0.51", 22)
    try:
        packet = found()
    finally:
        version_of(*before)
    example = bytes(int(EXAMPLE.replace(" ", "")[n : n + 2], 16) for n in range(0, 128, 2))
    assert packet[:64] == example, packet[:64]
    rest = bytearray(140)
    rest[0:2] = b"on"
    rest[31:39] = b"Location"
    rest[72] = 34
    rest[74] = 22
    assert packet[64:] == rest, packet[64:]


def test_texts_end_with_a_whole_character_at_every_length():
    for name, (at, size, read) in TEXTS.items():
        for letter in LETTERS:
            for lead in range(5):
                for count in range(size + 2):
                    text = "x" * lead + letter * count
                    field = bytes(found(**{name: text})[at : at + size])
                    shown = field.rstrip(b"\0").decode()
                    assert text.startswith(shown), (name, text, field)
                    assert field[:read].rstrip(b"\0").decode() == shown[: len(shown) - (len(shown.encode()) > read)]
                    room = size if letter == "a" or read == size else read
                    missing = text[len(shown) : len(shown) + 1]
                    assert not missing or len((shown + missing).encode()) > room, (name, text, field)


def test_a_text_of_full_length_leaves_its_neighbours_alone():
    packet = found(ssid="S" * 40, model="M" * 40, description="D" * 40, location="L" * 40)
    assert packet[8:26] == b"S" * 12 + b"\xc4\x4f\x33\x1b\x9d\x3d"
    assert packet[28:52] == b"M" * 15 + b"SG000017" + b"\0"
    assert packet[55:138] == b"D" * 40 + b"L" * 40 + b"\0\x22\0"


def test_there_is_no_network_name_on_a_cable():
    assert found(mode="Ethernet", ssid="left over")[8:20] == bytes(12)


def test_the_port_is_that_which_is_served():
    def port(gateway):
        packet = answer(gateway, SEARCH, SENDER)
        return packet[26] | packet[27] << 8

    gateway = searched()
    gateway.modbus[0].port = 502
    assert port(gateway) == 502
    gateway.modbus = []
    assert port(gateway) == 0, "not started"
    gateway.modbus = [Thing(port=802, wrap=len)]
    assert port(gateway) == 0, "nothing but TLS"
    assert port(searched(tcp_modbus_en=0)) == 0


def test_the_address_for_modbus():
    for address in (1, 247):
        assert found(sg_modbus_addr=address)[136] == address


def test_a_version_in_one_byte():
    versions = {"0.51": 51, "0.1": 10, "0.09": 9, "1.4.2": 140, "1": 100, "2.55": 255, "2.56": 255, "10.0": 255, "0.123": 12}
    for version, number in versions.items():
        assert hundredths(version) == number, version


def test_only_a_search_is_answered():
    gateway = searched()
    for more in (b"\0", b"more of it", bytes(60)):
        assert answer(gateway, SEARCH + more, SENDER), "the word is what counts"
    assert answer(gateway, found(), SENDER) is None, "an answer"
    for last in range(256):
        if last != 0x1A:
            assert answer(gateway, bytes((0, 0, 0, last)) + bytes(8), SENDER) is None, last
    for noise in (b"", b"\x1a", b"\0\0\x1a", b"\0\0\0", b"\x1a\0\0\0", b"\0\0\1\x1a", b"GET / HTTP/1.1\r\n"):
        assert answer(gateway, noise, SENDER) is None, noise


def test_only_the_own_network_is_answered():
    for address, netmask, near, far in (
        ("192.168.1.209", "255.255.255.0", ("192.168.1.1", "192.168.1.209"), ("192.168.2.1", "192.168.1.255", "8.8.8.8")),
        ("10.1.2.3", "255.0.0.0", ("10.255.255.254", "10.0.0.1"), ("11.1.2.3", "10.255.255.255", "0.0.0.0")),
        ("10.1.2.3", "255.255.255.252", ("10.1.2.1",), ("10.1.2.4", "10.1.2.0.1", "fe80::1", "")),
        ("0.0.0.0", "0.0.0.0", (), ("0.0.0.0", "192.168.1.1")),
        ("192.168.1.209", "0.0.0.0", (), ("192.168.1.1",)),
        ("0.0.0.0", "255.255.255.0", (), ("0.0.0.7",)),
    ):
        gateway = searched(address, netmask)
        network = gateway.platform.network
        for sender in near:
            assert is_near(network, (sender, 5000)) and answer(gateway, SEARCH, (sender, 5000)), (address, sender)
        for sender in far:
            assert not is_near(network, (sender, 5000)), (address, sender)
            assert answer(gateway, SEARCH, (sender, 5000)) is None, (address, sender)
