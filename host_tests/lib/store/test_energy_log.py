"""Energies on littlefs: exact whatever the counters and the clock do, whole after a power cut at any moment, small."""

import os
import random
from struct import pack

import vfs

from host_tests.fakes.ram_flash import BLOCK, FOLDER, PowerCut, RamFlash, empty, fill, mounted, unmount
from lib.store import energy_log
from lib.store.energy_log import AGAIN, DAMAGED, DOUBTFUL, RECORDED, SPAN
from lib.store.energy_reader import intervals

BLOCKS = 144  # of the partition: boards/partitions.csv
HISTORY = FOLDER + "/history"
KEY = "X0000124"
NONE = 255
BOTH = pack("<BBbb", 0, 1, 0, 0)  # two counters in Wh
IMPORT = pack("<BBbb", 0, NONE, 2, 0)  # one, in 100 Wh
OTHERS = (BOTH, IMPORT, pack("<BBbb", 0, 1, -1, 0), pack("<BBbb", 0, 2, 0, 0), pack("<BBbb", NONE, 1, 0, 3))
MOST = 0x7FFFFFFF  # of a mantissa
Q = 2345 * SPAN  # a quarter of 2026 in which a span begins
DAYS_35 = 35 * 96
LONGEST = 4 * SPAN  # of a gap whose energy is known


MEMORY = bytearray(BLOCKS * BLOCK)  # of all chips in turn: the heap has no room for many


class CountingFlash(RamFlash):
    """Counts the bytes read, too."""

    def __init__(self, blocks):
        self.content = memoryview(MEMORY)[: blocks * BLOCK]
        for at in range(0, len(self.content), BLOCK):
            self.content[at : at + BLOCK] = b"\xff" * BLOCK
        self.writes = self.erases = self.read = 0
        self.cut_at = None

    def readblocks(self, number, buffer, offset=0):
        self.read += len(buffer)
        RamFlash.readblocks(self, number, buffer, offset)


def chip(blocks=BLOCKS):
    """Mount a new chip with the folder."""
    unmount()
    flash = CountingFlash(blocks)
    vfs.VfsLfs2.mkfs(flash)
    mounted(flash)
    os.mkdir(HISTORY)
    return flash


def put(quarter, imported, exported=0, kind=BOTH, is_broken=False, is_sure=True, key=KEY):
    """Record a boundary; return the last code."""
    code = AGAIN
    while code == AGAIN:
        code = energy_log.append(HISTORY, key, quarter, kind, imported, exported, is_broken, is_sure)
    return code


def got(first, last, key=KEY, troubles=None):
    """What is known from one quarter to another, as a list."""
    found = troubles if troubles is not None else []
    known = [interval for interval in intervals(HISTORY, key, first, last, found) if interval is not None]
    assert troubles is not None or not found, found
    return known


class Model:
    """What should be known: all intervals in a list, as they were recorded."""

    def __init__(self):
        self.known = []
        self.last = None

    def put(self, quarter, imported, exported=0, kind=BOTH, is_broken=False):
        last, self.last = self.last, (quarter, imported, exported, kind)
        if not last or quarter < last[0] or quarter - last[0] > LONGEST or is_broken:
            self._void(quarter - 1, quarter)
        elif quarter > last[0]:
            self._void(last[0], quarter)
            if kind == last[3] and imported >= last[1] and exported >= last[2]:
                energies = [imported - last[1], exported - last[2]]
                for side in (0, 1):
                    energies[side] = None if kind[side] == NONE else energies[side]
                exponents = [power - 256 if power > 127 else power for power in kind[2:]]
                self.known.append((last[0], quarter - last[0], energies[0], exponents[0], energies[1], exponents[1]))
        else:
            self.last = last

    def _void(self, start, end):
        self.known = [one for one in self.known if one[0] + one[1] <= start or one[0] >= end]

    def got(self, first, last):
        return sorted([one for one in self.known if one[0] >= first and one[0] + one[1] <= last])


