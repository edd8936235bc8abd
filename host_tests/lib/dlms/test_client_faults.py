"""The client against replies that are cut, damaged, late, endless or of somebody else: clear errors, and no value believed."""

from host_tests.lib.dlms.dlms_script import (
    AARE,
    GMAC_REPLIES,
    REGISTER,
    associated,
    gmac_access,
    gmac_associated,
    raised,
    talk,
)
from lib.dlms.access import Access
from lib.dlms.client import Client

ERRORS = ("PeerError", "FormatError", "CipherError")


def opening(replies):
    """Return the error of an opening with GMAC, whose client is closed then, or None."""
    client = Client(512)
    client.begin(gmac_access())
    error = raised(talk, client, replies)
    assert client.is_open == (error is None and client.is_done)
    return error


def get(client, reply):
    got = bytearray()
    client.get(3, REGISTER, 3, got.extend)
    error = raised(talk, client, [reply])
    return error, got


def test_every_truncated_opening():
    for size in range(0, len(AARE), 2):
        client = Client(512)
        client.begin(Access())
        assert raised(talk, client, [AARE[:size]])[0] == "FormatError", size
        assert not client.is_open
    for at, reply in enumerate(GMAC_REPLIES[:2]):
        for size in range(0, len(reply), 2):
            replies = list(GMAC_REPLIES[:at]) + [reply[:size]]
            assert opening(replies)[0] in ("FormatError", "CipherError"), (at, size)


def flipped(wire, bits):
    for bit in range(min(bits, 4 * len(wire))):
        damaged = bytearray.fromhex(wire)
        damaged[bit >> 3] ^= 0x80 >> (bit & 7)
        yield bit, damaged.hex()


