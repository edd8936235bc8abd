"""The journal on littlefs: in order, at least once and hardly ever twice, whatever power, flash and links do."""

import os
import random
from binascii import crc32
from struct import pack

import vfs

from host_tests.fakes.ram_flash import BLOCK, FOLDER, PowerCut, RamFlash, empty, fill, mounted, unmount
from lib.store import journal
from lib.store.journal import AGAIN, WINDOW, Journal
from lib.store.journal_record import CURSORS, MAGIC, MOST, ROOM

PLACE = FOLDER + "/journal"
BOTH, FIRST, SECOND = 3, 1, 2  # masks of links
SENT_AGAIN = 23 + WINDOW  # acknowledged records that a power cut may make be sent again: 23, and those of one acknowledgement
ENOSPC, EIO = 28, 5
BLOCKS = 144  # of the partition: boards/partitions.csv
SMALL = {"segments": 5, "segment": 1500, "tail": 1000}


MEMORY = bytearray(BLOCKS * BLOCK)  # of all chips in turn: the heap has no room for many


SAVED = bytearray(12 * BLOCK)


class Chip(RamFlash):
    """In MEMORY, with this on it or erased. `is_dead`: what a power cut left open may no longer do anything to it."""

    def __init__(self, blocks, content=None):
        self.content = memoryview(MEMORY)[: blocks * BLOCK]
        for at in range(0, len(self.content), BLOCK):
            self.content[at : at + BLOCK] = content[at : at + BLOCK] if content else b"\xff" * BLOCK
        self.writes = self.erases = 0
        self.cut_at = None
        self.is_dead = False

    def readblocks(self, number, buffer, offset=0):
        return -EIO if self.is_dead else RamFlash.readblocks(self, number, buffer, offset)

    def writeblocks(self, number, buffer, offset=0):
        return -EIO if self.is_dead else RamFlash.writeblocks(self, number, buffer, offset)

    def ioctl(self, op, argument):
        return -EIO if self.is_dead else RamFlash.ioctl(self, op, argument)


def chip(blocks=16, content=None):
    """Mount a new chip, or one with this on it."""
    unmount()
    if content:
        blocks = len(content) // BLOCK
    flash = Chip(blocks, content)
    if not content:
        vfs.VfsLfs2.mkfs(flash)
    return mounted(flash)


def power_is_back(flash):
    """Mount what is on a chip anew."""
    unmount()
    flash.is_dead = True
    return chip(content=flash.content)


def settle(work):
    """Call flush() or tidy() until it has nothing more to do; return how often."""
    for count in range(1, 300):
        if not work():
            return count
    raise AssertionError("no end")


