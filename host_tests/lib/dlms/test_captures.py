"""What meters sent is read as the notes beside the captures say: serial numbers, clocks, profiles, pushes in blocks."""

from host_tests.lib.dlms.dlms_octets import capture, events, flipped, information, pieces, raw, received
from lib.dlms import axdr, names, times, units
from lib.dlms.elements import BEGIN_STRUCTURE, OCTETS
from lib.dlms.errors import FormatError
from lib.dlms.notification import Blocks, data_notification
from lib.dlms.profile import Rows, capture_objects

CLOCK = (8, raw("0000010000ff"), 2, 0)


def landis():
    blocks = Blocks(bytearray(512))
    found = [blocks.take(block) for block in received("dlms-landis-e450-push.hex")]
    assert found[:2] == [None, None]
    return bytes(found[2])


def test_itron_serial_number():
    apdu = received("dlms-itron-ace661.hex")[0]
    assert axdr.whole(apdu[4:]) == b"ACE661MA84573548"


def test_aidon_push():
    apdu = received("dlms-aidon-push.hex")[0]
    invoke_id, time, at = data_notification(apdu)
    assert (invoke_id, time) == (0x40000000, None)
    rows = axdr.whole(apdu[at:])
    assert len(rows) == 27
    assert names.text(rows[0][0]) == "0.0.1.0.0.255"
    assert times.decode(rows[0][1]) == (2019, 12, 16, 1, 7, 59, 40, None, None)
    values = {names.text(name): (value, scaler, units.text(unit)) for name, value, (scaler, unit) in rows[1:]}
    assert values["1.0.1.7.0.255"] == (1122, 0, "W")
    assert values["1.0.3.7.0.255"] == (1507, 0, "var")
    assert values["1.0.51.7.0.255"] == (75, -1, "A")
    assert values["1.0.52.7.0.255"] == (2499, -1, "V")
    assert values["1.0.1.8.0.255"] == (10049926, 0, "Wh")
    assert values["1.0.3.8.0.255"] == (6614347, 0, "varh")


def test_landis_push_in_blocks():
    apdu = landis()
    invoke_id, time, at = data_notification(apdu)
    assert invoke_id == 0x1D376
    assert times.decode(time) == (2021, 6, 28, 1, 15, 27, 50, None, 0)
    body = axdr.whole(apdu[at:])
    objects = body[0]
    assert len(objects) == len(body) == 14
    assert objects[2:4] == [[1, raw("0000600100ff"), 2, 0], [3, raw("0100010700ff"), 2, 0]]
    assert body[2:] == [b"56552773", 71, 0, 214002, 0, 8349, 0, 0, 106530, 36, 17, 16]


def test_norax():
    answers = received("dlms-norax.hex")
    data = [apdu[4:] for apdu in answers[2:]]
    assert axdr.whole(data[0]) == b"APAnor3094481130"
    assert times.decode(axdr.whole(data[1])) == (2020, 5, 9, 6, 14, 26, 15, 180, 0)
    assert times.utc(axdr.whole(data[1]), 0, True) == 1589023575  # 11:26:15 UTC
    assert axdr.whole(data[3]) == 1800
    assert axdr.whole(data[4]) == 398
    assert axdr.whole(data[5]) == 13205
    columns = capture_objects(answers[8][4:] + answers[9])  # two segments
    assert len(columns) == 8
    assert columns[0][:4] == CLOCK
    assert columns[2][:4] == (3, raw("01000f0800ff"), 2, 0)


def test_profile_whose_first_row_alone_has_a_time():
    data = capture("dlms-profile-nulltime.hex")[0][1]
    columns = [CLOCK, (1, raw("0000600a01ff"), 2, 0), (3, raw("0100010800ff"), 2, 0), (3, raw("0100020800ff"), 2, 0)]
    for step in range(1, len(data) + 1):
        rows = []

        def take_row(time, status, values, rows=rows):
            rows.append((time, status, values[2:]))

        decoder = Rows(columns, 3600, 0, take_row)
        for piece in pieces(data, step):
            decoder.feed(piece)
        assert decoder.is_whole
        # 2019-12-31 23:00, an hour ahead of UTC
        assert rows == [(1577829600 + 3600 * hour, 6, [0x5ED, 0x654]) for hour in range(4)], step


def test_profile_by_range_in_blocks():
    frames = [information(octets)[3:] for _, octets in capture("dlms-profile-range-blocks.hex")]
    request = axdr.whole(frames[0][14:])
    columns = [tuple(column) for column in request[3]]
    assert columns == [CLOCK, (8, CLOCK[1], 4, 0)]
    assert times.decode(request[1]) == (2023, 1, 13, 5, 21, 0, 0, None, 0)
    rows = []

    def take_row(time, status, values):
        rows.append((time, status, values[1]))

    decoder = Rows(columns, 3600, 180, take_row)
    decoder.feed(frames[1][10:])  # block 1 of 185
    assert not decoder.is_whole
    assert rows == [(1673636400 + 3600 * hour, None, 7) for hour in range(6)]  # from 2023-01-13 19:00 on, deviation 0
    # Of the last two blocks, the first of which begins inside of a row: rows have a third member nobody asked for.
    tail = frames[3][10:] + frames[5][10:]
    del rows[:]
    decoder = Rows(columns, 3600, 180, take_row)
    decoder.feed(b"\x01\x08" + tail[tail.find(b"\x02\x03\x09\x0c") :])
    assert decoder.is_whole
    assert len(rows) == 8
    assert [rows[0], rows[7]] == [(1693699200, None, 7), (1693962000, None, 7)]  # 2023-09-03 00:00, 2023-09-06 01:00


def test_pieces_of_any_size_tell_the_same():
    apdu = landis()
    for data in (apdu[data_notification(apdu)[2] :], received("dlms-aidon-push.hex")[0][6:]):
        told = events(data)
        assert told[0][0] == BEGIN_STRUCTURE or told[1][0] == BEGIN_STRUCTURE
        assert told[-1] is True
        for step in range(1, len(data)):
            assert events(data, step) == told, step
        assert events(data, 7, True) == told
        assert (OCTETS, raw("0008190900ff")) in told or (OCTETS, raw("0100010800ff")) in told


def test_captures_cut_anywhere_are_refused():
    for data in bodies():
        for length in range(len(data)):
            assert refusal(data[:length]) in ("truncated",), length


def test_captures_with_a_bit_flipped():
    """A bit in a number is another number; anything else is told by its reason."""
    for data in bodies():
        for other in flipped(data):
            reason = refusal(other)
            assert reason in (None, "tag", "length", "depth", "compact array", "truncated", "trailing octets", "too large")
            assert (reason is None) == (events(other, 5)[-1] is True)
    for other in flipped(landis()):
        try:
            data_notification(other)
        except FormatError as error:
            assert error.reason in ("not a notification", "truncated", "time")
    for number in range(3):
        for other in flipped(received("dlms-landis-e450-push.hex")[number]):
            try:
                Blocks(bytearray(512)).take(other)
            except FormatError as error:
                assert error.reason in ("not a block", "truncated", "block missing")


def bodies():
    apdu = landis()
    norax = received("dlms-norax.hex")
    yield received("dlms-itron-ace661.hex")[0][4:]
    yield received("dlms-aidon-push.hex")[0][6:]
    yield apdu[data_notification(apdu)[2] :]
    yield capture("dlms-profile-nulltime.hex")[0][1]
    yield norax[8][4:] + norax[9]


def refusal(data):
    try:
        axdr.whole(data)
    except FormatError as error:
        return error.reason
    return None
