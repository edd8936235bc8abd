"""The archive of meters when power fails at every flash operation, when bytes are damaged, and with a thousand meters."""

import gc
import os

import vfs

from host_tests.fakes.ram_flash import BLOCK, FOLDER, PowerCut, RamFlash, mounted, unmount
from lib.store.archive import DAILY, EVENTS, PROFILE, Archive

PLACE = FOLDER + "/archive"
T = 1782864000
Q, DAY = 900, 86400
EVER = 0xFFFFFFFF
COLUMNS = tuple([(3, bytes((1, 0, code, 8, 0, 255)), 2, 0, -3, 30) for code in range(1, 3)])
MOST = 60 * BLOCK  # of which daily values have thirteen blocks
EIO = 5
STEP = 7  # of the flash operations at which power fails; 1 takes minutes


MEMORY = bytearray(36 * BLOCK)  # of all chips that lose power, in turn: the heap has no room for many
SAVED = bytearray(36 * BLOCK)


class Chip(RamFlash):
    """In MEMORY, as it is or with nothing. `is_dead`: what a power cut left open may no longer do anything to it."""

    def __init__(self, is_new):
        self.content = MEMORY
        for at in range(0, len(MEMORY) if is_new else 0, BLOCK):
            MEMORY[at : at + BLOCK] = b"\xff" * BLOCK
        self.writes = self.erases = 0
        self.cut_at = None
        self.is_dead = False

    def readblocks(self, number, buffer, offset=0):
        return -EIO if self.is_dead else RamFlash.readblocks(self, number, buffer, offset)

    def writeblocks(self, number, buffer, offset=0):
        return -EIO if self.is_dead else RamFlash.writeblocks(self, number, buffer, offset)

    def ioctl(self, op, argument):
        return -EIO if self.is_dead else RamFlash.ioctl(self, op, argument)


def chip(is_new=True):
    unmount()
    gc.collect()
    flash = Chip(is_new)
    if is_new:
        vfs.VfsLfs2.mkfs(flash)
    return mounted(flash)