class World:
    """A journal and what should be true of it: records are numbered by what append() returns, in order of time."""

    def __init__(self, **options):
        self.options = options
        self.records = []  # (sequence number, mask, content)
        self.safe = 0  # so many of them are on flash or were not needed
        self.acked = [set(), set()]  # of each link
        self.newest = None  # sequence number, of all that ever were
        self.lost = set()  # was in RAM only when power failed
        self.restarts = 0
        self.buffer = bytearray(ROOM)
        self.wanted = BOTH
        self.start()

    def start(self):
        """Power comes back; what was not on flash is gone."""
        self.journal = Journal(PLACE, **self.options)
        for link in (0, 1):
            self.journal.want(link, bool(self.wanted >> link & 1))
        for place in range(self.safe, len(self.records)):
            self.lost.add(self.records[place][0])
        self.safe = len(self.records)
        self.flying = [[], []]
        self.again = [0, 0]
        self.last = [-1, -1]  # place of the record read last

    def restart(self):
        self.restarts += 1
        self.start()

    def append(self, content, mask=BOTH):
        sequence = self.journal.append(content, mask)
        if not mask & self.wanted:
            assert sequence is None
            return
        assert sequence is not None
        assert self.newest is None or 0 < sequence - self.newest & 0xFFFFFFFF < 1 << 31, (sequence, self.newest)
        self.newest = sequence
        self.records.append((sequence, mask & self.wanted, bytes(content)))

    def flush(self):
        settle(self.journal.flush)
        if self.journal.failure is None:
            self.safe = len(self.records)

    def tidy(self):
        count = settle(self.journal.tidy)
        if not self.journal._used:
            self.safe = len(self.records)
        return count

    def read(self, link):
        """Read the next record and check it; return whether there was one."""
        for _ in range(3000):
            found = self.journal.read(link, self.buffer)
            if found is None:
                return False
            if found == AGAIN:
                continue
            sequence, view = found
            place = len(self.records) - 1
            while self.records[place][0] != sequence:
                place -= 1
            assert self.records[place][1] >> link & 1 and self.records[place][2] == bytes(view), (link, sequence)
            assert place > self.last[link], (link, place, self.last)
            self.last[link] = place
            if sequence in self.acked[link]:
                self.again[link] += 1
                assert self.restarts and self.again[link] <= SENT_AGAIN, (link, sequence, self.again)
            self.flying[link].append(sequence)
            return True
        raise AssertionError("read() comes to no end")

    def acknowledge(self, link, count=WINDOW):
        """Acknowledge the first so many of those that are on their way."""
        done = self.flying[link][:count]
        if done and self.journal.acknowledge(link, done[-1]):
            self.acked[link].update(done)
            self.flying[link] = self.flying[link][len(done) :]

    def rewind(self, link):
        self.journal.rewind(link)
        self.flying[link] = []
        self.last[link] = -1
        for place, record in enumerate(self.records):
            if record[0] in self.acked[link] and not self.restarts:
                self.last[link] = place

    def drain(self):
        """Let both links have all there is."""
        for link in (0, 1):
            self.rewind(link)
            while self.read(link):
                self.acknowledge(link)

    def missing(self, link):
        """Return the places of the records that a link should have had and never acknowledged."""
        return [
            place
            for place, (sequence, mask, _) in enumerate(self.records)
            if mask >> link & 1 and sequence not in self.acked[link] and sequence not in self.lost
        ]

    def check(self, uncounted=0):
        """All that is not acknowledged was dropped and counted, but for so many; nothing else was."""
        self.drain()
        for link in (0, 1):
            missing = len(self.missing(link))
            dropped = self.journal.dropped(link)
            assert missing - uncounted <= dropped <= missing + SENT_AGAIN * self.restarts, (link, missing, dropped)
            assert self.journal.backlog(link) == 0 and self.journal.read(link, self.buffer) is None


def content(number, size=90):
    text = b"record %d " % number
    return text + bytes([number * 7 + at & 255 for at in range(size - len(text))])


def files():
    return sorted([name for name in os.listdir(PLACE) if name != "cursors"])


def test_good_weather_leaves_the_flash_alone():
    flash = chip()
    world = World()
    world.append(content(0))
    done = flash.writes
    for number in range(1, 600):
        world.append(content(number))
        for link in (0, 1):
            while world.read(link):
                world.acknowledge(link)
        assert world.tidy() == settle(world.journal.flush) == 1
    assert flash.writes == done and files() == []
    world.restart()
    world.append(b"later")  # and its number is a new one
    world.check()
    assert [world.journal.dropped(link) for link in (0, 1)] == [0, 0] and world.records[-1][0] > 4096


def test_an_outage_of_one_link():
    chip()
    world = World()
    for number in range(300):
        world.append(content(number))
        world.read(1)
        world.acknowledge(1)
        if number % 4 == 3:
            world.flush()
        world.tidy()
    assert world.journal.backlog(0) == 300 and world.journal.backlog(1) == 0 and len(files()) == 3
    world.restart()
    assert world.journal.backlog(0) == 300 and world.journal.backlog(1) <= SENT_AGAIN
    world.check()
    assert not world.missing(0) and not world.missing(1) and world.journal.dropped(0) == 0
    world.tidy()
    assert files() == []


