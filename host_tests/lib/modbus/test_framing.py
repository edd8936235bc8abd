"""The search for frames against a plain oracle, on every instruction set."""

import micropython

from lib.modbus.framing import alike, copy, find_reply, find_request, reply_at, request_at
from modbus_oracle import crc, noise, rtu

ALSO_ON = ("arm",)


def plain_reply_at(data, unit, function, size):
    """What reply_at() says of `data`, from its docstring."""
    if not data:
        return 0
    if data[0] != unit:
        return -1
    if len(data) == 1:
        return 0
    if data[1] == function + 128:
        size = 5
    elif data[1] != function:
        return -1
    elif function in (1, 2, 3, 4, 12, 17, 20, 23):
        if len(data) == 2:
            return 0
        if size not in (0, data[2] + 5):
            return -1
        size = data[2] + 5
    elif size == 0:
        return 0
    if not 4 <= size <= 256:
        return -1
    if len(data) < size:
        return 0
    return -2 if crc(data[:size]) else size


def plain_find(data, unit, function, also, size, ended):
    """What find_reply() says, from its docstring, but for the limit of work."""
    for at in range(len(data)):
        found = -1
        for code in (function, also) if also else (function,):
            one = plain_reply_at(data[at:], unit, code, size)
            if one == 0 and ended:
                one = plain_reply_at(data[at:], unit, code, len(data) - at) if size == 0 else -1
                one = one or -1
            found = max(found, one)
        if found > 0:
            return at << 16 | found
        if found == 0:
            return -1 - at
    return -1 - len(data)


def plain_request_at(data, unit):
    """What request_at() says, from its docstring and the standard's lengths."""
    if not data:
        return 0
    if data[0] not in (0, unit):
        return -1
    if len(data) == 1:
        return 0
    function = data[1]
    if not 0 < function < 128:
        return -1
    sizes = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 8: 8, 7: 4, 11: 4, 12: 4, 17: 4, 22: 10}
    counts = {15: 6, 16: 6, 23: 10}
    size = sizes.get(function, 0)
    if function in counts and len(data) > counts[function]:
        size = data[counts[function]] + counts[function] + 3
        if size > 256:
            return -1
    if not size or len(data) < size:
        return 0
    return -2 if crc(data[:size]) else size


def material(run, pool, unit, function, size):
    """A buffer of noise that is rich in beginnings, with a good frame in every other one."""
    length = pool[run] % 40
    data = bytearray(pool[run : run + length])
    for index in range(0, length - 3, 5):
        choice = pool[run + index] & 7
        if choice < 4:
            data[index] = unit
            data[index + 1] = function | (choice == 3) << 7
            if choice == 1:
                data[index + 2] = size - 5
    if run & 1:
        at = pool[run + 50] % (length + 1)
        body = bytes((unit, function, size - 5)) + bytes(pool[run + 60 : run + 60 + size - 5])
        if run & 2:
            body = bytes((unit, function | 128, 2))
        data = data[:at] + rtu(body.hex()) + data[at:]
    return data


def test_10000_random_buffers():
    pool = noise(12000)
    good = short = broken = 0
    for run in range(10000):
        unit = pool[run + 3] & 0x23
        function = (3, 4, 1, 6, 17, 0x41)[pool[run + 5] % 6]
        also = 0x2A if function == 6 else 0
        size = 9 if function != 17 else 11
        data = material(run, pool, unit, function, size)
        asked = 0 if function in (17, 0x41) or run & 16 else size
        ended = run >> 3 & 1
        expected = plain_find(data, unit, function, also, asked, ended)
        assert find_reply(data, 0, len(data), unit, function, also, asked, ended) == expected, (run, data.hex())
        start = expected >> 16 if expected >= 0 else min(-1 - expected, len(data))
        at = plain_reply_at(data[start:], unit, function, asked)
        assert reply_at(data, start, len(data), unit, function, asked) == at, (run, start, data.hex())
        good += expected >= 0
        short += expected < 0 and -1 - expected < len(data)
        broken += plain_reply_at(data, unit, function, asked) == -2
        assert request_at(data, start, len(data), unit) == plain_request_at(data[start:], unit), (run, start, data.hex())
    # The material reaches every way out.
    assert good > 1000 and short > 1000 and broken > 10, (good, short, broken)


