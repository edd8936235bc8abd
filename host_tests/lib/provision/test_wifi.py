"""What is asked about Wi-Fi: networks by pages, the network to join and its state, starting over. Security 0 shows it plain."""

from host_tests.lib.provision.exchange import Wifi, ask, load, run
from lib.provision.errors import INTERNAL_ERROR, INVALID_ARGUMENT, SUCCESS
from lib.provision.protobuf import data, decode, inner, member, number, scalar
from lib.provision.provisioner import Provisioner
from lib.provision.wifi import AUTH_ERROR, CONNECTED, CONNECTING, FAILED, NETWORK_NOT_FOUND

START = bytes.fromhex("520408012078")  # blocking, as phones do
STATUS = bytes.fromhex("08026200")
APPLY = bytes.fromhex("08047200")
GET = bytes.fromhex("5200")
JOIN = bytes.fromhex("080262050a036c6162")  # "lab", no passphrase
TOO_LONG = bytes.fromhex("0802622d0a21") + b"x" * 33 + bytes.fromhex("12083132333435363738")
REFUSED_STATE = "08015a0410035000"
HOME = (b"HomeNet", 6, -41, b"\xa0\xb1\xc2\xd3\xe4\xf5", 3)


def device_with(wifi):
    return Provisioner(0, None, wifi, None, insecure=True)


def networks(count, ssid=b"net"):
    """`count` networks, not in any order."""
    return [
        (ssid + str(each).encode(), 1 + each % 13, -30 - each * 7 % 61, bytes([each] * 6), each % 8) for each in range(count)
    ]


def result(first, count):
    return member(1, 4) + member(14, scalar(1, first) + scalar(2, count))


def answer(device, endpoint, request):
    """The answer in hex, "" if the request was refused."""
    told = ask(device, endpoint, request)
    return told.hex() if told else ""


def page_of(told):
    """(status, [(ssid, channel, rssi, bssid, auth)]) of a page of results; written for this test alone."""
    fields = decode(told)
    assert number(fields, 1) == 5
    left = bytes(data(fields, 15))
    entries = []
    while left:
        assert left[0] == 0x0A and left[1] < 0x80
        entry = decode(left[2 : 2 + left[1]])
        left = left[2 + left[1] :]
        entries.append(
            (bytes(data(entry, 1)), number(entry, 2), number(entry, 3) - 2**32, bytes(data(entry, 4)), number(entry, 5))
        )
    return number(fields, 2), entries


def all_of(device, count):
    found = []
    for first in range(0, count, 4):
        status, entries = page_of(ask(device, "prov-scan", result(first, min(4, count - first))))
        assert status == SUCCESS and len(entries) == min(4, count - first)
        found += entries
    return found


def test_every_message_has_its_answer():
    """Commands of the recorded messages are answered with a recorded message; answers are no commands."""
    rows = load("messages")
    known = [row["hex"] for row in rows]
    commands = 0
    for row in rows:
        wifi = Wifi([HOME])
        wifi.statuses.update({"reset": SUCCESS, "reprovision": SUCCESS})
        device = device_with(wifi)
        if "scan result" in row["meaning"]:
            assert answer(device, "prov-scan", START)
        told = answer(device, row["endpoint"], bytes.fromhex(row["hex"]))
        if "command" in row["meaning"] or "scan start as" in row["meaning"]:
            commands += 1
            if "scan result" in row["meaning"]:
                assert told.startswith("08051005"), row  # one network only: the page ends early
            elif "scan status" in row["meaning"]:
                assert told == "08036a020801"  # nothing was looked for
            else:
                assert told in known, row
        else:
            assert not told, row
    assert commands == 11, commands


def test_a_blocking_scan():
    wifi = Wifi([HOME])
    device = device_with(wifi)
    told, turns = run(device.handle("prov-scan", START))
    assert told.hex() == "08015a00" and turns == 3
    assert answer(device, "prov-scan", STATUS) == "08036a0408011001"
    assert answer(device, "prov-scan", bytes.fromhex("0802")) == "08036a0408011001"
    expected = "08057a220a200a07486f6d654e6574100618d7ffffffffffffffff012206a0b1c2d3e4f52803"
    assert answer(device, "prov-scan", result(0, 1)) == expected
    assert wifi.calls == [("scan", False)]