def test_each_link_gets_its_own():
    chip()
    world = World()
    for number in range(200):
        world.append(content(number), BOTH if number % 10 == 0 else FIRST if number % 3 else SECOND)
        if number % 5 == 0:
            world.flush()
    expected = [len([record for record in world.records if record[1] & mask]) for mask in (FIRST, SECOND)]
    for _ in range(2):
        assert [world.journal.backlog(link) for link in (0, 1)] == expected
        world.flush()
        world.restart()
    world.check()
    assert world.journal.dropped(0) == world.journal.dropped(1) == 0


def test_records_for_a_link_that_is_up_do_not_fill_the_ring():
    flash = chip()
    world = World()
    for number in range(1000):
        world.append(content(number), FIRST if number % 50 == 0 else SECOND)
        world.read(1)
        world.acknowledge(1)
        world.flush()
    assert len(files()) == 1 and os.stat(PLACE + "/" + files()[0])[6] < 20 * 120
    assert flash.erases < 60, flash.erases
    world.check()


def test_a_link_that_is_off_holds_nothing():
    chip()
    world = World()
    for number in range(60):
        world.append(content(number))
        world.tidy()
    world.flush()
    world.journal.want(0, False)
    world.wanted = SECOND
    assert world.journal.backlog(0) == 0 and world.journal.backlog(1) == 60
    world.append(b"not for the first")
    world.append(b"for nobody", FIRST)
    while world.read(1):
        world.acknowledge(1)
    world.tidy()
    assert files() == []
    world.wanted = BOTH
    world.restart()
    world.append(b"for both")
    assert world.read(0) and world.flying[0] == [world.records[-1][0]]
    assert world.journal.dropped(0) == 0


def test_no_more_than_a_window_is_under_way():
    chip()
    world = World()
    for number in range(30):
        world.append(content(number, 40))
    for first in (0, 3):
        for _ in range(WINDOW - world.journal._links[0].flying):
            assert world.read(0)
        assert not world.read(0)
        world.acknowledge(0, 3)
        assert not world.journal.acknowledge(0, world.records[first][0]), "that one is done"
    for stranger in (0, 12345678, 0xFFFFFFFF, world.records[20][0]):
        assert not world.journal.acknowledge(0, stranger)
    world.check()
    try:
        world.journal.append(bytes(MOST + 1))
        raise AssertionError
    except ValueError:
        pass
    world.append(bytes(MOST))
    world.append(b"")
    world.check()


def cycle(world):
    """Append, wrap, acknowledge; the second link lags behind, the first is up now and then."""
    number = len(world.records)
    for step in range(26):
        for _ in range(3):
            world.append(content(number, 40 + number * 37 % 110), (BOTH, SECOND, BOTH, FIRST)[number & 3])
            number += 1
            world.tidy()
        if step % 2:
            world.flush()
        if step % 6 > 3:
            while world.read(0):
                world.acknowledge(0, 2)
        if step == 13:
            for _ in range(4):
                world.read(1)
            world.acknowledge(1, 3)
        world.tidy()


def survived(world, what):
    """What has to be true after a power cut: first of what is on flash, then of what comes."""
    before = [set(acked) for acked in world.acked]
    world.restart()
    for link in (0, 1):
        count = world.journal.dropped(link)
        while world.read(link):
            world.acknowledge(link)
        lost = world.missing(link)
        got = [place for place, record in enumerate(world.records) if record[0] in world.acked[link] - before[link]]
        assert not lost or not got or lost[-1] < got[0], (what, link, "not the oldest were dropped")
        assert len(lost) <= world.journal.dropped(link) <= len(lost) + SENT_AGAIN, (what, link, count, len(lost))
        assert world.journal.backlog(link) == 0, (what, link)
    assert world.journal.trouble == "", (what, world.journal.trouble)
    world.tidy()
    assert files() == [], what
    for number in range(30):
        world.append(content(number))
        world.flush()
    world.check()


