"""What we send: frames of the sources, limits of the standard, who answers for whom."""

from lib.modbus import other_requests as make_other
from lib.modbus import request as make
from lib.modbus.errors import LocalError
from lib.modbus.reply import ReplyReader
from modbus_oracle import rtu

# From the meters' sheet with their CRC, and the examples of the standard (Application Protocol V1.1b3), here of unit 17.
REQUESTS = (
    # what                        request                                              frame               reply's size
    ("read U1", make.read_input_registers(33, 107, 2), "2104006B00020777", 9),
    ("identity", make.read_input_registers(33, 1, 14), "21040001000E276E", 33),
    ("read 100..190", make.read_input_registers(33, 100, 91), "21040064005BF74E", 187),
    ("read 40101..40140", make.read_holding_registers(33, 101, 40), "21030065002852AB", 85),
    ("Bicom, state", make.read_input_registers(5, 101, 1), "0504006500012051", 7),
    ("Bicom, on", make.write_register(5, 141, 1), "0506008D0001D9A5", 8),
    ("Bicom, off", make.write_register(5, 141, 0), "0506008D00001865", 8),
    ("Bicom on infrared, on", make.write_register(33, 15, 1), "2106000F00017F69", 8),
    ("6.1", make_other.read_coils(17, 0x13, 19), rtu("110100130013").hex(), 8),
    ("6.2", make_other.read_discrete_inputs(17, 0xC4, 22), rtu("110200C40016").hex(), 8),
    ("6.3", make.read_holding_registers(17, 0x6B, 3), "1103006B00037687", 11),
    ("6.4", make.read_input_registers(17, 8, 1), rtu("110400080001").hex(), 7),
    ("6.5", make_other.write_coil(17, 0xAC, True), rtu("110500ACFF00").hex(), 8),
    ("6.5, off", make_other.write_coil(17, 0xAC, False), rtu("110500AC0000").hex(), 8),
    ("6.6", make.write_register(17, 1, 3), rtu("110600010003").hex(), 8),
    (
        "6.11",
        make_other.write_coils(17, 0x13, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0)),
        rtu("110F0013000A02CD01").hex(),
        8,
    ),
    ("6.12", make_other.write_registers(17, 1, (10, 0x102)), rtu("11100001000204000A0102").hex(), 8),
    (
        "6.17",
        make_other.read_write_registers(17, 3, 6, 14, (255, 255, 255)),
        rtu("111700030006000E00030600FF00FF00FF").hex(),
        17,
    ),
    ("one coil", make_other.read_coils(17, 65535, 1), rtu("1101FFFF0001").hex(), 6),
    ("2000 coils", make_other.read_coils(17, 0, 2000), rtu("1101000007D0").hex(), 255),
    ("125 registers", make.read_holding_registers(17, 65411, 125), rtu("1103FF83007D").hex(), 255),
    ("broadcast", make.write_register(0, 1, 3), rtu("000600010003").hex(), None),
)

# PDUs of a foreign client: what we know of the reply, and of the range.
RAW = (
    ("07", 5, 0, 0),
    ("080000A537", 8, 0, 0),
    ("0B", 8, 0, 0),
    ("0C", 0, 0, 0),
    ("11", 0, 0, 0),
    ("16000400F20025", 10, 0, 0),
    ("140E0600040001000206000300090002", 0, 0, 0),
    ("150D0600040007000306AF04BE100D", 18, 0, 0),
    ("2B0E0100", 0, 0, 0),
    ("41112233445566", 0, 0, 0),
    ("0300000000", 0, 0, 0),  # no register: the unit will refuse
    ("030000007E", 0, 0, 126),
    ("03000000", 0, 0, 0),  # cut
    ("0300000001FF", 0, 0, 1),  # too long
    ("0600010003", 8, 1, 1),
)

FORBIDDEN = (
    lambda: make_other.read_coils(1, 0, 2001),
    lambda: make_other.read_discrete_inputs(1, 0, 0),
    lambda: make.read_holding_registers(1, 0, 126),
    lambda: make.read_input_registers(1, 65535, 2),
    lambda: make.read_input_registers(1, -1, 2),
    lambda: make.read_input_registers(0, 1, 1),
    lambda: make.read_input_registers(248, 1, 1),
    lambda: make.write_register(1, 0, 65536),
    lambda: make.write_register(1, 0, -1),
    lambda: make.write_register(1, 65536, 0),
    lambda: make_other.write_coils(1, 0, [1] * 1969),
    lambda: make_other.write_coils(1, 0, ()),
    lambda: make_other.write_registers(1, 0, [0] * 124),
    lambda: make_other.write_registers(1, 65535, (1, 2)),
    lambda: make_other.read_write_registers(1, 0, 126, 0, (1,)),
    lambda: make_other.read_write_registers(1, 0, 1, 0, [1] * 122),
    lambda: make_other.read_write_registers(1, 0, 1, 65535, (1, 2)),
    lambda: make_other.read_write_registers(0, 0, 1, 0, (1,)),
    lambda: make.raw(1, b""),
    lambda: make.raw(1, b"\x00\x01"),
    lambda: make.raw(1, b"\x83\x01"),
    lambda: make.raw(1, bytes((65,)) + bytes(253)),
    lambda: make.raw(256, b"\x03"),
)


