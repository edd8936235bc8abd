"""The slave's side: which requests it takes, refuses or overhears, and what it writes."""

from lib.modbus import other_replies as replies
from lib.modbus import other_requests as make_other
from lib.modbus import request as make
from lib.modbus import server
from lib.modbus.errors import LocalError, PeerError
from lib.modbus.reply import ReplyReader
from modbus_oracle import noise, rtu

REQUESTS = (
    # request                                            what decode() makes of it
    (make_other.read_coils(34, 0x13, 19), (1, 0x13, 19, None)),
    (make_other.read_discrete_inputs(34, 0xC4, 22), (2, 0xC4, 22, None)),
    (make.read_holding_registers(34, 0x6B, 125), (3, 0x6B, 125, None)),
    (make.read_input_registers(34, 65535, 1), (4, 65535, 1, None)),
    (make_other.write_coil(34, 0xAC, True), (5, 0xAC, 1, "ff00")),
    (make_other.write_coil(34, 0xAC, False), (5, 0xAC, 1, "0000")),
    (make.write_register(34, 15, 1), (6, 15, 1, "0001")),
    (make_other.write_coils(34, 0x13, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0)), (15, 0x13, 10, "cd01")),
    (make_other.write_registers(34, 1, (10, 0x102)), (16, 1, 2, "000a0102")),
    (make_other.read_write_registers(34, 3, 6, 14, (255, 255, 255)), (23, 3, 6, "00ff00ff00ff")),
    (make.write_register(0, 15, 1), (6, 15, 1, "0001")),
)

REFUSED = (
    ("07", 1),
    ("41", 1),
    ("03", 3),
    ("030000000100", 3),
    ("0300000000", 3),
    ("030000007E", 3),
    ("01000007D1", 3),
    ("04FFFF0002", 2),
    ("05000000FF", 3),
    ("05000001", 3),
    ("060000000100", 3),
    ("0F0000000A01CD", 3),
    ("0F0000000A02CD", 3),
    ("0F000007B1F6" + "00" * 247, 3),
    ("100000000204000A01", 3),
    ("100000000203000A01", 3),
    ("100000000203000A0102", 3),
    ("0F0000000A03CD01", 3),
    ("10FFFF000204000A0102", 2),
    ("100000000000", 3),
    ("10000100", 3),
    ("170003000600", 3),
    ("17000300060000000102000100", 3),
    ("170003000600000002020001", 3),
    ("1700030006FFFF00020400010002", 2),
    ("170003000000000001020001", 3),
    ("17000300060000000000", 3),
)

READ = rtu("220400010002")
FOREIGN = (
    ("silence", ""),
    ("to another unit", rtu("2104006B0002").hex()),
    ("its answer", rtu("210404FE005622").hex()),
    ("an exception of another", rtu("218402").hex()),
    ("ours, cut", READ[:-1].hex()),
    ("ours, damaged", READ[:-1].hex() + "ee"),
    ("noise with our unit id", "220022220422ff2200"),
)


def feed(reader, wire, step):
    """Give the reader `wire` in lumps of `step`; return the PDU as soon as there is one."""
    for start in range(0, len(wire), step):
        lump = wire[start : start + step]
        while lump:
            room = reader.room()
            size = min(len(room), len(lump))
            assert 0 < size <= 256
            room[:size] = lump[:size]
            reader.filled(size)
            lump = lump[size:]
            pdu = reader.pdu()
            if pdu is not None:
                return pdu
    return None


def test_requests():
    reader = server.RequestReader(34)
    for request, expected in REQUESTS:
        for step in (256, 1, 3):
            reader.restart()
            pdu = feed(reader, request.adu, step)
            assert reader.silence() is pdu
            function, address, count, values = server.decode(pdu)
            assert (function, address, count, values and bytes(values).hex()) == expected, (expected, step)
            assert reader.broadcast == (request.unit == 0)
    assert server.write_range(REQUESTS[-2][0].adu[1:]) == (14, 3)
    assert reader.damaged == 0


