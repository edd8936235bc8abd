"""How an exception reads in a log."""

from lib.modbus.errors import GATEWAY_TARGET, ILLEGAL_ADDRESS, FrameError, LocalError, PeerError

TEXTS = (
    (ILLEGAL_ADDRESS, "illegal data address (2)"),
    (1, "illegal function (1)"),
    (6, "device busy (6)"),
    (9, "exception (9)"),
    (10, "gateway path unavailable (10)"),
    (GATEWAY_TARGET, "gateway target failed to respond (11)"),
    (0, "exception (0)"),
    (12, "exception (12)"),
    (255, "exception (255)"),
)


def test_texts():
    for code, expected in TEXTS:
        assert str(PeerError(code)) == expected, code
        assert PeerError(code).code == code
    assert FrameError("crc").reason == str(FrameError("crc")) == "crc"
    assert LocalError("count 0").reason == "count 0"