def test_a_scan_that_does_not_block():
    device = device_with(Wifi([HOME]))
    for request in ("5200", "52021005", "520410002078", "5206080018052078"):
        told, turns = run(device.handle("prov-scan", bytes.fromhex(request)))
        assert (told.hex(), turns) == ("08015a00", 0)
        assert answer(device, "prov-scan", STATUS) == "08036a00"  # not finished
        assert page_of(ask(device, "prov-scan", result(0, 1))) == (INTERNAL_ERROR, [])
        assert answer(device, "prov-scan", STATUS) == "08036a0408011001"


def test_how_to_scan():
    wifi = Wifi()
    device = device_with(wifi)
    for content in ("", "1000", "1001", "0801100118052078", "10ffffffffffffffffff01"):
        ask(device, "prov-scan", member(10, bytes.fromhex(content)))
    assert wifi.calls == [("scan", False), ("scan", False), ("scan", True), ("scan", True), ("scan", True)]


def test_no_scan():
    wifi = Wifi([HOME])
    wifi.statuses["scan"] = False
    device = device_with(wifi)
    assert answer(device, "prov-scan", STATUS) == "08036a020801"  # none before the first one
    assert answer(device, "prov-scan", START) == "080110055a00"
    assert answer(device, "prov-scan", STATUS) == "08036a020801"


def test_a_scan_before_the_client_asked():
    wifi = Wifi([HOME])
    wifi.left = 0
    device = device_with(wifi)
    assert answer(device, "prov-scan", STATUS) == "08036a0408011001"
    assert page_of(ask(device, "prov-scan", result(0, 1)))[1] == [HOME]


def test_the_strongest_first():
    for count in range(1, 25):
        wifi = Wifi(networks(count))
        device = device_with(wifi)
        ask(device, "prov-scan", START)
        kept = min(count, 16)
        assert answer(device, "prov-scan", STATUS) == "08036a040801" + scalar(2, kept).hex()
        found = all_of(device, kept)
        strengths = sorted([network[2] for network in wifi.found])[::-1]
        assert [network[2] for network in found] == strengths[:kept]
        assert all([network in wifi.found for network in found]) and len(set(found)) == kept


def test_the_list_stays_until_the_next_scan():
    wifi = Wifi(networks(6))
    device = device_with(wifi)
    ask(device, "prov-scan", START)
    before = all_of(device, 6)
    wifi.found = networks(3, b"new")
    assert all_of(device, 6) == before
    assert answer(device, "prov-scan", STATUS) == "08036a0408011006"
    ask(device, "prov-scan", START)
    assert answer(device, "prov-scan", STATUS) == "08036a0408011003"
    assert all_of(device, 3) != before[:3]
    wifi.found = ()
    assert len(all_of(device, 3)) == 3
    device.disconnected()
    assert answer(device, "prov-scan", STATUS) == "08036a020801"


def test_what_is_left_out():
    """Names that nobody can choose; the same name twice is not: that is how the stock firmware does it."""
    odd = [(b"", 1, -20, bytes(6), 3), (b"y" * 33, 1, -20, bytes(6), 3)]
    twice = [(b"mesh", 1, -50, b"\1" * 6, 3), (b"mesh", 6, -40, b"\2" * 6, 3)]
    device = device_with(Wifi(odd + twice))
    ask(device, "prov-scan", START)
    assert all_of(device, 2) == twice[::-1]


def test_authentications_the_phones_know():
    for auth, told in enumerate((0, 1, 2, 3, 4, 5, 6, 7, 3, 0, 5, 6, 6, 3, 5, 5, 5, 3, 3)):
        wifi = Wifi([HOME[:4] + (auth,)], ((CONNECTED, ("10.0.0.1", auth, b"HomeNet", bytes(6), 1)),))
        device = device_with(wifi)
        ask(device, "prov-scan", START)
        assert page_of(ask(device, "prov-scan", result(0, 1)))[1][0][4] == told, auth
        state = inner(decode(ask(device, "prov-config", GET)), 11)
        assert number(inner(state, 11), 2) == told, auth