def test_refused():
    for pdu, code in REFUSED:
        try:
            server.decode(bytes.fromhex(pdu))
            raise AssertionError((pdu, "taken"))
        except PeerError as error:
            assert error.code == code, (pdu, error.code)


def test_what_is_not_for_us_is_passed_over():
    reader = server.RequestReader(34)
    for what, wire in FOREIGN:
        wire = bytes.fromhex(wire)
        for step in (256, 1, 3):
            # with a silence behind it, and without
            assert feed(reader, wire, step) is None and reader.silence() is None, what
            assert bytes(feed(reader, READ, step)) == READ[1:-2], what
            reader.restart()
            pdu = feed(reader, wire + READ, step)
            assert bytes(pdu or reader.silence()) == READ[1:-2], what
            reader.restart()
    assert reader.damaged == 9  # the last three, three times


def test_request_behind_much_traffic():
    """A slave that is never told of a silence finds its request behind any amount of others' frames."""
    reader = server.RequestReader(34)
    pool = noise(4000, seed=9)
    for run in range(40):
        traffic = bytearray()
        while len(traffic) < run * 30:
            traffic += rtu("2104006B0002") + rtu("2104FA" + bytes(pool[run : run + 250]).hex())
            traffic += bytes(pool[run * 90 : run * 90 + 9])
        pdu = feed(reader, traffic + READ, (256, 1, 3, 120)[run & 3])
        assert bytes(pdu or reader.silence()) == READ[1:-2], run
        reader.restart()


def test_functions_without_a_known_length_end_by_silence():
    reader = server.RequestReader(34)
    for body in ("222B0E0100", "2241", "2241" + "22" * 251):
        assert feed(reader, rtu(body), 3) is None
        assert bytes(reader.silence()).hex() == body[2:].lower()
        reader.restart()
    longest = rtu("2241" + "22" * 252)
    assert bytes(feed(reader, longest, 3)) == longest[1:-2]


def test_replies_reach_the_master():
    """Each reply written here is the reply that the other side of the codec reads."""
    adu = memoryview(bytearray(256))
    pdu = adu[1:]
    reader = ReplyReader()
    for request, encode, expected in (
        (make_other.read_coils(34, 0, 10), lambda: replies.encode_bits(pdu, 1, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0)), "0102cd01"),
        (make.read_holding_registers(34, 0, 2), lambda: replies.encode_registers(pdu, 3, (1, 0xFFFE)), "03040001fffe"),
        (make.read_input_registers(34, 0, 1), lambda: replies.encode_registers(pdu, 4, (-2,)), "0402fffe"),
        (make_other.write_coil(34, 1, True), None, "050001ff00"),
        (make.write_register(34, 1, 2), None, "0600010002"),
        (make_other.write_coils(34, 1, [1] * 9), None, "0f00010009"),
        (make_other.write_registers(34, 1, [1] * 9), None, "1000010009"),
        (make_other.read_write_registers(34, 0, 1, 5, (1,)), lambda: replies.encode_registers(pdu, 23, (7,)), "17020007"),
        (
            make.read_holding_registers(34, 0, 125),
            lambda: replies.encode_registers(pdu, 3, [0] * 125),
            "03fa" + "00" * 250,
        ),
    ):
        length = encode() if encode else server.encode_written(pdu, memoryview(request.adu)[1:-2])
        end = server.close_adu(adu, 34, length)
        reader.restart(request)
        reader.room()[:end] = adu[:end]
        reader.filled(end)
        assert bytes(reader.pdu()).hex() == expected, expected
        assert reader.trailing == 0
    end = server.close_adu(adu, 34, server.encode_exception(pdu, 3, 2))
    assert adu[:end] == rtu("228302")


def test_reply_longer_than_a_pdu():
    for encode in (
        lambda: replies.encode_registers(bytearray(300), 3, [0] * 126),
        lambda: replies.encode_bits(bytearray(300), 1, [0] * 2009),
    ):
        try:
            encode()
            raise AssertionError("no error")
        except LocalError:
            pass
