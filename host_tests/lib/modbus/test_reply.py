"""What comes back: whole, in pieces, behind noise and echoes, damaged, from somebody else, or not at all."""

import micropython

from lib.modbus import other_requests as make_other
from lib.modbus import request as make
from lib.modbus.errors import FrameError, LocalError, PeerError
from lib.modbus.reply import ReplyReader
from modbus_oracle import noise, rtu

U1 = "2104006B00020777"  # read of two registers, its answers below
U1_IS = "210404FE0056225417"
ON = "2106000F00017F69"  # the infrared Bicom's relay
STATE_ON = "0506008D0001D9A5"  # the Bicom on RS-485

# Requests are given as frames; replies with a CRC are printed so in their sources, the others are made by rtu().
REPLIES = (
    # what      request  wire  PDU, or the code of the exception
    ("220.5 V", U1, U1_IS, "0404FE005622"),
    (
        "identity",
        "21040001000E276E",
        "21041C494533384D44202020202020202020205830303030313234007B41203110",
        "041C494533384D44202020202020202020205830303030313234007B4120",
    ),
    ("exception 2", U1, "218402C30B", 2),
    ("exception 0x0B", U1, "21840B030D", 0x0B),
    ("Bicom, off", "210400C500012697", "210402000038F7", "04020000"),
    ("Bicom, on", "0504006500012051", "05040200018930", "04020001"),
    ("Bicom switched", STATE_ON, STATE_ON, "06008D0001"),
    ("6.1, 19 coils", rtu("110100130013").hex(), rtu("110103CD6B05").hex(), "0103CD6B05"),
    ("6.2", rtu("110200C40016").hex(), rtu("110203ACDB35").hex(), "0203ACDB35"),
    ("6.3", "1103006B00037687", "110306022B00000064C8BA", "0306022B00000064"),
    ("6.4", rtu("110400080001").hex(), rtu("110402000A").hex(), "0402000A"),
    ("6.5", rtu("110500ACFF00").hex(), rtu("110500ACFF00").hex(), "0500ACFF00"),
    ("6.6", rtu("110600010003").hex(), rtu("110600010003").hex(), "0600010003"),
    ("6.7", rtu("1107").hex(), rtu("11076D").hex(), "076D"),
    ("6.8", rtu("11080000A537").hex(), rtu("11080000A537").hex(), "080000A537"),
    ("6.9", rtu("110B").hex(), rtu("110BFFFF0108").hex(), "0BFFFF0108"),
    ("6.10", rtu("110C").hex(), rtu("110C080000010801212000").hex(), "0C080000010801212000"),
    ("6.11", rtu("110F0013000A02CD01").hex(), rtu("110F0013000A").hex(), "0F0013000A"),
    ("6.12", rtu("11100001000204000A0102").hex(), rtu("111000010002").hex(), "1000010002"),
    (
        "6.14",
        rtu("11140E0600040001000206000300090002").hex(),
        rtu("11140C05060DFE0020050633CD0040").hex(),
        "140C05060DFE0020050633CD0040",
    ),
    ("6.16", rtu("1116000400F20025").hex(), rtu("1116000400F20025").hex(), "16000400F20025"),
    (
        "6.17",
        rtu("111700030006000E00030600FF00FF00FF").hex(),
        rtu("11170C00FE0ACD00010003000D00FF").hex(),
        "170C00FE0ACD00010003000D00FF",
    ),
    ("6.18, end by silence", rtu("111804DE").hex(), rtu("11180006000201B81284").hex(), "180006000201B81284"),
    ("6.21, end by silence", rtu("112B0E0100").hex(), rtu("112B0E01010000010003414243").hex(), "2B0E01010000010003414243"),
    ("a maker's own function", rtu("11411234").hex(), rtu("1141123456").hex(), "41123456"),
    ("a maker's own, mirrored", rtu("11411234").hex(), rtu("11411234").hex(), "411234"),
    ("refused write", STATE_ON, rtu("058603").hex(), 3),
    ("illegal data address", "1103006B00037687", rtu("118302").hex(), 2),
    ("longest", rtu("11030000007D").hex(), rtu("1103FA" + "11" * 250).hex(), "03FA" + "11" * 250),
    ("unit id in every byte", rtu("110300000008").hex(), rtu("110310" + "11" * 16).hex(), "0310" + "11" * 16),
)