# What happens, and the intervals that are known then: (start, count, import, export), quarters counted from Q.
STORIES = (
    ("nothing", (), ()),
    ("one boundary", ((0, 100, 5),), ()),
    ("two", ((0, 100, 5), (1, 107, 5)), ((0, 1, 7, 0),)),
    ("nothing used", ((0, 100, 5), (1, 100, 5), (2, 100, 6)), ((0, 1, 0, 0), (1, 1, 0, 1))),
    ("the same boundary twice", ((0, 100, 5), (1, 107, 5), (1, 109, 6), (2, 110, 6)), ((0, 1, 7, 0), (1, 1, 3, 1))),
    ("a gap keeps its energy", ((0, 100, 5), (4, 190, 6), (5, 191, 6)), ((0, 4, 90, 1), (4, 1, 1, 0))),
    ("a gap of 35 days", ((0, 100, 5), (3384, 190, 6)), ((0, 3384, 90, 1),)),
    ("a longer one", ((0, 100, 5), (3385, 190, 6), (3386, 191, 7)), ((3385, 1, 1, 1),)),
    ("import was reset", ((0, 100, 5), (1, 3, 5), (2, 5, 6)), ((1, 1, 2, 1),)),
    ("export was reset", ((0, 100, 5), (1, 103, 0), (2, 105, 1)), ((1, 1, 2, 1),)),
    ("negative mantissas", ((0, -100, -5), (1, -90, -5), (2, 10, 20)), ((0, 1, 10, 0), (1, 1, 100, 25))),
    ("all of 32 bits", ((0, -MOST - 1, -MOST - 1), (1, MOST, MOST)), ((0, 1, 2 * MOST + 1, 2 * MOST + 1),)),
    ("wrapped", ((0, MOST, 0), (1, -MOST - 1, 0), (2, 4 - MOST, 0)), ((1, 1, 5, 0),)),
    ("clock ahead by one", ((0, 100, 5), (1, 107, 5), (1, 111, 5, "step"), (2, 113, 5)), ((1, 1, 2, 0),)),
    (
        "clock far ahead",
        ((0, 0, 0), (1, 1, 0), (90, 3, 0, "step"), (91, 6, 0), (2, 10, 0, "step"), (3, 15, 0)),
        ((0, 1, 1, 0), (2, 1, 5, 0)),
    ),
    (
        "clock far ahead, for days",
        ((0, 0, 0), (1, 1, 0)) + tuple((5 * SPAN + n, n, 0) for n in range(300)) + ((2, 400, 0), (3, 415, 0)),
        ((0, 1, 1, 0), (2, 1, 15, 0)),
    ),
    ("clock ahead, found at a start", ((0, 0, 0), (1, 1, 0), (2, 3, 0), (1, 5, 0), (2, 9, 0)), ((1, 1, 4, 0),)),
    (
        "clock ahead, then time gets there",
        ((0, 0, 0), (90, 3, 0, "step"), (91, 6, 0), (1, 10, 0, "step"), (88, 20, 0), (89, 21, 0), (90, 22, 0), (91, 24, 0)),
        ((1, 87, 10, 0), (88, 1, 1, 0), (89, 1, 1, 0), (90, 1, 2, 0)),
    ),
    (
        "clock behind for a while",
        tuple((n, n, 0) for n in range(70)) + ((10, 75, 0, "step"), (11, 77, 0), (70, 80, 0, "step"), (71, 90, 0)),
        tuple((n, 1, 2 if n == 10 else 10 if n == 70 else 1, 0) for n in range(71) if n not in (9, 69)),
    ),
    ("reset and a gap", ((0, 9, 0), (1, 10, 0), (7, 3, 0), (8, 5, 0)), ((0, 1, 1, 0), (7, 1, 2, 0))),
    ("clock behind", ((0, 0, 0), (1, 1, 0), (5, 7, 0, "step"), (6, 9, 0)), ((0, 1, 1, 0), (5, 1, 2, 0))),
)
# What puts an entry over a limit of its form
ENERGIES = (0, 1, 31, 32, 127, 128, 4095, 4096, 16383, 16384, 524287, 524288, (1 << 21) - 1, 1 << 21, 1 << 28, 1 << 29, 1 << 30)


