"""The client against replies of the standard's books and of two independent implementations, byte by byte."""

from host_tests.lib.dlms.dlms_script import (
    AARE,
    AK,
    EK,
    GMAC_REPLIES,
    GMAC_SENT,
    REGISTER,
    Counter,
    associated,
    gmac_associated,
    raised,
    talk,
)
from lib.dlms import requests
from lib.dlms.access import Access
from lib.dlms.client import Client

BOOK_TITLE = bytes.fromhex("4D4D4D0000BC614E")
PROFILE = b"\x01\0\x63\x01\0\xff"
ALL = "6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F0400001E1DPPPP0007"


def reply_with(conformance, most_pdu=500):
    return AARE.replace("001A1D", "%06X" % conformance).replace("01F40007", "%04X0007" % most_pdu)


def test_openings_of_the_books():
    for access, size, expected in (
        (Access(conformance=0x7E1F), 0x4B0, "601DA109060760857405080101BE10040E01000000065F1F0400007E1F04B0"),
        (
            Access(mechanism=1, secret=b"12345678", conformance=0x7E1F),
            0x4B0,
            "6036A1090607608574050801018A0207808B0760857405080201AC0A80083132333435363738BE10040E01000000065F1F0400007E1F04B0",
        ),
        (
            Access(
                mechanism=1,
                secret=b"12345678",
                conformance=0x7E1F,
                title=BOOK_TITLE,
                ek=EK,
                ak=AK,
                ciphering="glo",
                dedicated=bytes.fromhex("00112233445566778899AABBCCDDEEFF"),
                next_counter=Counter(0x01234567),
            ),
            0x4B0,
            "6066A109060760857405080103A60A04084D4D4D0000BC614E8A0207808B0760857405080201AC0A80083132333435363738"
            "BE340432213030" + "01234567801302FF8A7874133D414CED25B42534D28DB0047720606B175BD52211BE6841DB204D39EE6FDB8E356855",
        ),
    ):
        client = Client(size)
        client.begin(access)
        assert bytes(client.apdu).hex().upper() == expected, expected


def test_gmac_opening():
    client, sent = gmac_associated()
    assert tuple(sent) == GMAC_SENT[:2]
    assert (client.conformance, client.peer_pdu) == (0x1A1D, 500)
    got = bytearray()
    client.get(3, REGISTER, 3, got.extend)
    assert talk(client, GMAC_REPLIES[2:]) == [GMAC_SENT[2]]
    assert client.is_done
    assert got == b"\x02\x02\x0f\x01\x16\x1e"


def test_get():
    client = associated()
    got = bytearray()
    client.get(3, REGISTER, 2, got.extend)
    assert talk(client, ["C401C1000600 01E240"]) == ["C001C100030100010800FF0200"]
    assert client.is_done
    assert got == b"\x06\0\x01\xe2\x40"


def test_selectors():
    client = associated()
    since, until = (bytes.fromhex("07E80501FF0%d000000000000" % hour) for hour in (1, 2))
    for selector, sent in (
        (
            requests.by_range(since, until),
            "C001C100070100630100FF020101020402041200080906" + "0000010000FF0F02120000"
            "090C07E80501FF01000000000000090C07E80501FF020000000000000100",
        ),
        (requests.by_entry(3, 6), "C001C100070100630100FF0201" + "02020406000000030600000006120001120000"),
    ):
        client.invoke_id = 1
        client.get(7, PROFILE, 2, None, selector)
        assert talk(client, ["C401C1000100"]) == [sent]
        assert client.is_done


def test_columns_of_a_range():
    column = 3, REGISTER, 2, 0
    selector = requests.by_range(bytes(12), bytes(12), requests.CLOCK, [column, column])
    assert selector.hex().endswith(
        "0102" + "0204120003090601000108" + "00ff0f02120000" + "0204120003090601000108" + "00ff0f02120000"
    )


def test_value_in_blocks():
    client = associated()
    got = bytearray()
    client.get(1, REGISTER, 2, got.extend)
    sent = talk(
        client,
        (
            "C402C100 00000001 00 03 090A61",
            "C402C100 00000002 00 8104 62636465",
            "C402C101 00000003 00 820005 666768696A",
        ),
    )
    assert sent[1:] == ["C002C100000001", "C002C100000002"]
    assert client.is_done
    assert got == b"\x09\x0aabcdefghij"