FAILURES = (
    # what              request  wire  reason, once the line is silent
    ("silence", U1, "", "no answer"),
    ("last byte lost", U1, U1_IS[:-2], "short"),
    ("first byte lost", U1, U1_IS[2:], "noise"),
    ("unit id alone", U1, "21", "short"),
    ("one CRC bit flipped", U1, "210404FE0056225416", "crc"),
    ("one data bit flipped", U1, "210404FE0056235417", "crc"),
    ("damaged exception", U1, "218403C30B", "crc"),
    ("damaged function without length", rtu("11411234").hex(), "11411234560000", "crc"),
    ("somebody else's", U1, "05040200018930", "wrong unit"),
    ("another function", U1, rtu("210304FE005622").hex(), "wrong function"),
    ("one register only", U1, rtu("210402FE00").hex(), "wrong length"),
    ("three registers", U1, rtu("210406FE0056220000").hex(), "wrong length"),
    ("count no ADU can hold", U1, rtu("2104FF").hex(), "wrong length"),
    ("another register", STATE_ON, rtu("0506008E0001").hex(), "wrong value"),
    ("another value", STATE_ON, rtu("0506008D0000").hex(), "wrong value"),
    ("another count", rtu("11100001000204000A0102").hex(), rtu("111000010001").hex(), "wrong value"),
    ("another mask", rtu("1116000400F20025").hex(), rtu("1116000400F20024").hex(), "wrong value"),
    ("noise", U1, "FF00A55A0304", "noise"),
    ("0x2A without leave", ON, "212A000F0001EEAF", "wrong function"),
)


def request_of(frame):
    """The request with this frame, given in hex."""
    adu = bytes.fromhex(frame)
    return make.raw(adu[0], adu[1:-2])


def feed(reader, wire, step):
    """Give the reader `wire` in lumps of `step`, until it has a reply; return the PDU in hex or an exception's code."""
    for start in range(0, len(wire), step):
        lump = wire[start : start + step]
        while lump:
            room = reader.room()
            size = min(len(room), len(lump))
            assert size > 0 and len(room) <= 256
            room[:size] = lump[:size]
            reader.filled(size)
            lump = lump[size:]
            try:
                pdu = reader.pdu()
            except PeerError as error:
                return error.code
            if pdu is not None:
                return bytes(pdu).hex()
    return None


def read(reader, request, wire, step=256):
    """What the bus makes of `wire` and then silence: the PDU in hex, an exception's code, or the reason of the error."""
    reader.restart(request)
    try:
        found = feed(reader, wire, step)
        return bytes(reader.silence()).hex() if found is None else found
    except PeerError as error:
        return error.code
    except FrameError as error:
        return error.reason


def as_read(expected):
    return expected.lower() if isinstance(expected, str) else expected


def test_replies():
    reader = ReplyReader()
    for what, frame, wire, expected in REPLIES:
        request = request_of(frame)
        for step in (256, 1, 3):
            assert read(reader, request, bytes.fromhex(wire), step) == as_read(expected), (what, step)
            assert (reader.skipped, reader.trailing, reader.echoed) == (0, 0, False), (what, step)


def test_failures():
    reader = ReplyReader()
    for what, frame, wire, reason in FAILURES:
        request = request_of(frame)
        for step in (256, 1, 3):
            assert read(reader, request, bytes.fromhex(wire), step) == reason, (what, step)
            assert request.reply is None, what


def test_reply_with_a_tail():
    reader = ReplyReader()
    for what, frame, wire, expected in REPLIES:
        request = request_of(frame)
        if len(wire) > 500:
            continue  # no tail fits behind the longest
        for tail in (bytes(1), bytes.fromhex("FF2184"), bytes.fromhex(wire)):
            if request.reply_size == 0 and bytes.fromhex(wire)[1] not in b"\x0c\x14":
                continue  # silence alone tells where these end
            if len(wire) // 2 + len(tail) <= 256:
                assert read(reader, request, bytes.fromhex(wire) + tail) == as_read(expected), (what, tail.hex())
                assert reader.trailing == len(tail), (what, reader.trailing)
                assert reader.skipped == 0, what


def test_reply_behind_noise():
    """Noise rich in unit ids, functions and counts never hides the frame behind it."""
    reader = ReplyReader()
    pool = noise(4000)
    tried = 0
    for what, frame, wire, expected in REPLIES:
        request = request_of(frame)
        reply = bytes.fromhex(wire)
        for run in range(40):
            at = 90 * run
            prefix = bytearray(pool[at : at + 1 + run * 4])
            for index in range(0, len(prefix) - 3, 4):
                choice = pool[at + index] & 7
                if choice < 5:
                    prefix[index : index + min(choice, 3)] = reply[: min(choice, 3)]
            if reply == request.adu and run & 1:
                prefix += request.adu[:-1] + b"\x00"
            assert read(reader, request, prefix + reply, (256, 1, 3)[run % 3]) == as_read(expected), (what, prefix.hex())
            assert reader.skipped == len(prefix), (what, reader.skipped)
            tried += 1
    assert tried > 1000