def refused(what):
    try:
        what()
    except LocalError:
        return True
    return False


def answered(request, pdu):
    """`request` with the reply of this PDU in it."""
    reader = ReplyReader()
    reader.restart(request)
    wire = rtu(f"{request.unit:02x}" + pdu)
    reader.room()[: len(wire)] = wire
    reader.filled(len(wire))
    assert reader.pdu() is not None
    return request


def test_frames():
    for what, request, frame, size in REQUESTS:
        assert request.adu == bytes.fromhex(frame), (what, request.adu.hex())
        assert request.reply_size == size, (what, request.reply_size)
        assert request.unit == request.adu[0] and request.function == request.adu[1], what
        assert request.is_read == (request.function < 5), what


def test_raw_knows_what_the_constructors_know():
    for what, request, _, _ in REQUESTS:
        same = make.raw(request.unit, memoryview(request.adu)[1:-2])
        assert same.adu == request.adu, what
        for name in ("unit", "function", "address", "count", "reply_size", "is_read"):
            assert getattr(same, name) == getattr(request, name), (what, name)


def test_raw_of_anything():
    for pdu, size, address, count in RAW:
        request = make.raw(255, bytes.fromhex(pdu))
        assert request.adu == rtu("ff" + pdu), pdu
        assert (request.reply_size, request.address, request.count) == (size, address, count), pdu
    assert len(make.raw(1, b"\x41" + bytes(252)).adu) == 256


def test_range_of_a_request():
    request = make_other.write_coils(17, 0x13, [1] * 10)
    assert (request.address, request.count) == (0x13, 10)
    request = make_other.read_write_registers(17, 3, 6, 14, (1, 2))
    assert (request.address, request.count) == (3, 6)


def test_forbidden():
    for index, what in enumerate(FORBIDDEN):
        assert refused(what), index


def test_covers():
    wide = make.read_input_registers(33, 100, 91)
    for what, other, covered in (
        ("itself", wide, True),
        ("start", make.read_input_registers(33, 100, 1), True),
        ("end", make.read_input_registers(33, 190, 1), True),
        ("inside, by a client", make.raw(33, bytes.fromhex("04006B0002")), True),
        ("before", make.read_input_registers(33, 99, 2), False),
        ("behind", make.read_input_registers(33, 190, 2), False),
        ("other unit", make.read_input_registers(34, 107, 2), False),
        ("other kind", make.read_holding_registers(33, 107, 2), False),
        ("no register", make.raw(33, bytes.fromhex("04006B0000")), False),
        ("a byte too long", make.raw(33, bytes.fromhex("04006B000200")), False),
        ("write", make.write_register(33, 107, 2), False),
    ):
        assert wide.covers(other) is covered, what
    assert not make_other.read_coils(1, 0, 16).covers(make_other.read_coils(1, 0, 16))


def test_one_reply_serves_two():
    wide = answered(make.read_input_registers(33, 107, 3), "0406FE005622ABCD")
    narrow = make.read_input_registers(33, 108, 1)
    assert bytes(narrow.copy_from(wide)) == bytes.fromhex("04025622")
    last = make.raw(33, bytes.fromhex("04006D0001"))
    assert bytes(last.copy_from(wide)) == bytes(last.reply) == bytes.fromhex("0402ABCD")
    assert bytes(wide.copy_from(wide)) == bytes.fromhex("0406FE005622ABCD")
    # It keeps what it copied when the other is asked again.
    answered(wide, "0406000000000000")
    assert bytes(narrow.reply) == bytes.fromhex("04025622")


def test_nothing_to_copy():
    wide = make.read_input_registers(33, 107, 3)
    narrow = make.read_input_registers(33, 108, 1)
    assert refused(lambda: narrow.copy_from(wide))
    assert refused(lambda: wide.copy_from(answered(narrow, "04025622")))