def test_power_cut_at_every_operation():
    """On a new chip, and on one whose ring is full; every fourth time power fails again soon after it came back."""
    for what, cycles in (("a new chip", 0), ("a full ring", 2)):
        flash = chip(12)
        first = World(**SMALL)
        for _ in range(cycles):
            cycle(first)
        first.flush()
        saved = SAVED
        saved[:] = flash.content
        cuts = 0
        while True:
            cuts += 1
            flash = chip(content=saved)
            world = World(**SMALL)
            world.restarts = 1
            world.newest, world.records, world.acked = first.newest, list(first.records), [set(acked) for acked in first.acked]
            world.safe = len(world.records)
            flash.cut_at = cuts
            try:
                cycle(world)
                flash.cut_at = None
                break
            except PowerCut:
                pass
            if cuts % 4 == 0:
                flash = power_is_back(flash)
                flash.cut_at = cuts // 4 % 9 + 1
                try:
                    world.restart()
                    for number in range(9):
                        world.append(content(number))
                        world.flush()
                        world.read(1)
                        world.acknowledge(1)
                except PowerCut:
                    pass
            power_is_back(flash)
            survived(world, (what, cuts))
        print(what, "cuts:", cuts, "dropped:", world.journal.dropped(1))
        assert cuts > 100 and world.journal.dropped(1) > 5 and len(files()) >= 4
        survived(world, what)


def test_power_cut_while_links_catch_up():
    """Acknowledging, and removing what both have."""
    flash = chip(12)
    first = World(**SMALL)
    for number in range(60):
        first.append(content(number))
        first.flush()
    saved = SAVED
    saved[:] = flash.content
    cuts = 0
    while True:
        cuts += 1
        flash = chip(content=saved)
        world = World(**SMALL)
        world.restarts = 1
        world.newest, world.records, world.safe = first.newest, list(first.records), 60
        flash.cut_at = cuts
        try:
            world.check()
            world.tidy()
            flash.cut_at = None
            break
        except PowerCut:
            pass
        power_is_back(flash)
        survived(world, cuts)
        assert world.journal.dropped(0) == first.journal.dropped(0), cuts
    assert cuts > 8 and files() == [], (cuts, files())


def test_a_full_flash():
    """It is told, what is stored stays, what has no room any more is dropped and counted; later it works again."""
    chip()
    world = World(segment=1500, tail=1000)
    for number in range(20):
        world.append(content(number))
        world.flush()
    stored = files()
    filler = fill()
    for number in range(20, 24):
        world.append(content(number))
    assert not world.journal.flush() and world.journal.failure.errno == ENOSPC
    assert files() == stored and world.journal.dropped(0) == 0
    for _ in range(10):
        assert world.read(0) and world.read(1)
        world.acknowledge(0, 1)
        world.acknowledge(1, 1)
    world.restart()  # what was in RAM only is lost
    assert world.journal.backlog(0) >= 10 and not world.missing(0)[20:]
    for number in range(24, 48):
        world.append(content(number))
        world.tidy()
        world.flush()
    assert world.journal.failure and files() == stored
    empty(filler)
    world.append(b"after")
    world.flush()
    assert world.journal.failure is None and world.safe == len(world.records)
    world.check()
    print("dropped by a full flash:", len(world.missing(0)))
    assert 10 < len(world.missing(0)) < 20 and len(world.missing(1)) == len(world.missing(0))
    world.tidy()
    assert files() == []
    dropped = world.journal.dropped(0)
    world.restart()
    assert world.journal.dropped(0) == dropped