def test_stories():
    for what, samples, expected in STORIES:
        chip()
        model = Model()
        for quarter, imported, exported, *step in samples:
            assert put(Q + quarter, imported, exported, is_broken=bool(step)) == RECORDED, what
            model.put(Q + quarter, imported, exported, is_broken=bool(step))
        last = Q + samples[-1][0] if samples else Q
        expected = [(Q + start, count, imported, 0, exported, 0) for start, count, imported, exported in expected]
        assert got(Q - 5, last) == expected == model.got(Q - 5, last), what


def test_energies_of_every_size():
    for imported in ENERGIES:
        for exported in ENERGIES:
            for gap in (1, 2, 127, 128, 800):
                chip(8)
                put(Q, -5, -1)
                put(Q + gap, imported - 5, exported - 1)
                assert got(Q, Q + gap) == [(Q, gap, imported, 0, exported, 0)], (imported, exported, gap)


def test_counters_that_are_not_there():
    chip()
    put(Q, 5, 0, IMPORT)
    put(Q + 1, 7, 0, IMPORT)
    put(Q + 2, 5, 7, OTHERS[4])
    put(Q + 3, 5, 8, OTHERS[4])
    assert got(Q, Q + 9) == [(Q, 1, 2, 2, None, 0), (Q + 2, 1, None, 0, 1, 3)]


def test_a_jump_is_not_believed_at_once():
    chip()
    put(Q, 500, 100)
    for kind, imported, exported in ((BOTH, 499, 100), (BOTH, 500, 99), (IMPORT, 500, 100), (OTHERS[2], 500, 100)):
        assert put(Q + 1, imported, exported, kind, is_sure=False) == DOUBTFUL
    assert put(Q + 1, 501, 101, is_sure=False) == RECORDED
    assert put(Q + 1, 3, 3, is_sure=False) == RECORDED, "it is there already"
    assert put(Q + 2, 3, 3) == RECORDED and put(Q + 3, 4, 4, is_sure=False) == RECORDED
    assert put(Q + 1, 9, 9, is_sure=False) == RECORDED, "only the clock tells that"
    assert got(Q, Q + 1) == []
    assert put(Q + 2, 10, 10, is_sure=False) == RECORDED
    assert got(Q, Q + 2) == [(Q + 1, 1, 1, 0, 1, 0)]


def test_a_marked_quarter_is_missing_after_a_restart():
    for boundaries in range(1, 60):  # so that the mark comes to a growing file that is full, too
        chip(16)
        energy_log.mark(HISTORY, KEY)
        assert os.listdir(HISTORY) == [], "nothing to mark"
        for number in range(boundaries):
            put(Q + number, 300 * number)
        energy_log.mark(HISTORY, KEY)
        energy_log.mark(HISTORY, KEY)
        put(Q + boundaries, 300 * boundaries)
        put(Q + boundaries + 1, 300 * boundaries + 1)
        expected = [(Q + number, 1, 300, 0, 0, 0) for number in range(boundaries - 1)]
        assert got(Q, Q + 99) == expected + [(Q + boundaries, 1, 1, 0, 0, 0)], boundaries