def test_known_length_behind_noise_needs_no_silence():
    reader = ReplyReader()
    for prefix in ("00", "21", "2104", "210404", "FF2104", "210404FE0056", "210404FE005622FFFF", U1_IS[:-2]):
        for step in (256, 1, 3):
            reader.restart(request_of(U1))
            assert feed(reader, bytes.fromhex(prefix + U1_IS), step) == "0404fe005622", (prefix, step)


def test_garbage_then_the_next_good_frame():
    reader = ReplyReader()
    request = request_of(U1)
    pool = noise(60000, seed=5)
    for run in range(300):
        data = bytearray(pool[run * 190 : run * 190 + pool[run] + (run & 1) * 300])
        for index in range(0, len(data) - 2, 3):
            if data[index] & 1:
                data[index : index + 2] = b"\x21\x04"
        found = read(reader, request, data, (256, 1, 3, 120)[run & 3])
        assert found in ("crc", "short", "noise", "no answer"), (run, found)
        assert read(reader, request, bytes.fromhex(U1_IS)) == "0404fe005622", run


def test_echo_of_a_read():
    reader = ReplyReader()
    for echo in (False, True):  # it makes no difference
        reader.echo = echo
        for step in (256, 1, 3):
            for tail, expected in ((U1_IS, "0404fe005622"), ("218402C30B", 2)):
                assert read(reader, request_of(U1), bytes.fromhex(U1 + tail), step) == expected, step
                assert reader.echoed and reader.skipped == 0 and reader.trailing == 0, step
                assert read(reader, request_of(U1), bytes.fromhex("FF" + U1 + tail), step) == expected, step
            assert read(reader, request_of(U1), bytes.fromhex(U1), step) == "echo only"
            assert reader.echoed
            assert read(reader, request_of(U1), bytes.fromhex(U1 + U1_IS[:-2]), step) == "short"
            assert read(reader, request_of(U1), bytes.fromhex(U1 + U1_IS[:-2] + "00"), step) == "crc"
            assert read(reader, request_of(U1), bytes.fromhex(U1_IS), step) == "0404fe005622"
            assert not reader.echoed


def test_echo_that_would_pass_for_an_answer():
    """19 coils from 0x0313: the request has the length and the byte count of its own reply."""
    reader = ReplyReader()
    request = make_other.read_coils(17, 0x0313, 19)
    for before in (b"", b"\x00", b"\x11\x01"):
        for step in (256, 1, 3):
            assert read(reader, request, before + request.adu, step) == "echo only", (before, step)
            assert read(reader, request, before + request.adu + rtu("110103CD6B05"), step) == "0103cd6b05", (before, step)
            assert reader.skipped == len(before) and reader.echoed


def test_echo_of_a_write():
    reader = ReplyReader()
    request = request_of(STATE_ON)
    wire = request.adu
    for step in (256, 1, 3):
        reader.echo = True
        assert read(reader, request, wire + wire, step) == "06008d0001", step
        assert reader.echoed and reader.trailing == reader.skipped == 0
        assert read(reader, request, wire, step) == "echo only", step
        assert read(reader, request, b"\x00" + wire, step) == "echo only", step
        assert read(reader, request, b"\x05" + wire + b"\x05" + wire, step) == "06008d0001", step
        assert reader.skipped == 2
        assert read(reader, request, wire + rtu("058604"), step) == 4, step
        assert read(reader, request, wire + rtu("0506008D0000"), step) == "wrong value", step
        reader.echo = False
        assert read(reader, request, wire, step) == "06008d0001", step
        assert not reader.echoed


def test_echo_of_a_function_of_unknown_length():
    reader = ReplyReader()
    request = request_of(rtu("11411234").hex())
    for step in (256, 1, 3):
        for reply in (request.adu, rtu("1141123456")):
            reader.echo = True
            assert read(reader, request, request.adu + reply, step) == reply[1:-2].hex(), step
            assert reader.echoed and reader.skipped == reader.trailing == 0
            assert read(reader, request, request.adu, step) == "echo only", step
            reader.echo = False
            assert read(reader, request, reply, step) == reply[1:-2].hex(), step
            assert not reader.echoed


