"""Events of meters on littlefs: each once, in their order, bounded, whole after a power cut."""

import os

import vfs

from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, mounted
from lib.store.profile_log import add, read

PATH = FOLDER + "/log"
T = 1782864000


def event(number):
    return T + 60 * number, "96.77.%d" % (number % 4), "26-07-01,00:%02d;00-00-00,00:00 ğ" % (number % 60)


def chip():
    flash = RamFlash(8)
    vfs.VfsLfs2.mkfs(flash)
    return mounted(flash)


def test_each_once_in_their_order():
    chip()
    assert list(read(PATH)) == []
    assert add(PATH, [event(3), event(1), event(3)]) == 2 and add(PATH, [event(1), event(2)]) == 1
    assert list(read(PATH)) == [event(3), event(1), event(2)]
    assert add(PATH, [(T, "c" * 99, "t" * 300)]) == 1 and add(PATH, [(T, "c" * 99, "t" * 300)]) == 0
    assert list(read(PATH))[3] == (T, "c" * 24, "t" * 120)


def test_it_is_bounded_and_the_newest_stay():
    chip()
    for lump in (1, 7, 200):
        number = 0
        while number < 600:
            add(PATH, [event(n) for n in range(number, min(600, number + lump))])
            number += lump
            assert os.stat(PATH)[6] <= 4080
        found = list(read(PATH))
        assert found[-1] == event(599) and len(found) >= 35 and found == [event(n) for n in range(600 - len(found), 600)], lump
        os.remove(PATH)


def test_damage_costs_what_it_hit():
    chip()
    add(PATH, [event(number) for number in range(40)])
    with open(PATH, "rb") as file:
        content = file.read()
    for at in range(0, len(content), 3):
        with open(PATH, "wb") as file:
            file.write(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        found = list(read(PATH))
        assert len(found) == 39 and all(
            [one in found for one in map(event, range(40)) if one != event(at // (len(content) // 40))]
        )


def test_power_cut_at_every_operation():
    chip_content = chip().content
    add(PATH, [event(number) for number in range(75)])
    start, before = bytes(chip_content), list(read(PATH))
    for count in (1, 20):  # added, and with the older half gone
        cut = 0
        while True:
            cut += 1
            flash = mounted(RamFlash(content=start))
            flash.cut_at = cut
            try:
                add(PATH, [event(100 + number) for number in range(count)])
                break
            except PowerCut:
                pass
            mounted(RamFlash(content=flash.content))
            found = list(read(PATH))
            assert found == before or found[-count:] == [event(100 + number) for number in range(count)], (count, cut)
        assert cut > 1