def test_random_stories():
    for seed in range(20):
        random.seed(seed)
        chip(32)
        model = Model()
        quarter, imported, exported, kind = Q + random.randrange(3000), 0, 0, BOTH
        for _ in range(400):
            quarter += 1
            imported += random.choice((0, 3, 40, 200, 5000, 600000))
            exported += random.choice((0, 0, 0, 90, 7000))
            is_broken = False
            event = random.randrange(60)
            if event == 0:
                imported = random.randrange(-50, 50)
            elif event == 1:
                kind = random.choice(OTHERS)
            elif event == 2:
                quarter += random.randrange(200)
            elif event == 3:
                quarter += random.choice((-30, -1, 0, 1, 200, -200))
                is_broken = random.randrange(2)
            elif event == 4 and model.last:
                quarter = model.last[0]  # a restart just behind the boundary
            if model.last and quarter - model.last[0] > 1 and quarter // SPAN != model.last[0] // SPAN:
                quarter = model.last[0] + 1  # what a gap over the end of a span hides: docs/history.md, limits
            if kind[0] == NONE:
                imported = 0
            if kind[1] == NONE:
                exported = 0
            put(quarter, imported, exported, kind, is_broken)
            model.put(quarter, imported, exported, kind, is_broken)
            if random.randrange(40) == 0:
                first = quarter - random.randrange(500)
                assert got(first, quarter) == model.got(first, quarter), (seed, first, quarter)
        known, expected = got(Q, quarter), model.got(Q, quarter)
        assert known == expected, (seed, set(known) ^ set(expected))


def history(count, imported=200, exported=0, start=0):
    """Record boundaries from Q + start to before Q + count, each with so much more than the one before."""
    for number in range(start, count):
        put(Q + number, imported * number, exported * number)


def usual(start, end, imported=200, exported=0):
    """What history() leaves known between two boundaries, counted from Q."""
    return [(Q + number, 1, imported, 0, exported, 0) for number in range(start, end)]


def is_usual(start, end, imported=200, exported=0, key=KEY):
    """Whether all of that is known, and nothing else; without a long list, which would break up the heap."""
    troubles = []
    number = start
    for interval in intervals(HISTORY, key, Q + start, Q + end, troubles):
        if interval is not None:
            if interval != (Q + number, 1, imported, 0, exported, 0):
                return False
            number += 1
    return number == end and not troubles


def test_power_cut_at_every_operation():
    """A cycle in which a chunk is finished, a span begins and an old one is removed: nothing recorded is lost or torn."""
    start = chip(24).content
    first = 5 * SPAN + 46  # four boundaries before a chunk ends, the first of its span
    history(first)
    start = bytes(start)
    for what, boundaries in (("an entry", 1), ("a chunk", 10)):
        cuts = 0
        while True:
            cuts += 1
            flash = mounted(RamFlash(content=start))
            flash.cut_at = cuts
            now = first
            try:
                for now in range(first, first + boundaries):
                    put(Q + now, 200 * now)
                break
            except PowerCut:
                pass
            mounted(RamFlash(content=flash.content))
            known = got(Q + now - 200, Q + now)
            expected = usual(now - 200, now)
            assert known in (expected, expected[:-1]), (what, cuts, now)
            if cuts % 20 == 0:
                assert is_usual(now - DAYS_35, now - 1), (what, cuts)
            # It goes on, the boundary that was interrupted included.
            assert put(Q + now, 200 * now) == RECORDED and put(Q + now + 1, 200 * now + 1) == RECORDED
            assert got(Q + now - 1, Q + now + 1) == usual(now - 1, now) + usual(now, now + 1, 1), (what, cuts)
        assert cuts > 2 * boundaries, what
    names = sorted(os.listdir(HISTORY))  # of the last run
    assert names == [KEY] + [f"{KEY}.{number}" for number in range(2346, 2351)], names