def test_pages_at_the_edge():
    longest = [(b"%032d" % each, 13, -127, b"\xff" * 6, 7) for each in range(16)]
    device = device_with(Wifi(longest))
    ask(device, "prov-scan", START)
    for first in range(16):
        for count in range(17):
            told = ask(device, "prov-scan", result(first, count))
            if first + count > 16:
                assert told is None
                continue
            status, entries = page_of(told)
            assert status == SUCCESS and len(entries) == min(count, 4) and len(told) < 260
    for first, count in ((16, 0), (16, 1), (0, 17), (0xFFFFFFFF, 1), (1, 0xFFFFFFFF), (0x80000000, 0x80000000)):
        assert ask(device, "prov-scan", result(first, count)) is None
    assert answer(device, "prov-scan", result(0, 0)) == "08057a00"


def test_pages_over_the_end():
    device = device_with(Wifi(networks(3)))
    ask(device, "prov-scan", START)
    for first, count, left in ((0, 3, 3), (0, 4, 3), (2, 2, 1), (3, 1, 0), (8, 4, 0)):
        status, entries = page_of(ask(device, "prov-scan", result(first, count)))
        assert len(entries) == left and status == (SUCCESS if left == count else INTERNAL_ERROR)


def test_credentials():
    long_name, long_word = b"n" * 32, b"p" * 63
    for content, call in (
        (member(1, b"lab"), (b"lab", b"", b"", 0)),
        (member(1, b"lab") + member(2, b"12345678"), (b"lab", b"12345678", b"", 0)),
        (
            member(4, 11) + member(3, bytes(6)) + member(2, long_word) + member(1, long_name),
            (long_name, long_word, bytes(6), 11),
        ),
        (member(1, b"\xc3\xbc\0\xff"), (b"\xc3\xbc\0\xff", b"", b"", 0)),
        (b"", (b"", b"", b"", 0)),
    ):
        wifi = Wifi()
        assert answer(device_with(wifi), "prov-config", member(1, 2) + member(12, content)) == "08036a00"
        assert wifi.calls == [("set",) + call]


def test_credentials_that_are_too_long():
    for content in (
        member(1, b"n" * 33),
        member(1, b"n") + member(2, b"p" * 64),
        member(1, b"n") + member(3, bytes(5)),
        member(1, b"n") + member(3, bytes(7)),
        member(1, b"n" * 400),
    ):
        wifi = Wifi()
        assert answer(device_with(wifi), "prov-config", member(1, 2) + member(12, content)) == "08036a020804"
        assert not wifi.calls


def test_a_refused_configuration_is_never_applied():
    wifi = Wifi()
    device = device_with(wifi)
    assert answer(device, "prov-config", JOIN) == "08036a00"
    assert answer(device, "prov-config", TOO_LONG) == "08036a020804"
    assert answer(device, "prov-config", GET) == REFUSED_STATE
    assert answer(device, "prov-config", APPLY) == "08057a020805"  # not the one before
    assert answer(device, "prov-config", GET) == REFUSED_STATE
    assert answer(device, "prov-config", JOIN) == "08036a00"
    assert answer(device, "prov-config", GET) == "08015a021001"
    assert answer(device, "prov-config", APPLY) == "08057a00"
    assert answer(device, "prov-config", GET) == "08015a021001"
    assert wifi.calls == [("set", b"lab", b"", b"", 0)] * 2 + [("apply",)]


def test_what_the_product_refuses():
    wifi = Wifi()
    device = device_with(wifi)
    for status in (INVALID_ARGUMENT, INTERNAL_ERROR):
        wifi.statuses["set"] = status
        assert answer(device, "prov-config", JOIN) == "08036a02080" + str(status)
        assert answer(device, "prov-config", GET) == REFUSED_STATE
    wifi.statuses = {"apply": INTERNAL_ERROR}
    device.disconnected()
    assert answer(device, "prov-config", APPLY) == "08057a020805"  # nothing is set
    assert answer(device, "prov-config", GET) == REFUSED_STATE
    assert answer(device, "prov-config", JOIN) == "08036a00"
    assert answer(device, "prov-config", GET) == "08015a021001"
    assert answer(device, "prov-config", APPLY) == "08057a020805"
    assert answer(device, "prov-config", GET) == REFUSED_STATE
    wifi.statuses = {}
    assert answer(device, "prov-config", APPLY) == "08057a00"
    assert answer(device, "prov-config", GET) == "08015a021001"