def test_list():
    client = associated()
    values = [bytearray() for _ in range(3)]
    client.get_list([(3, REGISTER, attribute) for attribute in (2, 3, 9)], [value.extend for value in values])
    sent = talk(client, ["C403C1 03 00 06 00000001 00 02020F00161E 01 04"])
    assert sent == ["C003C103" + "".join("00030100010800FF0%d00" % attribute for attribute in (2, 3, 9))]
    assert values == [b"\x06\0\0\0\x01", b"\x02\x02\x0f\0\x16\x1e", b""]
    assert client.results == [0, 0, 4]


def test_list_in_blocks_cut_anywhere():
    raw = "03" + "00" + "0600000001" + "010B" + "00" + "090461626364"
    for size in range(1, 8):
        client = associated()
        values = [bytearray() for _ in range(3)]
        client.get_list([(3, REGISTER, 2)] * 3, [value.extend for value in values])
        pieces = [raw[2 * at : 2 * (at + size)] for at in range(0, len(raw) // 2, size)]
        replies = []
        for number, piece in enumerate(pieces):
            replies.append("C402C1%02X%08X00%02X" % (number + 1 == len(pieces), number + 1, len(piece) // 2) + piece)
        talk(client, replies)
        assert client.is_done
        assert values == [b"\x06\0\0\0\x01", b"", b"\x09\x04abcd"]
        assert client.results == [0, 11, 0]


def test_long_lists_are_asked_in_parts():
    client = associated(reply_with(0x1A1D, 40))  # room for three
    client.get_list([(3, REGISTER, 2)] * 4, [None] * 4)
    sent = talk(client, ["C403C1 03 00 0F01 00 0F01 00 0F01", "C401C2 00 0F01"])
    assert [apdu[:8] for apdu in sent] == ["C003C103", "C001C200"]
    assert client.results == [0, 0, 0, 0]


def test_without_multiple_references_one_by_one():
    client = associated(reply_with(0x18))
    got = bytearray()
    client.get_list([(3, REGISTER, 2)] * 2, [got.extend, None])
    assert talk(client, ["C401C10011FF", "C401C20103"]) == ["C001C100030100010800FF0200", "C001C200030100010800FF0200"]
    assert client.results == [0, 3]
    client.set_list([(3, REGISTER, 2)] * 2, [b"\x0f\x01", b"\x0f\x02"])
    assert talk(client, ["C501C30C", "C501C400"])[1] == "C101C400030100010800FF02000F02"
    assert client.results == [12, 0]


def test_set():
    client = associated()
    client.set(3, REGISTER, 2, b"\x0f\x01")
    assert talk(client, ["C501C100"]) == ["C101C100030100010800FF02000F01"]
    assert client.is_done
    client.set_list([(3, REGISTER, 2), (3, REGISTER, 3)], [b"\x0f\x01", b"\x00"])
    sent = talk(client, ["C505C2020004"])
    assert sent == ["C104C202" + "00030100010800FF0200" + "00030100010800FF0300" + "02" + "0F01" + "00"]
    assert client.results == [0, 4]


def test_set_in_blocks():
    client = associated(reply_with(0x1A1D, 40))
    client.set(1, REGISTER, 2, b"\x09\x28" + bytes(range(40)))
    sent = talk(client, ["C502C100000001", "C503C10000000002"])
    assert client.is_done
    assert all(len(apdu) <= 80 for apdu in sent)
    # 19 octets in the first block, 29 in those behind
    assert sent[0] == "C102C1" + "00010100010800FF0200" + "0000000001" + "13" + "0928" + "".join("%02X" % n for n in range(17))
    assert sent[1] == "C103C1" + "0100000002" + "17" + "".join("%02X" % n for n in range(17, 40))


def test_action():
    client = associated()
    relay = b"\0\0\x60\x03\x0a\xff"
    client.action(70, relay, 1, b"\x0f\0")
    assert talk(client, ["C701C10000"]) == ["C301C10046000060030AFF01010F00"]
    assert client.is_done
    got = bytearray()
    client.action(70, relay, 2, None, got.extend)
    assert talk(client, ["C701C200 0100 0F05"]) == ["C301C20046000060030AFF0200"]
    assert got == b"\x0f\x05"
    client.action(70, relay, 2, None)
    assert raised(talk, client, ["C701C303 00"]) == ("PeerError", "read-write denied")
    client.action(70, relay, 2, None)
    assert raised(talk, client, ["C701C400 010102"]) == ("PeerError", "temporary failure")
    assert client.is_open


def test_action_in_blocks_both_ways():
    client = associated(reply_with(0x1E1D, 40))
    got = bytearray()
    client.action(9, REGISTER, 1, b"\x09\x1c" + bytes(28), got.extend)
    sent = talk(client, ["C704C100000001", "C702C100 00000001 02 0902", "C702C101 00000002 02 4142"])
    assert [apdu[:6] for apdu in sent] == ["C304C1", "C306C1", "C302C1"]
    assert sent[2] == "C302C100000001"
    assert client.is_done
    assert got == b"\x09\x02AB"


def test_what_was_not_agreed_is_not_asked():
    client = associated(reply_with(0x10))
    assert raised(client.set, 1, REGISTER, 2, b"\0") == ("PeerError", "the meter knows no SET")
    assert raised(client.action, 1, REGISTER, 2) == ("PeerError", "the meter knows no ACTION")
    client = associated(reply_with(0x19, 40))
    for function, reason in (
        (lambda: client.get(7, PROFILE, 2, None, requests.by_entry(1, 2)), "the meter knows no selective access"),
        (lambda: client.set(1, REGISTER, 2, bytes(100)), "the meter knows no blocks of SET"),
        (lambda: client.action(1, REGISTER, 2, bytes(100)), "the meter knows no blocks of ACTION"),
    ):
        assert raised(function) == ("PeerError", reason)
        assert client.is_open
    client.get(1, REGISTER, 2, None)
    assert raised(talk, client, ["C402C%d0000000001000100" % (client.invoke_id - 1)])[0] == "PeerError"


def test_titles_are_told_where_they_are_needed():
    for access, has_title in (
        (Access(mechanism=1, secret=b"1", title=BOOK_TITLE), False),
        (Access(mechanism=6, secret=b"1", title=BOOK_TITLE, random=bytes), True),
        (Access(mechanism=5, title=BOOK_TITLE, ek=EK, ak=AK, random=bytes), True),
    ):
        client = Client(100)
        client.begin(access)
        assert (BOOK_TITLE in bytes(client.apdu)) == has_title
    for wrong in ({"title": b"1"}, {"ek": b"1"}, {"ak": b""}):
        options = {"mechanism": 5, "title": BOOK_TITLE, "ek": EK, "ak": AK, "random": bytes}
        options.update(wrong)
        assert raised(Client(100).begin, Access(**options)) == ("ValueError", "length")


def test_release():
    client = associated()
    client.release()
    assert talk(client, ["6303800100"]) == ["6203800100"]
    assert client.is_done and not client.is_open
    client = gmac_associated()[0]
    client.release()
    assert bytes(client.apdu).hex().startswith("6228800100be230421211f3000000004")
    assert raised(talk, client, ["D80102"]) == ("PeerError", "service not allowed, service not supported")
    assert raised(client.get, 3, REGISTER, 2, None) == ("PeerError", "not associated")


def test_refusals():
    for aare, reason, code in (
        ("6117A109060760857405080101A203020101A305A10302010D", "authentication failure", 13),  # without user information
        ("6117A109060760857405080101A203020101A305A203020102", "no common version", 2),
        ("611FA109060760857405080101A203020101A305A103020101BE0604040E010602", "incompatible conformance", 2),
        ("0E010603", "PDU size too short", 3),
        ("D80101", "service not allowed, operation not possible", 1),
        (AARE.replace("0007", "FA00"), "short names only", None),
    ):
        client = Client(1024)
        client.begin(Access())
        try:
            talk(client, [aare])
            raise AssertionError(aare)
        except Exception as error:
            assert (error.reason, error.code) == (reason, code), (aare, error)
        assert not client.is_open


def test_openings_of_other_makers():
    aare = "A18109060760857405080101 DF0101 A305A103020100 A203020100 BE820011 04810E 080105 065F0400001A1D01F40007".replace(
        " ", ""
    )
    client = associated("6182%04X" % (len(aare) // 2) + aare)
    assert client.conformance == 0x1A1D


def test_exceptions():
    client = gmac_associated()[0]
    client.get(3, REGISTER, 3, None)
    assert raised(talk, client, ["D8020600000123"]) == ("PeerError", "service unknown, invocation counter error")
    assert client.wanted_counter == 0x123
    assert client.is_open
    client.get(3, REGISTER, 3, None)
    assert raised(talk, client, ["D80105"]) == ("PeerError", "service not allowed, deciphering error")
    assert not client.is_open


def test_sinks_get_small_pieces():
    client = associated()
    pieces = []
    client.get(1, REGISTER, 2, lambda view: pieces.append(len(view)))
    talk(client, ["C401C100 098203C0" + "55" * 0x3C0])
    assert sum(pieces) == 0x3C4
    assert max(pieces) == 128