def test_reply_grows_byte_by_byte():
    for what, wire, unit, function, sizes in (
        ("read", "210404FE0056225417", 0x21, 4, (9, 0)),
        ("exception", "218402C30B", 0x21, 4, (9, 0)),
        ("write", "0506008D0001D9A5", 5, 6, (8,)),
    ):
        frame = bytes.fromhex(wire)
        for size in sizes:
            for used in range(len(frame)):
                assert reply_at(frame, 0, used, unit, function, size) == 0, (what, used)
            assert reply_at(frame, 0, len(frame), unit, function, size) == len(frame), what
            assert reply_at(frame, 0, len(frame), unit + 1, function, size) == -1, what
            assert reply_at(frame, 0, len(frame), unit, function + 1, size) == -1, what
            assert reply_at(frame[:-1] + b"\x00", 0, len(frame), unit, function, size) == -2, what


def test_frames_behind_an_unfinished_one_wait():
    start = bytes.fromhex("210404")
    data = start + bytes.fromhex("218402C30B")  # eight of nine bytes: the exception may be data
    assert find_reply(data, 0, 8, 0x21, 4, 0, 9, 0) == -1
    assert find_reply(data, 0, 8, 0x21, 4, 0, 9, 1) == 3 << 16 | 5
    assert find_reply(data + b"\x00", 0, 9, 0x21, 4, 0, 9, 0) == 3 << 16 | 5


def test_longest_frame_at_the_end_of_the_buffer():
    frame = rtu("2104FA" + "AA" * 250)
    assert find_reply(b"\x21" + frame, 0, 256, 0x21, 4, 0, 255, 0) == 1 << 16 | 255
    # No frame has a byte count above 251.
    assert reply_at(bytes.fromhex("2111FC") + bytes(253), 0, 256, 0x21, 0x11, 0) == -1


def test_search_is_cut_and_goes_on():
    # Each even offset looks like a frame of 105 bytes until its CRC is calculated.
    data = bytearray(b"\x64\x03" * 70) + rtu("640364" + "64" * 100)
    cuts, start = 0, 0
    while True:
        found = find_reply(data, start, len(data), 0x64, 3, 0, 105, 0)
        if found >= 0:
            break
        assert start < -1 - found < len(data)
        start = -1 - found
        cuts += 1
    assert found == 140 << 16 | 105
    assert cuts >= 2


def test_requests_are_found_in_noise():
    read = bytes.fromhex("2104006B00020777")
    for wire in (read, rtu("0006000F0001"), rtu("21100001000204000A0102"), rtu("2107"), rtu("2116000400F20025")):
        for before in (b"", b"\x21", b"\x00\x21\x00", b"\x22" + read[1:]):
            data = before + wire
            found = find_request(data, 0, len(data), 0x21, 0)
            if found < 0:  # an unfinished frame in the noise: silence decides
                found = find_request(data, 0, len(data), 0x21, 1)
            assert found == len(before) << 16 | len(wire), data.hex()
    other = rtu("2141112233")
    assert find_request(other, 0, len(other), 0x21, 0) == -1
    assert find_request(other, 0, len(other), 0x21, 1) == len(other)


def test_alike_and_copy():
    assert alike(b"xabc", 1, b"abd", 0, 3) == 2
    assert alike(b"abc", 0, b"abc", 0, 3) == 3
    assert alike(b"abc", 0, b"xyz", 0, 0) == 0
    data = bytearray(b"0123456789")
    copy(data, 0, data, 3, 10)
    assert data == b"3456789789"
    copy(memoryview(data)[8:], 0, b"abcd", 1, 3)
    assert data == b"34567897bc"


def test_allocates_nothing():
    data = memoryview(b"\x21\x84\x00\x21" + bytes.fromhex("210404FE0056225417"))
    micropython.heap_lock()
    try:
        short = find_reply(data, 0, 12, 0x21, 4, 0, 9, 0)
        found = find_reply(data, -1 - short, 13, 0x21, 4, 0, 9, 0)
    finally:
        micropython.heap_unlock()
    assert short < 0 and found == 4 << 16 | 9, (short, found)
