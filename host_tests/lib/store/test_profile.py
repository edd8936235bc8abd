"""Load profiles on littlefs: exact, in order, each record once, whole after a power cut at any moment, small."""

import gc
import os
import random

import vfs

from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, empty, fill, mounted, unmount
from lib.store.profile import Profiles

PROFILES = FOLDER + "/profiles"
KEY = "MSY80099921"
T = 1782864000  # 2026-07-01 00:00 UTC
Q = 900
DAY = 86400
CODES = ("1.8.0", "2.8.0", "3.8.0", "4.8.0", "5.8.0", "6.8.0", "7.8.0", "8.8.0")
UNITS = ("kWh", "kWh") + ("kvarh",) * 6


def chip(blocks=24):
    """Mount a new chip; return (it, the profiles on it, with one meter described)."""
    unmount()
    gc.collect()  # the chip before
    flash = RamFlash(blocks)
    vfs.VfsLfs2.mkfs(flash)
    mounted(flash)
    return flash, opened()


def opened(key=KEY):
    """Return what a start finds."""
    profiles = Profiles(PROFILES)
    profiles.describe(key, 15, CODES, UNITS)
    return profiles


def record(number):
    """Return (status, values) of the record `number` quarters after T: register readings of a busy meter."""
    values = []
    for channel in range(8):
        step = (1310, 0, 412, 0, 412, 0, 3, 0)[channel]
        noise = (number * number * (channel + 7) % 191) if step else 0
        values.append((123456000 + channel * 1000000 + number * step + noise, -3))
    if number % 50 == 7:
        values[3] = None
    return 8 if number % 96 == 30 else 0, values


def put(profiles, numbers, key=KEY):
    """Append records; return how many were taken."""
    taken = 0
    for number in numbers:
        taken += profiles.append(key, T + number * Q, *record(number))
    return taken


def got(profiles, first=0, last=99999, key=KEY):
    """Return numbers of the records there, each compared with what was appended."""
    found = []
    for one in profiles.query(key, T + first * Q, T + last * Q):
        if one is not None:
            time, status, values = one
            number = (time - T) // Q
            assert (status, values) == record(number), (number, status, values, record(number))
            found.append(number)
    assert not profiles.meter(key) or not profiles.meter(key).trouble, profiles.meter(key).trouble
    return found