def values(meter, time):
    return [meter * 1000003 + (time - T) // 3 + time * 7 % 31, None if time // Q % 7 == 0 else time % 1009]


def run(steps):
    for _ in steps:
        pass


def write(archive, meter, kind, times, layout):
    archive.begin(meter, kind, layout)
    for time in times:
        archive.add(time, 0, values(meter, time))
    run(archive.commit())


def found(archive, meter, kind):
    """Return the times of what is there, which must be right and in order."""
    times = []
    for row in archive.rows(meter, kind, 0, EVER):
        if row:
            time, status, _, there = row
            assert status == 0 and there == values(meter, time) and (not times or times[-1] < time), (meter, kind, time)
            times.append(time)
    return times


def round_of(archive, day, committed):
    """Write a day of three meters, an event, and merge; note in `committed` what is on flash for good."""
    layout = archive.layout(COLUMNS)
    for meter in (1, 2, 3):
        times = [T + day * DAY + at for at in range(0, DAY, 3600)]
        write(archive, meter, PROFILE, times[1:], layout)
        committed.extend([(meter, PROFILE, time) for time in times[1:]])
        write(archive, meter, PROFILE, times[:1], layout)  # late
        committed.append((meter, PROFILE, times[0]))
        write(archive, meter, DAILY, times[:1], layout)
        committed.append((meter, DAILY, times[0]))
    run(archive.log(1, 0, [(T + day * DAY, 5, "cover")]))
    committed.append((1, 5, T + day * DAY))
    run(archive.tidy())


def prepare():
    """Leave in SAVED a flash on which merging is about to begin; return what was committed to it."""
    chip()
    archive = Archive(PLACE, MOST)
    committed = []
    round_of(archive, 0, committed)
    layout = archive.layout(COLUMNS)
    for day in range(1, 61):
        for meter in range(1, 12):
            write(archive, meter, DAILY, [T + (day - 70) * DAY], layout)
            committed.append((meter, DAILY, T + (day - 70) * DAY))
    unmount()
    SAVED[:] = MEMORY
    return committed


def is_there(archive, committed):
    there = {}
    for meter, kind, time in committed:
        if (meter, kind) not in there:
            if kind == EVENTS:
                there[meter, kind] = [event[0] for event in archive.logged(meter, 0, EVER) if event]
                assert len(there[meter, kind]) == len(set(there[meter, kind]))
            else:
                there[meter, kind] = found(archive, meter, kind)
        if time not in there[meter, kind]:
            return False
    return True


def test_power_cuts():
    before = prepare()
    number, is_cut, merged = 0, True, False
    while is_cut:
        number += STEP
        MEMORY[:] = SAVED
        flash = chip(False)
        archive = Archive(PLACE, MOST)
        committed = list(before)
        is_cut = False
        try:
            flash.cut_at = number
            round_of(archive, 1, committed)
        except PowerCut:
            is_cut = True
        unmount()
        flash.is_dead = True
        chip(False)
        archive = Archive(PLACE, MOST)
        assert is_there(archive, committed), number
        again = list(committed)
        round_of(archive, 1, again)
        assert is_there(archive, again) and not list(archive.troubles()), number
        merged = merged or any([segment >> 22 & 3 for segment in archive._segments.numbers])
    assert number > 100 and merged, number


def test_a_damaged_byte_costs_what_it_hits():
    chip()
    archive = Archive(PLACE, MOST)
    layout = archive.layout(COLUMNS)
    committed = {}
    for day in range(20):
        for meter in range(1, 9):
            write(archive, meter, DAILY, [T + day * DAY], layout)
            committed.setdefault(meter, []).append(T + day * DAY)
    segment = archive._segments.of(DAILY)[0]
    name = f"{PLACE}/{segment:07x}"
    with open(name, "rb") as file:
        whole = file.read()
    told = 0
    for at in list(range(0, 200, 3)) + list(range(len(whole) - 1200, len(whole), 7)) + [len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        with open(name, "wb") as file:
            file.write(damaged)
        archive = Archive(PLACE, MOST)
        lost = 0
        for meter, times in committed.items():
            there = found(archive, meter, DAILY)
            assert not [time for time in there if time not in times], at
            lost += len(times) - len(there)
        assert lost <= 1, (at, lost)
        told += len(list(archive.troubles()))
    assert told > 50
    with open(name, "wb") as file:
        file.write(bytes(1000) + whole[1000:2000] + b"\xff" * 700 + whole[2700:])
    archive = Archive(PLACE, MOST)
    left = sum([len(found(archive, meter, DAILY)) for meter in committed])
    assert 60 < left < 150 and list(archive.troubles()), left
    write(archive, 3, DAILY, committed[3], layout)
    assert found(archive, 3, DAILY) == committed[3]  # they were a gap, and came again


def test_a_segment_without_content_is_no_damage():
    """Power failed between its first part's file and the part."""
    chip()
    archive = Archive(PLACE, MOST)
    layout = archive.layout(COLUMNS)
    open(f"{PLACE}/{DAILY << 24 | 1:07x}", "wb").close()
    archive = Archive(PLACE, MOST)
    assert list(archive.rows(1, DAILY, 0, T)) in ([], [None])
    write(archive, 1, DAILY, [T], layout)
    assert list(archive.newest(1, DAILY))[-1] == T and not list(archive.troubles())


def test_damaged_layouts_are_put_right_by_their_copy():
    chip()
    archive = Archive(PLACE, MOST)
    layouts = [archive.layout(COLUMNS[:1]), archive.layout(COLUMNS)]
    for path in ("/layouts", "/layouts.copy"):
        with open(PLACE + path, "rb") as file:
            whole = file.read()
        for at in range(len(whole)):
            with open(PLACE + path, "wb") as file:
                file.write(whole[:at] + bytes((whole[at] ^ 0x41,)) + whole[at + 1 :])
            archive = Archive(PLACE, MOST)
            assert archive.columns(layouts[1]) == COLUMNS and archive.layout(COLUMNS[:1]) == layouts[0]
            with open(PLACE + path, "rb") as file:
                assert file.read() == whole


def test_layouts_are_had_in_small_pieces_of_memory():
    chip()
    archive = Archive(PLACE, MOST)
    wide = [tuple([(3, bytes((1, 0, code, number, 0, 255)), 2, 0, -3, 30) for code in range(40)]) for number in range(6)]
    assert [archive.layout(columns) for columns in wide] == [1, 2, 3, 4, 5, 6]
    assert [archive.layout(columns) for columns in reversed(wide)] == [6, 5, 4, 3, 2, 1]
    assert [archive.columns(number + 1) for number in range(6)] == wide and archive.columns(7) is None
    for gone, left in (("/layouts", "/layouts.copy"), ("/layouts.copy", "/layouts")):
        os.remove(PLACE + gone)
        assert archive.columns(6) == wide[5]
        with open(PLACE + gone, "rb") as file, open(PLACE + left, "rb") as other:
            assert file.read() == other.read()
    for path in ("/layouts", "/layouts.copy"):  # half of one was written
        with open(PLACE + path, "ab") as file:
            file.write(b"\x02\x03\x00")
    assert archive.columns(6) == wide[5] and archive.layout(COLUMNS) == 7
    os.remove(PLACE + "/layouts")
    with open(PLACE + "/layouts.copy", "wb") as file:
        file.write(b"nothing")
    assert archive.columns(1) is None and archive.layout(COLUMNS) == 1 and archive.columns(1) == COLUMNS


def test_layouts_outlive_a_power_cut_at_any_moment():
    wide = [tuple([(3, bytes((1, 0, code, number, 0, 255)), 2, 0, -3, 30) for code in range(20)]) for number in range(3)]
    for damaged in (None, "/layouts", "/layouts.copy"):  # the file that is put right when the power fails
        chip()
        archive = Archive(PLACE, MOST)
        assert [archive.layout(columns) for columns in wide[:2]] == [1, 2]
        if damaged:
            with open(PLACE + damaged, "r+b") as file:
                file.seek(100)
                file.write(b"\x99")
        unmount()
        SAVED[:] = MEMORY
        number, is_cut = 0, True
        while is_cut:
            number += 1
            MEMORY[:] = SAVED
            flash = chip(False)
            is_cut = False
            try:
                archive = Archive(PLACE, MOST)
                flash.cut_at = number
                assert archive.layout(wide[2]) == 3
            except PowerCut:
                is_cut = True
            unmount()
            flash.is_dead = True
            chip(False)
            archive = Archive(PLACE, MOST)
            assert archive.columns(3) in ((wide[2], None) if is_cut else (wide[2],))
            assert [archive.columns(1), archive.columns(2), archive.layout(wide[2])] == wide[:2] + [3]
        assert number > 8, number


def heap(meters, days):
    """Return what an archive takes in RAM after some days of so many meters, and the erases of its flash for each commit."""
    unmount()
    gc.collect()
    flash = RamFlash(300)
    vfs.VfsLfs2.mkfs(flash)
    mounted(flash)
    gc.collect()
    before = gc.mem_alloc()
    archive = Archive(PLACE, 280 * BLOCK)
    layout = archive.layout(COLUMNS)
    erases = flash.erases
    for day in range(days):
        for meter in range(1, meters + 1):
            write(archive, meter, PROFILE, [T + day * DAY + at for at in range(0, DAY, Q)], layout)
        gc.collect()
    for meter in (1, meters // 2, meters):
        assert found(archive, meter, PROFILE)[-1] == T + days * DAY - Q
    erases = flash.erases - erases
    gc.collect()
    return gc.mem_alloc() - before, erases / meters / days


def test_ram_does_not_depend_on_the_number_of_meters():
    few, _ = heap(10, 3)
    many, erases = heap(1000, 3)
    assert many - few < 600, (few, many)
    assert erases < 2, erases
