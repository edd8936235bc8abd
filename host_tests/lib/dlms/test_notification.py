"""Heads of notifications as meters write them, and blocks that are lost, repeated or too many."""

from host_tests.lib.dlms.dlms_octets import raw, received
from lib.dlms.errors import FormatError
from lib.dlms.notification import Blocks, data_notification

BLOCKS = received("dlms-landis-e450-push.hex")
TIME = "07E80502FF0A141E00FF4C00"


def refusal(call, *arguments):
    try:
        call(*arguments)
    except FormatError as error:
        return error.reason
    return None


def test_heads():
    assert data_notification(raw("0F 40000001 00 1105")) == (0x40000001, None, 6)
    assert data_notification(raw("0F 00000002 0C" + TIME + "1105")) == (2, raw(TIME), 18)
    assert data_notification(raw("0F 00000002 090C" + TIME + "1105")) == (2, raw(TIME), 19)


def test_heads_that_are_none():
    apdu = raw("0F 00000002 0C" + TIME + "1105")
    for length in range(1, 19):
        assert refusal(data_notification, apdu[:length]) == "truncated", length
    assert refusal(data_notification, b"") == refusal(data_notification, b"\xc2") == "not a notification"
    assert refusal(data_notification, raw("0F 00000002 05 0102030405 1105")) == "time"


def test_blocks_come_once_more_or_begin_anew():
    expected = b"".join(block[7:] for block in BLOCKS)
    blocks = Blocks(bytearray(400))
    for block in (BLOCKS[0], BLOCKS[1], BLOCKS[0], BLOCKS[0], BLOCKS[1], BLOCKS[1]):
        assert blocks.take(block) is None
    assert bytes(blocks.take(BLOCKS[2])) == expected
    assert blocks.take(BLOCKS[0]) is None
    assert blocks.take(BLOCKS[1]) is None
    assert bytes(blocks.take(BLOCKS[2])) == expected


def test_blocks_that_are_lost_make_the_rest_void():
    blocks = Blocks(bytearray(400))
    assert refusal(blocks.take, BLOCKS[1]) == "block missing"
    assert blocks.take(BLOCKS[0]) is None
    assert refusal(blocks.take, BLOCKS[2]) == "block missing"
    assert refusal(blocks.take, BLOCKS[1]) == "block missing"


def test_blocks_that_are_none():
    blocks = Blocks(bytearray(400))
    for length in range(1, len(BLOCKS[0])):
        assert refusal(blocks.take, BLOCKS[0][:length]) == "truncated", length
    assert refusal(blocks.take, b"") == refusal(blocks.take, b"\x0f\0\0\0\0\0\0") == "not a block"
    assert refusal(Blocks(bytearray(100)).take, BLOCKS[0]) == "no room"
