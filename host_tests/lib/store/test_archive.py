"""The archive of meters on littlefs, against what a plain dict holds: whatever order, power, damage and a full flash do."""

import gc
import os

import vfs

from host_tests.fakes.ram_flash import BLOCK, FOLDER, RamFlash, empty, fill, mounted, unmount
from lib.store.archive import DAILY, MONTHLY, PRESENT, PROFILE, Archive
from lib.store.archive_file import OLD_SIZE, SIZE
from lib.store.archive_part import Part

PLACE = FOLDER + "/archive"
T = 1782864000
Q, DAY = 900, 86400
EVER = 0xFFFFFFFF
COLUMNS = tuple([(3, bytes((1, 0, code, 8, 0, 255)), 2, 0, -3, 30) for code in range(1, 5)])
WIDE = COLUMNS + ((4, bytes((1, 0, 1, 6, 0, 255)), -5, 0x1234, 3, 255),) * 6
MOST = (1 << 64) - 1


def chip(blocks=64):
    unmount()
    gc.collect()
    flash = RamFlash(blocks)
    vfs.VfsLfs2.mkfs(flash)
    return mounted(flash)


class World:
    """An archive, and what was committed to it: {(meter, kind): {time: layout}}."""

    def __init__(self, most_blocks=40):
        self.most = most_blocks * BLOCK
        self.rows = {}
        self.seed = 1
        self.start()

    def start(self):
        self.archive = Archive(PLACE, self.most)
        self.layouts = {columns: self.archive.layout(columns) for columns in (COLUMNS, WIDE)}

    def number(self, most):
        self.seed = self.seed * 1103515245 + 12345 & 0x7FFFFFFF
        return (self.seed >> 8) % most

    def row(self, meter, kind, time, layout):
        """Return (status, layout, columns) that a row of this time has."""
        mixed = (time * 7919 + meter * 104729 + kind) % 999983
        count = len(COLUMNS if layout == self.layouts[COLUMNS] else WIDE)
        values = [1000000007 * column + (time - T) // 9 * column + mixed * (column + 3) % 50 for column in range(count)]
        if mixed % 5 == 0:
            values[mixed % count] = (None, MOST, -MOST, 0, 1 << 31, -1, None)[mixed % 7]
        return (0, 0x84, None)[mixed % 3], layout, tuple(values)

    def write(self, meter, kind, times, columns=COLUMNS):
        """Add and commit rows of these times; those that are there must not appear again."""
        layout = self.layouts[columns]
        self.archive.begin(meter, kind, layout)
        there = self.rows.setdefault((meter, kind), {})
        fresh = {}
        for time in times:
            status, _, values = self.row(meter, kind, time, layout)
            is_new = time not in there and time not in fresh
            self.archive.add(time, status, values)
            if is_new:
                fresh[time] = layout
        for _ in self.archive.commit():
            pass
        there.update(fresh)

    def read(self, meter, kind, first=0, last=EVER):
        found = {}
        before = -1
        gc.collect()
        for row in self.archive.rows(meter, kind, first, last):
            if row:
                time, status, layout, values = row
                assert before < time and first <= time <= last, (meter, kind, before, time)
                before = time
                assert self.row(meter, kind, time, layout) == (status, layout, tuple(values)), (meter, kind, time, values)
                found[time] = layout
        return found

    def check(self, meter, kind, first=0, last=EVER):
        wanted = {time: layout for time, layout in self.rows.get((meter, kind), {}).items() if first <= time <= last}
        found = self.read(meter, kind, first, last)
        assert found == wanted, (meter, kind, first, last, len(found), len(wanted))

    def check_all(self):
        for meter, kind in self.rows:
            self.check(meter, kind)
            assert done(self.archive.newest(meter, kind))[-1] == max(self.rows[meter, kind])


def shuffled(world, times):
    for at in range(len(times) - 1, 0, -1):
        other = world.number(at + 1)
        times[at], times[other] = times[other], times[at]
    return times


def day(number, step=Q):
    return [T + number * DAY + at for at in range(0, DAY, step)]


def done(steps):
    return [step for step in steps if step is not None]


def test_what_was_committed_is_told_in_the_order_of_time():
    chip()
    world = World()
    for number in range(3):
        for meter in (1, 300, 65535):
            world.write(meter, PROFILE, day(number))
            world.write(meter, DAILY, [T + number * DAY], WIDE)
        world.write(300, PRESENT, shuffled(world, day(number, 3600)))
    world.check_all()
    world.check(300, PROFILE, T + 3 * Q, T + DAY + 5)
    world.check(300, PROFILE, T + DAY, T + DAY)
    world.check(2, PROFILE)
    world.start()
    world.check_all()
    assert done(world.archive.rows(300, MONTHLY, 0, EVER)) == []
    assert world.archive.columns(world.layouts[WIDE]) == WIDE and world.archive.columns(9) is None
    assert not list(world.archive.troubles())


def test_rows_that_come_late_and_twice_find_their_place_once():
    chip(100)
    world = World(80)
    for turn in range(60):
        meter = 1 + world.number(4)
        times = shuffled(world, day(world.number(4), (Q, 1800, 3600, 300)[world.number(4)]))
        world.write(meter, PROFILE, times[: 1 + world.number(60)], (COLUMNS, WIDE)[world.number(2)])
        if turn % 20 == 19:
            world.start()
    world.check_all()
    for meter in range(1, 5):
        world.check(meter, PROFILE, T + DAY // 2, T + 2 * DAY)


def test_gaps():
    chip()
    world = World()
    times = [time for time in day(0) + day(1) if not T + 8 * Q <= time < T + 12 * Q]
    world.write(7, PROFILE, [time for time in times if time % (2 * Q)] + [T + 9 * Q + 77])
    world.write(7, PROFILE, [time for time in times if not time % (2 * Q)])
    found = done(world.archive.gaps(7, PROFILE, Q, T, T + 2 * DAY))
    assert found == [(T + 8 * Q, T + 11 * Q), (T + 2 * DAY, T + 2 * DAY)]
    assert done(world.archive.gaps(8, PROFILE, Q, T, T + 3 * Q)) == [(T, T + 3 * Q)]


def test_what_was_not_committed_is_given_up():
    chip()
    world = World()
    world.write(1, PROFILE, day(0))
    world.archive.begin(1, PROFILE, 1)
    world.archive.add(T + 2 * DAY, 0, [1, 2, 3, 4])
    world.archive.give_up()
    world.check_all()
    for wrong in ((0, PROFILE, 1), (1, 5, 1), (1, PROFILE, 99)):
        try:
            world.archive.begin(*wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)
    world.archive.begin(1, PROFILE, 1)
    for values in ([1, 2, 3], [1, 2, 3, 1 << 64]):
        try:
            world.archive.add(T + 3 * DAY, 0, values)
        except ValueError:
            continue
        raise AssertionError(values)


def test_a_meter_is_forgotten():
    chip()
    world = World()
    for meter in (1, 2):
        world.write(meter, PROFILE, day(0))
    done(world.archive.log(1, 0, [(T, 1, "x")]))
    world.archive.forget(1)
    world.archive.forget(1)
    world.start()
    assert world.read(1, PROFILE) == {} and done(world.archive.logged(1, 0, EVER)) == []
    world.check(2, PROFILE)


def test_events_come_once_in_their_order():
    chip()
    archive = Archive(PLACE, 40 * BLOCK)
    events = [(T + 60 * (number * 7 % 50), number % 3, f"cover {number} ğ") for number in range(50)]
    assert done(archive.log(9, 4, events[:30])) == [30]
    assert done(archive.log(9, 4, events)) == [20] and done(archive.log(9, 4, events[10:])) == [0]
    assert done(archive.log(9, 5, events[:2])) == [2] and done(archive.log(8, 4, [(T, 0xFFFFFFFF, "ş" * 30)])) == [1]
    archive = Archive(PLACE, 40 * BLOCK)
    found = done(archive.logged(9, 0, EVER))
    wanted = [(time, 4, code, text) for time, code, text in events] + [(time, 5, code, text) for time, code, text in events[:2]]
    assert sorted(found) == sorted(wanted) and [event[0] for event in found] == sorted([event[0] for event in wanted])
    assert done(archive.logged(8, T, T)) == [(T, 4, 0xFFFFFFFF, "ş" * 12)]
    assert done(archive.logged(9, T + 60, T + 60)) == [event for event in found if event[0] == T + 60]


def test_the_oldest_goes_when_a_share_is_full():
    chip(64)
    world = World(32)
    for number in range(60):
        for meter in range(1, 4):
            world.write(meter, PROFILE, day(number, 1800), WIDE)
            world.write(meter, DAILY, [T + number * DAY])
            for kind in (PROFILE, DAILY):
                there = world.rows[meter, kind]  # what went must not be missing from RAM, too
                for time in [time for time in there if time < T + (number - 40) * DAY]:
                    there.pop(time)
        for used, most, _, _ in world.archive.sizes():
            assert used <= most, world.archive.sizes()
    for meter in range(1, 4):
        oldest = min(world.read(meter, PROFILE))
        assert T + 25 * DAY < oldest < T + 50 * DAY, (oldest - T) / DAY
        world.check(meter, PROFILE, oldest)
        world.check(meter, DAILY, T + 20 * DAY)  # of these there are not too many


def test_a_full_flash_costs_the_oldest():
    chip(16)
    world = World(60)
    for number in range(100):
        world.write(1, PROFILE, day(number, 3600), WIDE)
    oldest = min(world.read(1, PROFILE))
    assert T < oldest < T + 90 * DAY and world.archive.failure is None
    for time in [time for time in world.rows[1, PROFILE] if time < oldest]:
        world.rows[1, PROFILE].pop(time)
    gc.collect()
    world.check(1, PROFILE)


def test_a_flash_that_takes_nothing_is_told():
    chip(24)
    world = World(20)
    world.write(1, PROFILE, day(0))
    filler = fill()
    number = 0
    try:
        for number in range(1, 40):
            world.write(1, PROFILE, day(number))
        raise AssertionError("it took all")
    except OSError:
        assert world.archive.failure is not None
    world.check(1, PROFILE)
    world.start()
    world.check(1, PROFILE)
    empty(filler)
    world.write(1, PROFILE, day(number))
    assert world.archive.failure is None
    world.check(1, PROFILE)


def test_merging_changes_nothing_but_the_size():
    chip(144)
    world = World(120)
    for number in range(60):
        for meter in range(1, 21):
            if (number + meter) % 17:
                world.write(meter, DAILY, [T + number * DAY], COLUMNS if number < 50 else WIDE)
    before = world.archive.sizes()[DAILY][0]
    for _ in range(3):
        for _ in world.archive.tidy():
            pass
    assert world.archive.sizes()[DAILY][0] < before * 3 // 4, (before, world.archive.sizes())
    world.check_all()
    world.start()
    world.write(3, DAILY, [T + 14 * DAY, T + 61 * DAY])
    world.check_all()
    world.archive.forget(5)
    assert world.read(5, DAILY) == {}


def test_who_reads_while_others_write_and_merge_gets_all_of_it():
    chip(144)
    world = World(120)
    for number in range(40):
        for meter in range(1, 21):
            world.write(meter, DAILY, [T + number * DAY])
    reading = world.archive.rows(7, DAILY, 0, EVER)
    found = []
    merging = world.archive.tidy()
    for row in reading:
        if row:
            found.append(row[0])
        for _ in range(3):
            next(merging, None)
    assert found == sorted(world.rows[7, DAILY]), len(found)


def test_who_writes_between_the_steps_of_merging_loses_nothing():
    chip(144)
    world = World(120)
    for number in range(40):
        for meter in range(1, 21):
            world.write(meter, DAILY, [T + number * DAY])
    number = 40
    before = world.archive.sizes()[DAILY][0]
    for at, _ in enumerate(world.archive.tidy()):
        if at % 20 == 0:
            world.write(1 + number % 20, DAILY, [T + number * DAY, T + 3 * DAY])
            number += 1
    assert number > 50 and world.archive.sizes()[DAILY][0] < before
    world.check_all()
    world.start()
    world.check_all()


def test_what_is_there_already_takes_no_room():
    chip()
    world = World()
    world.write(1, PROFILE, day(0))
    name = f"{PLACE}/{world.archive._segments.of(PROFILE)[0]:07x}"
    size = os.stat(name)[6]
    world.write(1, PROFILE, shuffled(world, day(0)))
    assert os.stat(name)[6] == size
    world.write(1, PROFILE, day(0) + [T + DAY])  # one row that is new
    assert os.stat(name)[6] < size + 50
    assert world.archive.room(8) == 102 and world.archive.room(1) == 120
    world.check_all()


def test_parts_larger_than_those_that_are_written_now_are_told():
    chip()
    world = World()
    layout = world.layouts[WIDE]
    part, buffer = Part(), bytearray(OLD_SIZE)
    for number in range(4):  # alone, and with others in a segment
        part.begin(7, layout, len(WIDE))
        times = [T + number * DAY + at * Q for at in range(80)]
        for time in times:
            values = [1000003 * column + (time * 7919 * (column + 1) % 999983) % 500 for column in range(len(WIDE))]
            assert part.add(time, 0, values)
        assert part.piece(buffer) and part.size > SIZE, part.size
        with open(f"{PLACE}/0000001", "ab") as file:
            file.write(memoryview(buffer)[: part.size])
        world.start()
        world.write(8, PROFILE, day(number, 3600))
    found = done(world.archive.times(7, PROFILE, 0, EVER))
    assert found == [T + number * DAY + at * Q for number in range(4) for at in range(80)]
    for row in world.archive.rows(7, PROFILE, T + DAY, T + 2 * DAY):
        if row is None:
            continue
        time, _, _, values = row
        assert values == [1000003 * column + (time * 7919 * (column + 1) % 999983) % 500 for column in range(len(WIDE))]
    world.check_all()
    segment, ends = done(world.archive.following(PROFILE, [0, 0]))[-1]
    parts = [world.archive.part(segment, end) for end in ends]
    assert {part.meter for part in parts} == {7, 8} and not list(world.archive.troubles())


def test_readers_that_take_turns_share_a_buffer():
    chip()
    world = World()
    for number in range(8):
        for meter in (1, 2):
            world.write(meter, PROFILE, day(number, 3600))
    readings = [world.archive.rows(meter, PROFILE, 0, EVER) for meter in (1, 2, 1)]
    found = [[], [], []]
    world.archive.begin(3, PROFILE, world.layouts[COLUMNS])
    for time in day(0):
        status, _, values = world.row(3, PROFILE, time, world.layouts[COLUMNS])
        world.archive.add(time, status, values)
    writing = world.archive.commit()
    is_going = True
    while is_going:
        next(writing, None)
        is_going = False
        for at, reading in enumerate(readings):
            row = next(reading, False)
            is_going = is_going or row is not False
            if row:
                assert world.row((1, 2, 1)[at], PROFILE, row[0], row[2])[2] == tuple(row[3])
                found[at].append(row[0])
    for at, meter in enumerate((1, 2, 1)):
        assert found[at] == sorted(world.rows[meter, PROFILE])
    for _ in writing:
        pass
    world.rows[3, PROFILE] = dict.fromkeys(day(0), world.layouts[COLUMNS])
    world.check_all()


def test_columns_take_room_when_they_move():
    part = Part()
    part.begin(1, 1, 8)
    gc.collect()
    before = gc.mem_alloc()
    for at in range(96):
        assert part.add(T + at * Q, 0, [5, None, 7, 1 << 40, -3, 0, 8, 9])
    gc.collect()
    assert gc.mem_alloc() - before < 700  # the times, and which are missing
    assert part.add(T + 96 * Q, 0, [5, None, 7, (1 << 40) + 1, -3, 0, 8, None])
    assert not part.add(T + 97 * Q, 0, [5, None, 7, 1 << 41, -3, 0, 8, None])
    buffer = bytearray(SIZE)
    assert part.piece(buffer)
    told = Part()
    assert told.decode(memoryview(buffer)[: part.size], part.size) and told.rows == 97
    assert told.record(95, [])[3] == [5, None, 7, 1 << 40, -3, 0, 8, 9]
    assert told.record(96, [])[3] == [5, None, 7, (1 << 40) + 1, -3, 0, 8, None]


def test_what_came_is_written_when_there_is_no_memory_for_more():
    class Tight(Part):
        most = 48

        def _make_room(self, rows):
            if rows > self.most:
                raise MemoryError
            Part._make_room(self, rows)

    chip()
    world = World()
    world.write(1, PROFILE, day(0)[:1])
    layout = world.layouts[COLUMNS]
    world.archive.begin(1, PROFILE, layout)
    world.archive._part = part = Tight()
    part.begin(1, layout, len(COLUMNS))
    for time in day(0):
        status, _, values = world.row(1, PROFILE, time, layout)
        world.archive.add(time, status, values)
        world.rows[1, PROFILE][time] = layout
        assert part.rows <= 48
    for _ in world.archive.commit():
        pass
    world.check_all()
    part = Tight()
    part.most = 0
    part.begin(1, layout, 1)
    try:
        part.add(T, 0, [1])
        raise AssertionError("too few to be worth a part")
    except MemoryError:
        assert part.rows == 0


def test_who_looks_for_times_while_somebody_writes_gets_those_too():
    chip()
    world = World()
    for number in range(20):
        world.write(1, DAILY, [T + number * DAY])
    world.start()
    learning = world.archive.learn()
    next(learning)
    world.write(1, DAILY, [T + 30 * DAY])
    for _ in learning:
        pass
    assert world.archive.sizes()[DAILY][2:] == (T, T + 30 * DAY)
    world.check_all()