def test_no_memory_for_a_file():
    """Neither lost nor taken for damage: it is for later."""

    def refuse(*_):
        raise MemoryError

    chip()
    world = World(**SMALL)
    for number in range(18):
        world.append(content(number))
        world.flush()
    for work in (world.journal.flush, lambda: world.read(0)):
        world.append(content(20))
        journal.open = refuse
        try:
            settle(work)
        except MemoryError:
            pass
        finally:
            del journal.open
    assert isinstance(world.journal.failure, MemoryError) and world.journal.trouble == ""
    world.check()
    assert world.journal.dropped(0) == world.journal.dropped(1) == 0 and not world.missing(0)
    for _ in range(3):
        world.append(content(21))
        world.flush()
    journal.open = refuse
    world.journal.want(0, False)
    del journal.open
    world.append(content(22))
    world.flush()
    world.restart()
    assert world.journal.backlog(0) == 0 and world.journal.backlog(1) == 4


def test_the_ring_gives_way_when_the_flash_gets_full():
    chip(48)
    world = World(segments=24, segment=4096)
    number = 0
    while len(files()) < 12:
        world.append(content(number))
        world.flush()
        number += 1
    filler = fill()
    for name in os.listdir(filler)[:3]:
        os.remove(filler + "/" + name)
    for more in range(150):
        world.append(content(number + more))
        world.flush()
        assert world.journal.failure is None
    assert 4 <= len(files()) < 12 and world.journal.dropped(0) > 100, files()
    world.check()


def damaged_ring():
    chip()
    world = World(segments=20, segment=1500)
    for number in range(90):
        world.append(content(number))
        world.flush()
    return world


def test_damage_is_skipped_and_told():
    for seed in range(60):
        random.seed(seed)
        world = damaged_ring()
        names = files()
        for _ in range(1 + seed % 3):
            path = PLACE + "/" + random.choice(names)
            with open(path, "rb") as file:
                found = bytearray(file.read())
            at = random.randrange(len(found))
            event = random.randrange(5)
            if event == 0:
                found[at] ^= 1 << random.randrange(8)
            elif event == 1:
                for place in range(at, min(at + random.randrange(400), len(found))):
                    found[place] = random.randrange(256)
            elif event == 2:
                found = found[:at]
            elif event == 3:
                found[at:at] = bytes([MAGIC]) * random.randrange(300)
            else:
                found = bytearray(random.choice((b"", b"hello", bytes(3000), b"\xff" * 2000, bytes([MAGIC]) * 2000)))
            with open(path, "wb") as file:
                file.write(found)
        is_running = seed % 2
        if not is_running:
            world.restart()
        for number in range(90, 100):
            world.append(content(number))
            world.flush()
        world.check(0 if is_running else 13)  # what was in the newest segment behind the damage is not known after a start
        missing = len(world.missing(0))
        assert (world.journal.trouble != "") or missing == 0 or event in (2, 4), (seed, world.journal.trouble)
        assert missing < 60, (seed, missing)
        world.tidy()
        assert files() == [], seed


def test_files_that_are_gone_or_not_ours():
    world = damaged_ring()
    names = files()
    os.remove(PLACE + "/" + names[2])
    for name in ("hello", "0123456789abcdefghijklmn", "readme.txt"):
        with open(PLACE + "/" + name, "wb") as file:
            file.write(b"hello")
    world.restart()
    world.check()
    assert 10 <= len(world.missing(0)) <= 15 and world.missing(0) == world.missing(1)
    world.tidy()
    assert files() == ["0123456789abcdefghijklmn", "hello", "readme.txt"]
    world = damaged_ring()
    os.remove(PLACE + "/" + files()[-1])
    os.remove(PLACE + "/" + files()[0])
    world.check()
    assert world.journal.trouble


def test_damaged_cursors():
    """All that is on flash is sent again, and no sequence number is used twice."""
    for what, spoil in (
        ("gone", None),
        ("empty", b""),
        ("text", b"hello"),
        ("long", bytes(5000)),
        ("flipped", b"\xb7" + bytes(24)),
    ):
        world = damaged_ring()
        for _ in range(20):
            world.read(0)
            world.acknowledge(0)
        os.remove(PLACE + "/cursors")
        if spoil is not None:
            with open(PLACE + "/cursors", "wb") as file:
                file.write(spoil)
        world.acked = [set(), set()]
        world.restart()
        assert [world.journal.backlog(link) for link in (0, 1)] == [90, 90], what
        assert world.journal.trouble, what
        world.append(b"later")
        assert world.records[-1][0] > world.records[-2][0] + 1000000
        world.check()
        assert world.journal.dropped(0) == 0, what


