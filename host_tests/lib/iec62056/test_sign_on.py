"""Requests, identifications of many makers, option selects, messages of the programming mode with the sheet's block checks."""

from lib.iec62056.errors import FrameError, LocalError, PeerError
from lib.iec62056.messages import break_off, message
from lib.iec62056.sign_on import BINARY, PROGRAMMING, READ_OUT, Identification, request

IDENTIFICATIONS = (
    # line, maker, mode, baud, codes, text
    (b"/LGZ52ZMD120APt.G03\r\n", b"LGZ", "C", 9600, b"", b"2ZMD120APt.G03"),
    (b"/LGZ4ZMR120AC.K76\r\n", b"LGZ", "C", 4800, b"", b"ZMR120AC.K76"),
    (b"/KAM MC\r\n", b"KAM", "A", None, b"", b"MC"),
    (b"/EMH4\\@01LZQJL0014F\r\n", b"EMH", "C", 4800, b"@", b"01LZQJL0014F"),
    (b"/ISK5\\2M550T-1012\r\n", b"ISK", "C", 9600, b"2", b"M550T-1012"),
    (b"/LGZ4\\2\\@ABC\r\n", b"LGZ", "C", 4800, b"2@", b"ABC"),
    (b"/MKS6<2>ADM(M550.2251)\r\n", b"MKS", "C", 19200, b"", b"<2>ADM(M550.2251)"),
    (b"/MAS5<3>VAN(M1.R1)\r\n", b"MAS", "C", 9600, b"", b"<3>VAN(M1.R1)"),
    (b"/MSY5<1>C500.KMY.2556\r\n", b"MSY", "C", 9600, b"", b"<1>C500.KMY.2556"),
    (b"/ABCAx\r\n", b"ABC", "B", 600, b"", b"x"),
    (b"/ABCFx\r\n", b"ABC", "B", 19200, b"", b"x"),
    (b"/ABCHx\r\n", b"ABC", "B", None, b"", b"x"),
    (b"/ABC0\r\n", b"ABC", "C", 300, b"", b""),
    (b"/ABC7x\r\n", b"ABC", "C", None, b"", b"x"),
    (b"/ABC@x\r\n", b"ABC", "A", None, b"", b"x"),
    (b"/ABC5\\", b"ABC", "C", 9600, b"", b"\\"),
)


def test_identifications():
    for line, maker, mode, baud, codes, text in IDENTIFICATIONS:
        for kind in (bytes, memoryview):
            got = Identification(kind(line))
            assert (got.maker, got.mode, got.baud, got.codes, got.text) == (maker, mode, baud, codes, text), line
            assert got.has_hdlc == (b"2" in codes) and not got.is_fast
    assert Identification(b"/ISk5x\r\n").is_fast
    for line in (b"", b"/", b"/AB", b"/AB15x", b"ABC5x", b"/?!\r\n", b"/ABC\r\n"):
        try:
            Identification(line)
            raise AssertionError(line)
        except FrameError as error:
            assert error.reason == "format"


def test_requests():
    assert request() == b"/?!\r\n"
    assert request(b"80099921") == b"/?80099921!\r\n"
    assert request(b"MSY80099921") == b"/?MSY80099921!\r\n"
    assert request(b"05296170", b"4") == b"/405296170!\r\n"
    for address in (b"1" * 33, b"1!", b"\r", b"1/", b"\xff"):
        try:
            request(address)
            raise AssertionError(address)
        except LocalError:
            pass


def test_option_selects():
    for line, what, fastest, opening, expected in (
        (b"/LGZ5x", READ_OUT, 19200, 300, (b"\x06050\r\n", 9600)),
        (b"/LGZ5x", PROGRAMMING, 19200, 300, (b"\x06051\r\n", 9600)),
        (b"/LGZ5x", 6, 19200, 300, (b"\x06056\r\n", 9600)),
        (b"/LGZ5x", READ_OUT, 4800, 300, (b"\x06000\r\n", 300)),
        (b"/LGZ6x", READ_OUT, 9600, 9600, (b"\x06000\r\n", 9600)),
        (b"/LGZ0x", READ_OUT, 9600, 300, (b"\x06000\r\n", 300)),
        (b"/LGZ7x", READ_OUT, 115200, 300, (b"\x06000\r\n", 300)),
        (b"/LGZ5\\2x", BINARY, 19200, 300, (b"\x06252\r\n", 9600)),
    ):
        assert Identification(line).option(what, fastest, opening) == expected, line
    for line, what in ((b"/KAM MC", READ_OUT), (b"/ABCEx", READ_OUT), (b"/LGZ5x", BINARY)):
        try:
            Identification(line).option(what, 19200, 300)
            raise AssertionError(line)
        except PeerError as error:
            assert error.text == "mode"


MESSAGES = (
    (b"B0", None, 0x71),
    (b"P0", b"()", 0x60),
    (b"P1", b"(12345678)", 0x69),
    (b"P1", b"(00000000)", 0x61),
    (b"R2", b"0.0.0()", 0x50),
    (b"R2", b"0.9.2()", 0x5B),
    (b"R2", b"P.01(;)", 0x24),
    (b"R5", b"P.01(;)", 0x23),
    (b"R2", b"P.01(1904240000;1904260000)", 0x26),
    (b"R2", b"P.01(24-05-01,00:00;24-05-02,00:00)", 0x27),
    (b"R5", b"P.01(02405010000;02405020000)", 0x20),
    (b"R2", b"96.1.8.0(;)", 0x43),
    (b"W2", b"0.9.1(13:30:35)", 0x5A),
    (b"E2", b"1.6.0()", 0x40),
)


def test_messages_of_the_sheet():
    for command, data, check in MESSAGES:
        body = command if data is None else command + b"\x02" + data
        assert message(command, data) == b"\x01" + body + b"\x03" + bytes((check,)), data
    assert break_off() == b"\x01B0\x03q"
    assert message(b"P0", b"(777777)", True)[-1] == 0x20
    assert message(b"R1", b"HELLO()", True)[-1] == 0x4D
    for command, data in ((b"X1", b"()"), (b"R", b"()"), (b"RR", b"()"), (b"R2", b"1\x03"), (b"R2", b"\xff"), (b"", None)):
        try:
            message(command, data)
            raise AssertionError((command, data))
        except LocalError:
            pass
