"""Profiles of the DLMS server: rows of an archive whose columns change, by entry and by range, with all that may go amiss."""

from firmware.services import dlms_server_profiles as profiles
from firmware.services.dlms_server_objects import CLOCK, Objects
from lib.clock import posix_tz
from lib.dlms import axdr, requests, times
from lib.dlms.errors import PeerError

METER = 300
LN = b"\0\x80\0\x01\x2c\xff"
EVENTS = b"\0\x80\5\x01\x2c\xff"
SCALERS = b"\0\x81\0\x01\x2c\xff"
A = (3, b"\1\0\1\x08\0\xff", 2, 0, -1, 30)
B = (3, b"\1\0\2\x08\0\xff", 2, 0, 0, 30)
C = (4, b"\1\0\1\6\0\xff", 5, 0, 0, 255)
LAYOUTS = {1: (A,), 2: (B, A, C), 3: (A[:4] + (0, 30),)}
BEGIN = 1790000000 // 900 * 900


class Archive:
    def __init__(self, rows=(), events=()):
        self.all = list(rows)
        self.events = list(events)

    def rows(self, meter, kind, since, until):
        assert (meter, kind) == (METER, 0)
        for row in self.all:
            yield None
            if since <= row[0] <= until:
                yield row
        yield None

    def times(self, meter, kind, since, until):
        for row in self.rows(meter, kind, since, until):
            yield row and row[0]

    def newest(self, meter, kind):
        yield None
        yield self.all[-1][0] if self.all else 0

    def columns(self, layout):
        return LAYOUTS.get(layout)

    def logged(self, meter, since, until):
        for event in self.events:
            yield None
            if since <= event[0] <= until:
                yield event


class Any:
    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


def objects(archive):
    clock = Any(zone=posix_tz.fixed(180), utc=lambda: BEGIN)
    return Objects(Any(gateway=Any(clock=clock, field=Any(dlms=Any(archive=archive)))))


def read(archive, ln=LN, attribute=2, selector=None):
    """The value, or the code of the refusal, once all pieces have come."""
    value = bytearray()
    try:
        for piece in profiles.get(objects(archive), ln, attribute, selector and (selector[0], selector[1:])):
            if piece is not None:
                value += piece
    except PeerError as error:
        return error.code
    return axdr.whole(value)


def moment(utc):
    return times.encode(utc, 180)


def row(number, layout=1, values=None):
    return BEGIN + 900 * number, 0, layout, values or [number]


ROWS = [row(1), row(2, 2, [20, 2, BEGIN]), row(3, 3, [5]), row(4, 2, [-40, 1 << 40, None])]


def test_columns_are_those_of_the_newest_row():
    archive = Archive(ROWS)
    columns = read(archive, attribute=3)
    assert columns == [[8, CLOCK, 2, 0], [1, b"\0\0\x60\x0a\1\xff", 2, 0]] + [list(column[:4]) for column in (B, A, C)]
    assert read(archive, SCALERS) == [[0, 255], [0, 255], [0, 30], [-1, 30], [0, 255]]
    assert read(archive) == [
        [moment(BEGIN + 900), 0, None, 1, None],
        [moment(BEGIN + 1800), 0, 20, 2, moment(BEGIN)],
        [moment(BEGIN + 2700), 0, None, None, None],  # the same register in another unit is another column
        [moment(BEGIN + 3600), 0, -40, 1 << 40, None],
    ]
    assert read(archive, attribute=7) == 4 and read(archive, attribute=5) == 1 and read(archive, attribute=4) == 0
    assert read(archive, attribute=6) == [0, bytes(6), 0, 0] and read(archive, attribute=9) == 4
    assert read(Archive()) == [] and read(Archive(), attribute=7) == 0 and len(read(Archive(), attribute=3)) == 2