def gaps(profiles, first, last):
    """Return the gaps as pairs of numbers."""
    return [
        ((one[0] - T) // Q, (one[1] - T) // Q) for one in profiles.gaps(KEY, T + first * Q, T + last * Q) if one is not None
    ]


def commit(profiles, key=KEY):
    for _ in profiles.commit(key):
        pass


def forget(profiles, key=KEY):
    for _ in profiles.forget(key):
        pass


def test_records_come_back_before_and_after_a_restart():
    _, profiles = chip()
    assert profiles.last(KEY) is None and got(profiles) == []
    assert put(profiles, range(300)) == 300
    assert profiles.last(KEY) == T + 299 * Q
    assert got(profiles) == list(range(300)) and got(profiles, 40, 61) == list(range(40, 62))
    profiles.flush()
    again = Profiles(PROFILES)
    assert again.last(KEY) == T + 299 * Q and got(again) == list(range(300)), "what is on flash describes itself"
    again = opened()
    assert put(again, range(290, 310)) == 10, "the same time is there once"
    assert got(again) == list(range(310))


def test_what_is_held_is_kept_as_a_whole_or_not_at_all():
    _, profiles = chip()
    put(profiles, range(100))
    profiles.hold(KEY)
    assert put(profiles, range(90, 260)) == 160 and profiles.last(KEY) == T + 259 * Q
    assert put(profiles, range(90, 260)) == 0, "each once, though it waits"
    assert got(profiles) == list(range(100)) and got(Profiles(PROFILES)) == list(range(100))
    assert 0 < profiles.held(KEY) < 4000
    profiles.give_up(KEY)
    assert profiles.last(KEY) == T + 99 * Q and got(profiles) == list(range(100))
    for order in (1, -1, 7):
        _, profiles = chip()
        put(profiles, range(60, 100))
        put(profiles, range(400, 410))
        profiles.describe("other", 15, ("1.5.0",), ("W",))
        profiles.hold(KEY)
        numbers = (
            [number for rest in range(7) for number in range(40 + rest, 430, 7)] if order == 7 else range(40, 430)[::order]
        )
        for number in numbers:
            put(profiles, (number,))
            if number % 50 == 0:
                profiles.append("other", T + number * Q, 0, [(number, 0)])  # another meter's go to flash meanwhile
                profiles.settle()
        commit(profiles)
        assert got(profiles) == list(range(40, 430)) == got(opened()), order
        assert gaps(profiles, 40, 429) == [] and profiles.held(KEY) == 0


def test_each_step_of_a_commit_costs_two_erases_at_most():
    flash, profiles = chip(40)
    for first in range(0, 1920, 192):  # two days at a time
        profiles.hold(KEY)
        put(profiles, range(first, first + 192))
        steps, erases = 0, flash.erases
        for _ in profiles.commit(KEY):
            assert flash.erases - erases <= 2, (first, steps)
            steps, erases = steps + 1, flash.erases
        assert steps >= 4
    assert got(opened()) == list(range(1920))


def test_what_another_meter_has_in_ram_outlives_a_commit():
    """Both began alike, so that their files have the same names and sizes."""
    other = "other"
    _, profiles = chip()
    profiles.describe(other, 15, CODES, UNITS)
    for key in (KEY, other):
        put(profiles, range(10), key)
        profiles.settle()
    profiles.hold(KEY)
    put(profiles, range(10, 150))
    put(profiles, range(10, 12), other)  # it grows where it is
    for number, _ in enumerate(profiles.commit(KEY)):
        put(profiles, (12 + number,), other)
    assert got(profiles) == list(range(150)) and got(profiles, key=other) == list(range(13 + number))
    again = opened()
    assert got(again) == list(range(150)) and got(again, key=other) == list(range(13 + number))


def test_a_commit_ends_when_the_profile_is_removed_or_given_up_meanwhile():
    for end in (forget, Profiles.give_up):
        _, profiles = chip()
        profiles.hold(KEY)
        put(profiles, range(192))
        steps = profiles.commit(KEY)
        next(steps)
        end(profiles, KEY)
        assert not list(steps)
        known = [] if end is forget else list(range(48))
        assert got(profiles) == known == got(opened()), end
        assert profiles.last(KEY) == (T + known[-1] * Q if known else None)


def test_a_removed_profile_is_gone():
    flash, profiles = chip()
    free = os.statvfs(FOLDER)[3]
    put(profiles, range(300))
    profiles.log(KEY, [(T, "1", "one")])
    profiles.hold(KEY)
    put(profiles, range(300, 310))
    forget(profiles)  # while it is read
    assert profiles.last(KEY) is None and got(profiles) == []
    put(profiles, range(310, 320))
    commit(profiles)
    assert got(profiles) == list(range(310, 320)), "it goes on"
    forget(profiles)
    assert profiles.keys() == [] and got(Profiles(PROFILES)) == [] and os.statvfs(FOLDER)[3] == free


def test_a_few_records_at_a_time_take_no_more_room():
    sizes = []
    for lump in (1, 4, 96):
        _, profiles = chip()
        for first in range(0, 672, lump):
            put(profiles, range(first, min(672, first + lump)))
            profiles.settle()
        assert got(profiles) == list(range(672)), lump
        sizes.append(sum([size for _, _, _, size in os.ilistdir(PROFILES)]))
    assert max(sizes) <= min(sizes) * 1.02, sizes


def test_holes_are_told_and_filled_in_any_order():
    holes = list(range(70, 358)) + [400, 401, 500]  # three days, half an hour, one
    for order in (1, -1, 7):
        _, profiles = chip()
        put(profiles, [number for number in range(600) if number not in holes])
        profiles.settle()
        profiles = opened()
        assert gaps(profiles, 0, 599) == [(70, 357), (400, 401), (500, 500)]
        assert gaps(profiles, 0, 602)[3:] == [(600, 602)] and gaps(profiles, 90, 100) == [(90, 100)]
        late = holes[::order] if order != 7 else [number for rest in range(7) for number in holes[rest::7]]
        assert put(profiles, late) == len(holes) and put(profiles, late) == 0
        assert gaps(profiles, 0, 599) == [] and got(profiles) == list(range(600)), order
        profiles.settle()
        assert got(opened()) == list(range(600)), order


def test_newest_first():
    _, profiles = chip()
    for day in range(9, -1, -1):
        put(profiles, range(96 * day, 96 * day + 96))
    assert got(profiles) == list(range(960))
    profiles.flush()
    assert got(opened()) == list(range(960))
    assert len(os.listdir(PROFILES)) < 6, os.listdir(PROFILES)


def test_odd_times_and_a_clock_that_is_set():
    _, profiles = chip()
    put(profiles, range(10))
    assert profiles.append(KEY, T + 9 * Q + 421, 0x80, record(9)[1])  # the power failed
    assert profiles.append(KEY, T + 12 * Q, 0xFFFF8040, record(12)[1])
    assert profiles.append(KEY, T + 3 * Q, 0x20, record(9)[1]) is False, "set back: those are there"
    assert profiles.append(KEY, T + 13 * Q, None, record(13)[1])
    times = [(one[0] - T, one[1]) for one in profiles.query(KEY, T + 9 * Q, T + 99 * Q) if one]
    assert times == [(8100, 0), (8521, 0x80), (10800, 0xFFFF8040), (11700, 0)], times
    assert gaps(profiles, 0, 13) == [(10, 11)]


def test_values_of_any_kind():
    rows = (
        [(5, 0)] * 8,
        [None] * 8,
        [(123456789012345678, -3)] * 4 + [None] * 4,
        [(5, 3), (5, -1), (0, 0), (-7, 2), (-999999999, 0), (1, 0), (2, 0), (3, 0)],
        [(50, -1), (55, -2), (0, -9), (-700, 0), (999999999, 0), (10, -1), (2, 0), (4, 0)],
        [(1 << 61, 0)] + [None] * 7,
    )
    _, profiles = chip()
    for number, values in enumerate(rows):
        assert profiles.append(KEY, T + number * Q, number << 28, values), number
    for _ in range(2):
        at = 0
        for one in profiles.query(KEY, T, T + DAY):
            if one:
                _, status, values = one
                assert status == at << 28
                for is_, was in zip(values, rows[at]):
                    same = is_ == was or is_[0] * 10 ** (is_[1] + 9) == was[0] * 10 ** (was[1] + 9)
                    assert same, (at, is_, was)
                at += 1
        assert at == len(rows)
        profiles.flush()
        profiles = opened()
    assert profiles.append(KEY, T + 20 * Q, 0, [(10**30, 0)] + [None] * 7) is False


def test_random_stories():
    """Records in any order, of two meters, odd times, restarts with and without what was in RAM: as in a plain table."""
    flash, _ = chip(40)
    for seed in range(3):
        random.seed(seed)
        unmount()
        vfs.VfsLfs2.mkfs(flash)  # the same chip: the heap has no room for many
        mounted(flash)
        profiles = Profiles(PROFILES)
        keys = ("A.1", "b/2")
        written = {key: {} for key in keys}
        fresh = {key: {} for key in keys}
        for key in keys:
            profiles.describe(key, 15, CODES[:2], UNITS[:2])
        number = 0
        for _ in range(120):
            key = random.choice(keys)
            number = random.choice((number, number, random.randrange(1500)))
            for _ in range(random.randrange(1, 30)):
                number += 1
                time = T + number * Q + (random.randrange(Q) if random.randrange(30) == 0 else 0)
                values = [(random.choice((0, number, 10**9)), random.choice((0, 0, 0, -3))), random.choice((None, (5, 0)))]
                is_new = time not in written[key] and time not in fresh[key]
                if profiles.append(key, time, number & 255, values):
                    assert is_new, (seed, time)
                    fresh[key][time] = number & 255
                else:
                    chunk = time // (48 * Q)
                    crowd = [one for one in list(written[key]) + list(fresh[key]) if one // (48 * Q) == chunk]
                    assert not is_new or len(crowd) >= 64, (seed, time)
            event = random.randrange(12)
            if event < 2:
                if event:
                    profiles.flush()
                    for each in keys:
                        written[each].update(fresh[each])
                profiles = Profiles(PROFILES)
                for each in keys:
                    times = [one[0] for one in profiles.query(each, 0, T + 9999 * Q) if one]
                    lost = [one for one in fresh[each] if one not in times]
                    assert not event or not lost
                    for one in times:
                        written[each][one] = written[each].get(one, fresh[each].get(one))
                    fresh[each] = {}
                    profiles.describe(each, 15, CODES[:2], UNITS[:2])
        for key in keys:
            written[key].update(fresh[key])
            found = [(one[0], one[1]) for one in profiles.query(key, 0, T + 9999 * Q) if one]
            assert found == sorted(written[key].items()), (seed, key)
            assert profiles.last(key) == max(written[key])


def test_another_description_is_told_apart():
    _, profiles = chip()
    put(profiles, range(60))
    profiles.describe(KEY, 15, (CODES[7], CODES[6], CODES[5], "32.7.0"), UNITS[5:] + ("V",))
    assert profiles.append(KEY, T + 60 * Q, 0, [(1, 0), (2, 0), (3, 0), (230, 0)])
    rows = [(one[0], list(one[2])) for one in profiles.query(KEY, T + 58 * Q, T + 60 * Q) if one]
    assert rows[0] == (T + 58 * Q, list(reversed(record(58)[1][5:])) + [None]) and rows[-1][1][3] == (230, 0), rows
    profiles.flush()
    again = Profiles(PROFILES)
    assert [one for one in again.query(KEY, T + 60 * Q, T + 60 * Q) if one][0][2][3] == (230, 0)
    assert again.meter(KEY).columns[3] == ("32.7.0", "V")
    profiles.describe(KEY, 60, CODES, UNITS)
    assert profiles.last(KEY) is None, "another period begins anew"
    assert profiles.append(KEY, T, *record(0)) and got(profiles) == [0]


def test_power_cut_at_every_operation():
    """An append to the newest part, a new file, a late record: nothing that flush() wrote is lost, nothing is there twice."""
    flash, profiles = chip(12)
    put(profiles, range(1000))
    profiles.settle()
    start = bytes(flash.content)
    before = list(range(1000))
    sets = (("newest", range(1000, 1003)), ("a new file", range(1100, 1250)), ("late", range(-120, 0)))
    for what, numbers in sets:
        cut = 0
        while True:
            cut += 1
            gc.collect()
            flash = mounted(RamFlash(content=start))
            profiles = opened()
            flash.cut_at = cut
            sure = 0
            done = 0
            try:
                for number in numbers:
                    put(profiles, (number,))
                    done += 1
                    if done % 40 == 0:
                        profiles.flush()
                        sure = done
                profiles.flush()
                break
            except PowerCut:
                pass
            mounted(RamFlash(content=flash.content))
            profiles = opened()
            known = got(profiles, -500)
            expected = sorted(before + list(numbers)[: len(known) - 1000])
            assert known == expected and len(known) >= 1000 + sure, (what, cut, len(known), sure)
            assert profiles.last(KEY) == T + known[-1] * Q
            assert put(profiles, numbers) == len(numbers) - (len(known) - 1000), (what, cut)
            assert got(profiles, -500) == sorted(before + list(numbers)), (what, cut)
        assert cut > 2, what


def test_damage_costs_what_it_hit():
    flash, profiles = chip()
    put(profiles, range(400))
    profiles.settle()
    (name,) = os.listdir(PROFILES)
    with open(PROFILES + "/" + name, "rb") as file:
        content = file.read()
    random.seed(3)
    places = [0, 1, 5, 8, 9, 40] + [random.randrange(len(content)) for _ in range(60)]
    for at in places:
        for bit in (0, 6):
            with open(PROFILES + "/" + name, "wb") as file:
                file.write(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
            profiles = opened()
            found = [(one[0] - T) // Q for one in profiles.query(KEY, T, T + 400 * Q) if one]
            assert profiles.meter(KEY).trouble, (at, bit)
            assert 352 <= len(found) <= 400 and found == sorted(set(found)), (at, bit, len(found))
            put(profiles, range(400))
            assert [(one[0] - T) // Q for one in profiles.query(KEY, T, T + 400 * Q) if one] == list(range(400)), (at, bit)


def test_the_oldest_goes_when_the_share_is_full():
    flash, profiles = chip(36)  # 16 blocks for profiles
    other = "AEL12345678"
    profiles.describe(other, 15, CODES[:1], UNITS[:1])
    for number in range(0, 9000, 50):
        put(profiles, range(number, number + 50))
        for late in range(number, number + 50, 10):
            profiles.append(other, T + late * Q, 0, [(late, 0)])
    found = got(profiles)
    assert found == list(range(found[0], 9000)) and 2000 < len(found) < 9000, (found[0], len(found))
    assert sum([size // 4096 + 1 for _, _, _, size in os.ilistdir(PROFILES)]) <= 16
    missing = gaps(profiles, 0, 8999)
    assert not missing or missing[0][0] >= found[0] - 48, "what had to go is no hole"
    assert profiles.append(KEY, T + 3 * Q, *record(3)) is False, "older than all, and full"
    assert profiles.last(other) == T + 8990 * Q


def test_what_is_older_than_half_a_year_goes():
    _, profiles = chip(64)
    profiles.describe("hours", 60, CODES, UNITS)
    for number in range(0, 24 * 400):
        profiles.append("hours", T + 3600 * number, *record(number))
    times = [one[0] for one in profiles.query("hours", 0, T + 400 * DAY) if one]
    assert 186 <= (times[-1] - times[0]) // DAY <= 260 and len(times) == (times[-1] - times[0]) // 3600 + 1, len(times)


def test_a_full_flash_is_told_and_costs_nothing():
    flash, profiles = chip(24)
    put(profiles, range(96))
    profiles.settle()
    filler = fill()
    failed = None
    try:
        put(profiles, range(96, 400))
        profiles.flush()
    except OSError as error:
        failed = error
    assert failed and profiles.failure is failed
    empty(filler)
    profiles.settle()
    assert profiles.failure is None
    last = profiles.last(KEY)
    known = got(profiles)
    assert known[:96] == list(range(96)) and last == T + known[-1] * Q
    put(profiles, range(400))
    assert got(profiles) == list(range(400))


def test_a_month_needs_little_ram():
    _, profiles = chip(40)
    gc.collect()
    before = gc.mem_alloc()
    peak = 0
    for number in range(2976):
        put(profiles, (number,))
        if number % 500 == 499:
            gc.collect()
            peak = max(peak, gc.mem_alloc() - before)
    profiles.settle()
    gc.collect()
    idle = gc.mem_alloc() - before
    count = 0
    for one in profiles.query(KEY, T, T + 31 * DAY):
        if one:
            count += 1
            if count % 500 == 0:
                gc.collect()
                peak = max(peak, gc.mem_alloc() - before)
    assert count == 2976
    print("RAM", peak, idle, "bytes a record", sum([size for _, _, _, size in os.ilistdir(PROFILES)]) / 2976)
    assert peak < 12000 and idle < 1500, (peak, idle)