def test_each_bit_flipped_of_an_opening():
    for bit, damaged in flipped(GMAC_REPLIES[0], 64):
        error = opening([damaged, GMAC_REPLIES[1]])
        assert error is None or error[0] in ERRORS, (bit, error)
    # Whatever is flipped in what is ciphered, the meter is not believed
    for bit, damaged in flipped(GMAC_REPLIES[1], 1000):
        assert opening([GMAC_REPLIES[0], damaged])[0] in ERRORS, bit
    start = 8 * (len(GMAC_REPLIES[0]) // 2 - 33)
    for bit, damaged in flipped(GMAC_REPLIES[0], 2000):
        if bit >= start:
            assert opening([damaged, GMAC_REPLIES[1]])[0] in ERRORS, bit


def test_each_bit_flipped_and_every_cut_of_a_ciphered_reply():
    client = gmac_associated()[0]
    keys = client._keys
    replies = [damaged for _, damaged in flipped(GMAC_REPLIES[2], 1000)]
    replies += [GMAC_REPLIES[2][:size] for size in range(0, len(GMAC_REPLIES[2]), 2)]
    for damaged in replies:
        client.is_open, client.invoke_id = True, 1
        error, got = get(client, damaged)
        assert error[0] in ("FormatError", "CipherError"), damaged
        assert not got and not client.is_open
    client.is_open, client.invoke_id = True, 1
    assert keys is client._keys
    error, got = get(client, GMAC_REPLIES[2])  # and the true one is still taken
    assert error is None and got == b"\x02\x02\x0f\x01\x16\x1e"


def test_each_bit_flipped_and_every_cut_of_a_plain_reply():
    for whole in ("C401C1000906414243444546", "C401C10104", "C402C1010000000100040902 4142".replace(" ", "")):
        for bit, damaged in flipped(whole, 64):
            error, _ = get(associated(), damaged)
            assert error is None or error[0] in ERRORS, (bit, error)
        for size in range(0, len(whole), 2):
            assert get(associated(), whole[:size])[0][0] == "FormatError", (whole, size)


def test_replays():
    client = gmac_associated()[0]
    assert get(client, GMAC_REPLIES[2])[0] is None
    client.invoke_id = 1
    error, got = get(client, GMAC_REPLIES[2])
    assert error == ("CipherError", "counter used before")
    assert not got and not client.is_open


def test_a_meter_that_remembers():
    access = gmac_access()
    client = Client(512)
    client.begin(access)
    talk(client, GMAC_REPLIES[:2])
    assert access.peer_counter == 0x67
    client.begin(access)  # the same opening once more, recorded by somebody
    assert raised(talk, client, GMAC_REPLIES[:2]) == ("CipherError", "counter used before")


def test_in_clear_in_a_ciphered_association():
    client = gmac_associated()[0]
    error, got = get(client, "C401C10002020F01161E")
    assert error == ("CipherError", "not ciphered")
    assert not got and not client.is_open
    assert opening([AARE])[0] == "CipherError"


def test_general_form_and_whose_it_is():
    body = GMAC_REPLIES[2][2:]
    for title, error in (
        ("084D4D4D0000000001", None),
        ("00", None),
        ("084D4D4D0000000002", ("CipherError", "another title")),
        ("074D4D4D00000000", ("CipherError", "another title")),
    ):
        client = gmac_associated()[0]
        assert get(client, "DB" + title + body)[0] == error, title
        assert client.is_open == (error is None)


def test_another_context_or_title_than_the_meters():
    client = Client(512)
    client.begin(Access())
    assert raised(talk, client, [AARE.replace("05080101", "05080103")]) == ("CipherError", "another context")
    ours = GMAC_REPLIES[0].replace("4D4D4D0000000001", "434C490000000002")
    assert opening([ours]) == ("CipherError", "our own title")


def test_what_a_meter_must_prove():
    for mechanism, aare, reply, error in (
        (3, AARE, None, ("CipherError", "no challenge")),
        (3, "AA06800441424344", None, ("CipherError", "no challenge")),
        (3, "AA0C800A" + "41" * 10, "C701C10001000900", ("CipherError", "the meter does not know the secret")),
        (3, "AA0C800A" + "41" * 10, "C701C10001000910" + "00" * 16, ("CipherError", "the meter does not know the secret")),
        (3, "AA0C800A" + "41" * 10, "C701C10000", ("CipherError", "the meter does not know the secret")),
        (3, "AA0C800A" + "41" * 10, "C701C10300", ("PeerError", "authentication failure")),
        (3, "AA128010" + "55" * 16, None, ("CipherError", "no challenge")),  # our own, to be answered by us
    ):
        client = Client(512)
        client.begin(Access(mechanism=mechanism, secret=b"secret", random=lambda size: b"\x55" * size))
        if not aare.startswith("61"):
            aare = "61%02X" % (len(AARE) // 2 - 2 + len(aare) // 2) + AARE[4:] + aare
        assert raised(talk, client, [aare] + ([reply] if reply else [])) == error, error
        assert not client.is_open


def test_response_to_another_request():
    assert get(associated(), "C401C2000F01")[0] == ("FormatError", "response to another request")
    assert get(associated(), "C501C100")[0] == ("FormatError", "no response")
    client = associated()
    first, second = get(client, "C401C1000F01"), get(client, "C401C1000F01")  # the first once more
    assert first == (None, b"\x0f\x01")
    assert second == (("FormatError", "response to another request"), b"")


def test_blocks():
    first = "C402C1000000000100020906"
    for replies, reason in (
        (["C402C1000000000200020906"], "block number"),
        ([first, first], "block number"),
        ([first, "C402C10000000003000441424344"], "block number"),
        ([first, "C402C1000000000200"], "no block"),
        ([first, "C402C100000000020000"], "endless"),
        ([first, "C402C10100000002000441424344"], "truncated"),
        ([first, "C402C10100000002000641424344454600"], "trailing octets"),
        ([first, "C402C10100000002000741424344454647"], "trailing octets"),
        ([first, "C402C10100000002008401000000"], "truncated"),
        ([first, "C401C1000F01"], "no block"),
        ([first, "C402C101000000020113"], "data block number invalid"),
        ([first, "C401C1010F"], "long get aborted"),
    ):
        client = associated()
        client.get(1, REGISTER, 2, None)
        assert raised(talk, client, replies)[1] == reason, replies
        assert not client.is_done


def test_endless_blocks():
    client = associated()
    client.most_value = 2000
    client.get(7, REGISTER, 2, None)
    assert not client.take(memoryview(bytes.fromhex("C402C1000000000100" + "04" + "0182FFFF")))
    number = 1
    try:
        while number < 100:
            number += 1
            client.take(memoryview(bytes.fromhex("C402C100%08X00" % number + "40" + "00" * 64)))
    except Exception as error:
        assert error.reason == "endless"
    assert number == 33  # 2000 octets of nothing


def test_lists_that_lie():
    for reply in (
        "C403C1010F0F01",
        "C403C102000F01",
        "C403C102000F01020F01",
        "C403C102000F01000F0200",
        "C403C103000F01000F02000F03",
        "C403C1820002000F01000F",
    ):
        client = associated()
        client.get_list([(3, REGISTER, 2)] * 2, [None] * 2)
        assert raised(talk, client, [reply])[0] == "FormatError", reply
    for reply in ("C505C1010000", "C505C10200", "C505C1020000FF", "C501C100"):
        client = associated()
        client.set_list([(3, REGISTER, 2)] * 2, [b"\x0f\1"] * 2)
        assert raised(talk, client, [reply])[0] == "FormatError", reply


def test_data_that_lie():
    for data in ("0281" + "FF" * 4, "0101" * 9 + "00", "07", "22", "0985FFFFFFFFFF", "1301", "130213", "0201"):
        assert get(associated(), "C401C100" + data)[0][0] == "FormatError", data


def test_service_errors():
    assert get(associated(), "0E050502")[0] == ("PeerError", "object access violated")
    client = gmac_associated()[0]
    assert get(client, "D80206FFFFFFFF")[0][0] == "PeerError"
    assert client.wanted_counter == 0xFFFFFFFF


def test_a_device_without_md5():
    import hashlib

    from lib.dlms import hls

    class Lacking:
        sha256 = hashlib.sha256

    true, hls.hashlib = hls.hashlib, Lacking
    try:
        assert raised(hls.answer, 3, b"secret", b"", b"", b"challenge", b"") == ("DlmsError", "this device has no md5")
        assert len(hls.answer(6, b"secret", b"", b"", b"challenge", b"")) == 32
    finally:
        hls.hashlib = true