def test_entries():
    archive = Archive([row(number) for number in range(1, 11)])
    for first, last, wanted in (
        (1, 0, range(1, 11)),
        (3, 5, range(3, 6)),
        (10, 10, range(10, 11)),
        (9, 20, range(9, 11)),
        (11, 12, ()),
        (11, 0, ()),
    ):
        found = read(archive, selector=requests.by_entry(first, last))
        assert [one[2] for one in found] == list(wanted), (first, last)
    assert read(archive, selector=requests.by_entry(2, 2, 3, 3)) == [[2]]
    assert read(archive, selector=requests.by_entry(2, 2, 2)) == [[0, 2]]
    for first, last, column, to in ((0, 4, 1, 0), (4, 3, 1, 0), (1, 1, 4, 0), (1, 1, 3, 2)):
        assert read(archive, selector=requests.by_entry(first, last, column, to)) == 12


def test_ranges():
    archive = Archive([row(number) for number in range(1, 11)])
    bounds = moment(BEGIN + 900 * 3), moment(BEGIN + 900 * 5 + 10)
    assert [one[2] for one in read(archive, selector=requests.by_range(*bounds))] == [3, 4, 5]
    utc = times.encode(BEGIN + 900 * 3, 0), times.encode(BEGIN + 900 * 4, 0)
    assert [one[2] for one in read(archive, selector=requests.by_range(*utc))] == [3, 4]
    never = b"\xff" * 12
    assert [one[2] for one in read(archive, selector=requests.by_range(bounds[0], never))] == list(range(3, 11))
    assert len(read(archive, selector=requests.by_range(never, never))) == 10
    chosen = [A[:4], (8, CLOCK, 2, 0)]
    found = read(archive, selector=requests.by_range(*bounds, columns=chosen))
    assert found[0] == [3, moment(BEGIN + 2700)] and len(found) == 3
    assert read(archive, selector=requests.by_range(*bounds, columns=[B[:4]])) == 12
    assert read(archive, selector=requests.by_range(*bounds)[:-3]) == 12
    register = bytearray(requests.by_range(*bounds))
    register[7] = 3  # bounds of something that is no clock
    assert read(archive, selector=bytes(register)) == 12
    assert read(archive, selector=b"\x07\x00") == 12


def test_events_of_one_second():
    events = [(BEGIN, 0, 1, "start"), (BEGIN, 0, 2, ""), (BEGIN, 4, 3, "Kapak açık"), (BEGIN + 5, 0, 4, "")]
    archive = Archive(events=events)
    assert [one[1:] for one in read(archive, EVENTS)] == [
        [0, 1, b"start"],
        [0, 2, b""],
        [4, 3, "Kapak açık".encode()],
        [0, 4, b""],
    ]
    assert [one[2] for one in read(archive, EVENTS, selector=requests.by_entry(2, 3))] == [2, 3]
    assert [one[2] for one in read(archive, EVENTS, selector=requests.by_entry(3, 0))] == [3, 4]
    assert len(read(archive, EVENTS, 3)) == 4 and read(archive, EVENTS, 7) == 4


def test_rows_that_go_while_they_are_read():
    archive = Archive([row(number) for number in range(1, 11)])
    pieces = profiles.get(objects(archive), LN, 2, None)
    count = 0
    try:
        for piece in pieces:
            if piece is not None:
                count += 1
                del archive.all[2:]
    except PeerError as error:
        assert (error.code, count) == (15, 3)  # head, and what was left
    else:
        raise AssertionError("a count that lies")
    archive = Archive([row(1)])
    pieces = profiles.get(objects(archive), LN, 2, None)
    found = bytearray()
    for piece in pieces:
        if piece is not None:
            found += piece
            archive.all.append(row(9))  # newer ones are left for the next time
    assert len(axdr.whole(found)) == 1


def test_no_archive():
    made = objects(None)
    made.gateway.field.dlms = None
    try:
        profiles.get(made, LN, 2, None)
    except PeerError as error:
        assert error.code == 11
    else:
        raise AssertionError("profiles of nothing")