def test_long_echoes():
    """A frame of 256 bytes and a reply as long pass through 256 bytes of buffer."""
    reader = ReplyReader()
    values = [0x1100 + index for index in range(123)]
    write = make_other.write_registers(17, 0, values)
    both = make_other.read_write_registers(17, 0x1700, 125, 0, values[:121])
    reply = rtu("1117FA" + "17" * 250)
    for step in (256, 1, 3):
        assert read(reader, write, write.adu + rtu("11100000007B"), step) == "100000007b", step
        assert reader.echoed and reader.skipped == 0
        assert read(reader, both, both.adu + reply, step) == reply[1:-2].hex(), step
        assert reader.echoed and reader.skipped == 0
        assert read(reader, both, b"\x11\x17\xfa" + both.adu[:-1] + b"\x00" + reply, step) == reply[1:-2].hex(), step
        assert reader.skipped == 3 + len(both.adu)


def test_bicom_on_infrared_answers_with_0x2a():
    reader = ReplyReader()
    request = request_of(ON)
    request.also = 0x2A
    for step in (256, 1, 3):
        for reader.echo in (False, True):
            echo = request.adu if reader.echo else b""
            assert read(reader, request, echo + bytes.fromhex("212A000F0001EEAF"), step) == "2a000f0001", step
            assert read(reader, request, echo + request.adu, step) == "06000f0001", step
            assert read(reader, request, echo + bytes.fromhex("212A000F00002F6F"), step) == "wrong value", step
            assert read(reader, request, echo + bytes.fromhex("212A000F0001EEAE"), step) == "crc", step
            assert read(reader, request, echo + bytes.fromhex("2100000F0001") + rtu("210080"), step) == "noise", step
            assert read(reader, request, echo + rtu("218604"), step) == 4, step


def test_whoever_never_stops_is_cut():
    reader = ReplyReader()
    for frame in (U1, rtu("11411234").hex()):
        reader.restart(request_of(frame))
        for _ in range(1000):
            try:
                room = reader.room()
                assert len(room) <= 256
                room[0] = 0x55
                reader.filled(1)
                assert reader.pdu() is None
            except FrameError as error:
                assert error.reason == "noise"
                break
        assert reader.received == 768
    # Of unknown length: 256 bytes can be a frame, and more cannot.
    longest = rtu("1141" + "22" * 252)
    assert read(reader, request_of(frame), longest) == longest[1:-2].hex()
    assert read(reader, request_of(frame), b"\x11\x41" + bytes(254)) == "too long"


def test_reply_outlives_the_next_request():
    reader = ReplyReader()
    first, second = request_of(U1), make.read_input_registers(33, 107, 2)
    assert read(reader, first, bytes.fromhex(U1_IS)) == "0404fe005622"
    assert read(reader, second, rtu("21040401020304")) == "040401020304"
    assert bytes(first.reply).hex() == "0404fe005622"
    assert reader.pdu() is second.reply and reader.silence() is second.reply
    assert read(reader, first, b"") == "no answer"
    assert first.reply is None and bytes(second.reply).hex() == "040401020304"
    assert read(reader, second, bytes.fromhex("218402C30B")) == 2
    assert second.reply is None
    for ask in (reader.pdu, reader.silence):
        try:
            ask()
            raise AssertionError("no error")
        except PeerError as error:
            assert error.code == 2


def test_wrong_use():
    reader = ReplyReader()
    for what in (lambda: reader.restart(make.write_register(0, 1, 1)), lambda: reader.filled(257), lambda: reader.filled(-1)):
        try:
            what()
            raise AssertionError("no error")
        except LocalError:
            pass
    reader.restart(request_of(U1))
    reader.filled(None)
    reader.filled(0)
    assert reader.received == 0 and reader.pdu() is None


def test_waiting_and_success_allocate_nothing():
    reader = ReplyReader()
    request = request_of(U1)
    wire = request.adu + b"\xff" + bytes.fromhex(U1_IS)  # our echo, noise, the reply
    reader.restart(request)
    # While the buffer is empty room() takes nothing; later one small block each time, so the views are made here.
    views = [reader.room()]
    for _ in range(1, len(wire)):
        reader.filled(1)
        views.append(reader.room())
    waited = 0
    micropython.heap_lock()
    try:
        reader.restart(request)
        views[0] = reader.room()
        for index in range(len(wire)):
            view = views[index]
            view[0] = wire[index]
            waited += reader.pdu() is None
            reader.filled(1)
        found = reader.pdu()
        again = reader.pdu()
    finally:
        micropython.heap_unlock()
    assert waited == len(wire) and bytes(found).hex() == "0404fe005622" and again is found
    assert reader.echoed and reader.skipped == 1