def test_numbers_wrap():
    """Sequence numbers of 32 bits and the links' of 16."""
    for before in range(0, 120, 17):
        chip(24)
        os.mkdir(PLACE)
        cursors = pack(CURSORS, MAGIC, (1 << 32) - before, (1 << 30) - 60, (1 << 30) - 20, 5, 0xFFFFFFF0)
        with open(PLACE + "/cursors", "wb") as file:
            file.write(cursors + pack("<I", crc32(cursors)))
        world = World(segments=20, segment=1500)
        for number in range(120):
            world.append(content(number), (BOTH, FIRST)[number & 1])
            if number % 3 == 0:
                world.flush()
        world.flush()
        assert [world.journal.backlog(link) for link in (0, 1)] == [120, 60]
        assert {record[0] for record in world.records} >= {0xFFFFFFFF, 0} or before == 0
        for _ in range(2):
            world.restart()
            assert [world.journal.backlog(link) for link in (0, 1)] == [120, 60]
        world.drain()
        assert not world.missing(0) and not world.missing(1)
        assert [world.journal.dropped(link) for link in (0, 1)] == [5, 0xFFFFFFF0]


def test_random_lives():
    """Whatever happens in whatever order; power fails between two calls here, amid one above."""
    for seed in range(40):
        random.seed(seed)
        is_small = seed % 2
        chip(16 if is_small else 64)
        most = random.randrange(2, 9) if is_small else 40
        world = World(
            segments=most, segment=random.randrange(500 if is_small else 3000, 5000), tail=random.randrange(500, 2000)
        )
        number = 0
        for _ in range(600):
            event = random.randrange(100)
            link = random.randrange(2)
            if event < 45:
                world.append(content(number, random.randrange(12, MOST)), random.randrange(1, 4))
                number += 1
                world.tidy()
            elif event < 60:
                world.flush()
            elif event < 80:
                for _ in range(random.randrange(20)):
                    world.read(link)
                    if random.randrange(2):
                        world.acknowledge(link, random.randrange(1, 5))
            elif event < 88:
                world.acknowledge(link)
            elif event < 93:
                world.rewind(link)
            elif event < 98:
                world.tidy()
            else:
                world.restart()
            assert world.journal.failure is None and world.journal.trouble == ""
            assert len(files()) <= most and world.journal._used <= world.options["tail"]
        world.check()
        if not is_small:  # there was room for all
            assert world.journal.dropped(0) == world.journal.dropped(1) == 0, seed


def test_nobody_flushes():
    """Records are dropped from the tail, the oldest first, and counted."""
    flash = chip()
    world = World(tail=1000)
    for number in range(100):
        world.append(content(number))
    assert world.journal.dropped(0) == world.journal.dropped(1) == 100 - 1000 // 110
    assert flash.erases < 5
    world.check()
    assert world.missing(0) == list(range(100 - 1000 // 110))


def test_four_days_beside_all_else():
    """Four meters, each quarter of an hour: 37 measurements and 8 counters in 180 bytes; beside what else the flash holds."""
    chip(BLOCKS)
    for number in range(36):  # history of four meters 20, settings 6, certificates 6, folders 4
        with open(f"{FOLDER}/other{number}", "wb") as file:
            file.write(bytes(4096))
    ring = Journal(PLACE)
    ring.want(0, True)
    record = bytes(180)
    for number in range(4 * 96 * 9):
        if number == 4 * 96 * 4:
            assert ring.dropped(0) == 0
        ring.append(record)
        if number % 4 == 3:
            settle(ring.flush)
            assert ring.failure is None
        assert number < 4 * 96 * 4 or ring.backlog(0) >= 4 * 96 * 4