def test_power_cut_in_the_first_quarters():
    empty_chip = bytes(chip(8).content)
    cuts = 0
    while True:
        cuts += 1
        flash = mounted(RamFlash(content=empty_chip))
        flash.cut_at = cuts
        done = 0
        try:
            put(Q, 5)
            done = 1
            put(Q + 1, 7)
            done = 2
            energy_log.mark(HISTORY, KEY)
            done = 3
            put(Q + 2, 8)
            done = 4
            break
        except PowerCut:
            pass
        mounted(RamFlash(content=flash.content))
        known = got(Q, Q + 2)
        assert known == usual(0, 1, 2) or (done < 2 and not known), (cuts, done, known)
        put(Q + 2, 8)
        known = got(Q + 1, Q + 2)
        assert known == [] if done > 2 else done < 2 or known in ([], usual(1, 2, 1)), (cuts, done, known)
        put(Q + 3, 10)
        assert got(Q + 2, Q + 3) == usual(2, 3, 2), (cuts, done)
    assert cuts > 5 and done == 4, cuts


def test_every_flipped_bit_is_noticed():
    chip(16)
    history(150)
    with open(HISTORY + "/" + KEY, "rb") as file:
        tail = file.read()
    name = f"{KEY}.{Q // SPAN}"
    with open(HISTORY + "/" + name, "rb") as file:
        finished = file.read()
    expected = usual(0, 149)
    for path, content in ((KEY, tail), (name, finished[:250])):
        for at in range(len(content)):
            for bit in (0, 3, 7):
                with open(HISTORY + "/" + path, "wb") as file:
                    file.write(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
                troubles = []
                known = got(Q, Q + 150, troubles=troubles)
                assert len(troubles) == 1 and "damaged" in troubles[0], (path, at, bit, troubles)
                assert 0 < len(known) < len(expected), (path, at, bit)
                assert all([one in expected for one in known]), (path, at, bit)
        with open(HISTORY + "/" + path, "wb") as file:
            file.write(content)
    with open(HISTORY + "/" + name, "wb") as file:
        file.write(finished)
    assert got(Q, Q + 150) == expected


def test_foreign_and_truncated_files():
    name = f"{KEY}.{Q // SPAN}"
    for what, content in (
        ("text", b"hello\n"),
        ("erased flash", b"\xff" * 300),
        ("NULs", bytes(300)),
        ("magic bytes", b"\xe5" * 9000),
        ("heads without an end", pack(energy_log.HEAD, energy_log.MAGIC, 15, 0, BOTH, Q, Q) * 20),
    ):
        for path in (KEY, name):
            chip(16)
            history(150)
            expected = usual(0, 149)
            with open(HISTORY + "/" + path, "wb" if path == KEY else "ab") as file:
                file.write(content)
            troubles = []
            known = got(Q, Q + 150, troubles=troubles)
            assert all([one in expected for one in known]) and len(known) > 90, (what, path)
            assert len(troubles) == 1 and KEY in troubles[0], (what, path, troubles)
            assert put(Q + 151, 30200) == (DAMAGED if path == KEY else RECORDED), (what, path)
            put(Q + 152, 30201)
            assert got(Q + 151, Q + 152, troubles=[]) == [(Q + 151, 1, 1, 0, 0, 0)], (what, path)
    for path in (KEY, name):
        chip(16)
        history(150)
        expected = usual(0, 149)
        with open(HISTORY + "/" + path, "rb") as file:
            content = file.read()
        for length in range(0, len(content), 3):
            with open(HISTORY + "/" + path, "wb") as file:
                file.write(content[:length])
            known = got(Q, Q + 150, troubles=[])
            assert known and all([one in expected for one in known]), (path, length)


def test_what_is_old_is_removed():
    chip()
    put(Q, 5, key="gone")
    put(Q + 9 * SPAN, 5, key="gone")
    for now in range(500, 8 * SPAN + 60, 500):
        history(now, start=now - 500)
        assert is_usual(max(0, now - 1 - DAYS_35), now - 1), now
    history(8 * SPAN + 60, start=now)
    names = sorted([name for name in os.listdir(HISTORY) if "." in name])
    assert names == [f"{KEY}.{number}" for number in range(2349, 2354)], names
    assert "gone" in os.listdir(HISTORY), "its last chunk is small and stays"
    for number in range(2360, 2400, 2):  # now and then a day
        put(number * SPAN, 5)
        put(number * SPAN + 1, 5, is_broken=True)
    assert len(os.listdir(HISTORY)) <= 11, os.listdir(HISTORY)


def test_a_wrong_clock_removes_nothing():
    for wrong in (30 * SPAN - 100, -30 * SPAN - 100):  # a span begins there, too
        chip(48)
        history(DAYS_35)
        for number in range(200):
            put(Q + wrong + number, 200 * DAYS_35 + number, is_broken=number == 0)
        put(Q + DAYS_35, 300 * DAYS_35, is_broken=True)
        put(Q + DAYS_35 + 1, 300 * DAYS_35 + 200)
        assert is_usual(0, DAYS_35 - 1)
        assert got(Q + DAYS_35 - 5, Q + DAYS_35 + 1)[4:] == usual(DAYS_35, DAYS_35 + 1)


def test_thirty_five_days_of_17_meters_fit():
    """Each quarter with both energies, each of two bytes: more than a meter has."""
    chip()
    before = os.statvfs(FOLDER)[3]
    count = DAYS_35 + SPAN
    history(count, 900, 1900)
    per_meter = before - os.statvfs(FOLDER)[3]
    for meter in range(16):
        for name in os.listdir(HISTORY):
            if name.startswith(KEY):
                with open(HISTORY + "/" + name, "rb") as file, open(HISTORY + f"/{meter}" + name[len(KEY) :], "wb") as copy:
                    copy.write(file.read())
    for meter in range(16):
        assert put(Q + count, 900 * count, 1900 * count, key=str(meter)) == RECORDED
    for key in (KEY, "0", "15"):
        assert is_usual(count - 1 - DAYS_35, count - 1, 900, 1900, key), key
    left = os.statvfs(FOLDER)[3]
    print("blocks per meter:", per_meter, "left with 17:", left)
    assert per_meter <= 6 and left >= 40, (per_meter, left)


def test_wear():
    """Four meters, a day: see docs/history.md."""
    flash = chip()
    start = None
    worst = 0
    for number in range(2 * 96):
        if number == 96:
            start = flash.erases
        for meter in "1234":
            for _ in range(2):
                before = flash.erases
                code = energy_log.append(HISTORY, meter, Q + number, BOTH, 200 * number, 90 * number)
                worst = max(worst, flash.erases - before)
                if code != AGAIN:
                    break
    print("erases a day with four meters:", flash.erases - start, "at once:", worst)
    assert flash.erases - start <= 40 and worst <= 2, (flash.erases - start, worst)


def test_a_day_is_read_from_little():
    flash = chip()
    history(DAYS_35 + SPAN)
    flash.read = 0
    assert len(got(Q + DAYS_35, Q + DAYS_35 + 96)) == 96
    print("bytes read for a day:", flash.read)
    assert flash.read < 25 * BLOCK, "most of it is littlefs looking for files in the folder"


def test_a_full_flash_gives_up_old_history_first():
    chip(40)
    history(DAYS_35)
    filler = fill()
    os.remove(filler + "/0")
    history(DAYS_35 + 60, start=DAYS_35)
    assert f"{KEY}.2345" not in os.listdir(HISTORY)
    assert is_usual(2 * SPAN + 900, DAYS_35 + 59), "this span and the one before stay"
    empty(filler)


def test_a_flash_that_takes_nothing_leaves_all():
    chip(24)
    model = Model()
    fill()
    failures = 0
    for number in range(401):
        if number == 400:
            empty(FOLDER + "/filler")
        try:
            put(Q + number, 200 * number)
            model.put(Q + number, 200 * number)
        except OSError:
            failures += 1
        if number % 10 == 0:
            assert got(Q, Q + number) == model.got(Q, Q + number), number
    assert failures and model.last[0] == Q + 400