def test_an_attempt_goes_on_when_it_is_asked_for_twice():
    wifi = Wifi()
    device = device_with(wifi)
    ask(device, "prov-config", JOIN)
    assert answer(device, "prov-config", APPLY) == "08057a00"
    wifi.statuses["apply"] = INTERNAL_ERROR
    assert answer(device, "prov-config", bytes.fromhex("0804")) == "08057a020805"
    assert answer(device, "prov-config", GET) == "08015a021001"


def test_states():
    there = ("192.168.1.57", 3, b"HomeNet", b"\xa0\xb1\xc2\xd3\xe4\xf5", 6)
    for state, expected in (
        ((CONNECTING, None), "08015a021001"),
        ((CONNECTING, 2), "08015a06100162020802"),
        ((CONNECTING, 0), "08015a0410016200"),
        ((FAILED, AUTH_ERROR), "08015a0410035000"),
        ((FAILED, NETWORK_NOT_FOUND), "08015a0410035001"),
        ((CONNECTED, there), "08015a255a230a0c3139322e3136382e312e353710031a07486f6d654e65742206a0b1c2d3e4f52806"),
        ((CONNECTED, ("", 0, b"", b"", 0)), "08015a025a00"),
    ):
        for request in (GET, bytes.fromhex("0800"), bytes.fromhex("08005200")):
            assert answer(device_with(Wifi(states=(state,))), "prov-config", request) == expected


def test_starting_over():
    for request, good, bad, call in (
        ("0801", "08026200", "080210056200", "reset"),
        ("08015a00", "08026200", "080210056200", "reset"),
        ("0803", "08047200", "080410057200", "reprovision"),
        ("08036a00", "08047200", "080410057200", "reprovision"),
    ):
        wifi = Wifi()
        device = device_with(wifi)
        ask(device, "prov-config", TOO_LONG)
        assert answer(device, "prov-ctrl", bytes.fromhex(request)) == bad
        assert answer(device, "prov-config", GET) == REFUSED_STATE
        wifi.statuses[call] = SUCCESS
        assert answer(device, "prov-ctrl", bytes.fromhex(request)) == good
        assert answer(device, "prov-config", GET) == "08015a021001"
        assert wifi.calls == [(call,)] * 2


def test_commands_without_what_they_need():
    device = device_with(Wifi())
    for endpoint, text in (
        ("prov-scan", "0800"),  # scan start
        ("prov-scan", "18005a00"),
        ("prov-scan", "0804"),  # scan result
        ("prov-scan", "08046200"),
        ("prov-scan", "520108"),  # broken within
        ("prov-scan", "08047201ff"),
        ("prov-scan", "08047202 0a00"),  # bytes for a number
        ("prov-config", "0802"),
        ("prov-config", "08026a00"),
        ("prov-config", "0802 6202 0801"),  # a number for bytes
        ("prov-config", "0802 6204 0a0161 0a"),
        ("prov-config", "0802 6003"),
        ("prov-config", "0a00"),  # bytes for the command
        ("prov-ctrl", "0800"),
        ("prov-ctrl", "5a00"),
    ):
        assert answer(device, endpoint, bytes.fromhex(text.replace(" ", ""))) == "", text


def test_commands_that_are_none_of_ours():
    """Answers sent as requests, and those of the Thread flow: config and scan 6 to 11, control 5 to 8, fields 15 to 21."""
    wifi = Wifi()
    device = device_with(wifi)
    for endpoint, known in (("prov-scan", (0, 2, 4)), ("prov-config", (0, 2, 4)), ("prov-ctrl", (1, 3))):
        for command in list(range(40)) + [0xFFFFFFFF, 2**31]:
            if command not in known:
                for content in [b""] + [member(field, b"") for field in range(10, 22)]:
                    assert ask(device, endpoint, member(1, command) + content) is None
    assert not wifi.calls


def test_the_wrong_endpoint():
    """One endpoint's messages on another are read as its own, or refused, and always answered with its own."""
    for row in load("messages"):
        for endpoint in ("prov-scan", "prov-config", "prov-ctrl", "prov-session"):
            ask(device_with(Wifi([HOME])), endpoint, bytes.fromhex(row["hex"]))
