"""Records in pages on littlefs: what a dict would say, whole after a power cut at any moment, damage costs one page."""

import os

from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, empty, fill, mounted
from lib.store.mark import Mark
from lib.store.pages import BLOCK, Block, Pages

PATH = FOLDER + "/m"
SEED = [1]


def loaded(span=256, block=None):
    """Return (pages, {number: content}) as they are on flash."""
    pages, found = Pages(PATH, span, block or Block()), {}

    def take(number, view):
        assert number not in found, number
        found[number] = bytes(view)

    for _ in pages.load(take):
        pass
    return pages, found


def content(number, size):
    return (b"%d " % number) * (size // 3) + b"."


def random():
    SEED[0] = (SEED[0] * 75 + 74) % 65537
    return SEED[0]


def check(pages, model):
    for number, expected in model.items():
        assert bytes(pages.find(number)) == expected, number
    for name in os.listdir(FOLDER):
        assert os.stat(FOLDER + "/" + name)[6] <= BLOCK, name
    again, found = loaded()
    assert found == model and again.highest == pages.highest and not again.damaged
    assert sorted(again.starts) == sorted(pages.starts)


def test_a_dict_says_the_same():
    mounted(None)
    pages, _ = loaded()
    model, highest = {}, 0
    for turn in range(250):
        changes = {}
        for _ in range(random() % 12 + 1):
            kind = random() % 5
            if kind < 3 or not model:
                highest += 1 if random() % 20 else 70
                changes[highest] = content(highest, random() % 90)
            else:
                number = sorted(model)[random() % len(model)]
                changes[number] = content(number, random() % 300) if kind == 3 else None
        pages.put(changes)
        for number, value in changes.items():
            if value is None:
                model.pop(number, None)
            else:
                model[number] = value
        if len(model) > 60:
            gone = dict.fromkeys(list(model)[:40])
            pages.put(gone)
            for number in gone:
                del model[number]
        if not turn % 10:
            check(pages, model)
    check(pages, model)
    assert pages.highest == highest and pages.find(highest + 1) is None


def test_two_share_a_block():
    mounted(None)
    block = Block()
    first, second = Pages(FOLDER + "/a", 256, block), Pages(FOLDER + "/b", 64, block)
    for number in range(1, 200):
        first.put({number: b"first %d" % number})
        second.put({200 - number: b"second %d" % number})
    for number in range(1, 200):
        assert bytes(first.find(number)) == b"first %d" % number
        assert bytes(second.find(200 - number)) == b"second %d" % number
    assert second.starts == [0, 64, 128, 192]


def run_all_cuts(before, action, check_after):
    """Cut at every operation of action(pages); check_after(pages, found, whether it was done) each time."""
    flash = mounted(None)
    pages, _ = loaded()
    before(pages)
    start = bytes(flash.content)
    cut = 0
    while True:
        cut += 1
        flash = mounted(RamFlash(content=start))
        pages, _ = loaded()
        flash.cut_at = cut
        try:
            action(pages)
            done = True
        except PowerCut:
            done = False
        mounted(RamFlash(content=flash.content))
        pages, found = loaded()
        assert not pages.damaged, cut
        check_after(pages, found, done)
        # What comes next finds everything in order.
        pages.put({pages.highest + 1: b"next"})
        assert loaded()[1][pages.highest] == b"next", cut
        if done:
            break
    assert cut > 3
    return cut


def put_many(count, size=70):
    return lambda pages: pages.put({number: content(number, size) for number in range(1, count + 1)})


def test_power_cut_while_records_are_added_and_a_page_is_cut():
    # 80 records of 70 bytes fill two pages and begin another; a change in the first makes it too long.
    was = {number: content(number, 70) for number in range(1, 81)}
    grown = {3: content(3, 600), 20: content(20, 600), 81: b"new", 82: content(82, 500)}

    def check_after(pages, found, done):
        for number, value in was.items():
            assert found[number] == value or found[number] == grown.get(number), number
        for number, value in grown.items():
            if number > 80:
                assert found.get(number) in (None, value)
            if done:
                assert found[number] == value
        assert set(found) <= set(was) | set(grown)

    run_all_cuts(put_many(80), lambda pages: pages.put(grown), check_after)


def test_power_cut_while_a_cut_page_loses_all():
    """What the cut left behind in the page before must not come back with the removal of the page behind."""

    def action(pages):
        pages.put({3: content(3, 900)})
        for number in range(1, 17):
            pages.put({number: None})

    def check_after(pages, found, done):
        numbers = sorted(found)
        assert numbers == list(range(17 - len(numbers), 17)), numbers
        assert pages.highest == 16
        if done:
            assert not found

    run_all_cuts(put_many(16, 400), action, check_after)


def test_what_a_cut_left_does_not_come_back():
    flash = mounted(None)
    pages, _ = loaded()
    put_many(16, 400)(pages)
    start = bytes(flash.content)
    for cut in range(1, 400):
        flash = mounted(RamFlash(content=start))
        pages, _ = loaded()
        flash.cut_at = cut
        try:
            pages.put({3: content(3, 900)})
            break
        except PowerCut:
            pass
        mounted(RamFlash(content=flash.content))
        pages, found = loaded()
        for number in sorted(found, reverse=True):
            pages.put({number: None})
            assert number not in loaded()[1], (cut, number)
        assert loaded()[1] == {}, cut


def test_power_cut_while_all_is_removed():
    def check_after(pages, found, done):
        assert len(found) in (0, 80) and pages.highest == 80, len(found)

    def action(pages):
        for _ in pages.clear():
            pass

    run_all_cuts(put_many(80), action, check_after)


def test_numbers_are_not_used_again():
    mounted(None)
    pages, _ = loaded()
    for number in range(1, 10):
        pages.put({number: b"x"})
    for number in range(9, 3, -1):
        pages.put({number: None})
    assert loaded()[0].highest == 9
    for _ in pages.clear():
        pass
    assert pages.highest == 9 and loaded()[0].highest == 9 and loaded()[1] == {}
    pages.put({10: b"y"})
    assert loaded()[1] == {10: b"y"}


def test_damage_costs_its_page_and_is_told():
    mounted()
    pages, _ = loaded()
    put_many(150)(pages)
    _, model = loaded()
    starts = list(pages.starts)
    for place, start in enumerate(starts):
        name = f"{PATH}{start:04x}"
        with open(name, "rb") as file:
            good = file.read()
        for at in range(0, len(good), 97):
            with open(name, "wb") as file:
                file.write(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
            again, found = loaded()
            end = starts[place + 1] if place + 1 < len(starts) else 65536
            assert again.damaged == [start]
            assert found == {n: value for n, value in model.items() if not start <= n < end}
            assert again.highest >= 150 and again.find(start + 1) is None
        for size in (0, 3, 8, len(good) - 1):
            with open(name, "wb") as file:
                file.write(good[:size])
            assert loaded()[0].damaged == [start]
        with open(name, "wb") as file:
            file.write(good)
    os.rename(f"{PATH}{starts[0]:04x}", f"{PATH}{starts[0] + 1:04x}")  # a page under the name of another
    assert loaded()[0].damaged == [starts[0] + 1]


def test_what_cannot_be_read_now_is_not_overwritten():
    mounted(None)
    block = Block()
    pages, _ = loaded(block=block)
    put_many(10)(pages)
    name = PATH + "0000"
    with open(name, "rb") as file:
        good = file.read()
    with open(name, "wb") as file:
        file.write(good[:-1])
    for action in (lambda: pages.find(3), lambda: pages.put({3: b"x"})):
        Pages(FOLDER + "/b", 64, block).put({1: b"in the block"})
        try:
            action()
            raise AssertionError
        except OSError:
            pass
    with open(name, "wb") as file:
        file.write(good)
    assert len(loaded()[1]) == 10


def test_a_full_flash_changes_nothing():
    mounted(None)
    pages, _ = loaded()
    put_many(80)(pages)
    _, model = loaded()
    folder = fill()
    try:
        pages.put({number: content(number, 200) for number in range(1, 81)})
        raise AssertionError
    except OSError:
        pass
    found = loaded()[1]
    assert set(found) == set(model)
    assert FOLDER + "/new" not in os.listdir(FOLDER)
    empty(folder)
    pages.put({7: b"seven"})
    assert loaded()[1][7] == b"seven"


def test_a_mark_only_grows_whatever_the_power_does():
    flash = mounted(None)
    mark = Mark(FOLDER + "/c.")
    assert mark.value == 0
    for value in (3, 16, 15, 300):
        mark.raise_to(value)
    assert mark.value == 300 and Mark(FOLDER + "/c.").value == 300 and len(os.listdir(FOLDER)) == 1
    start = bytes(flash.content)
    for cut in range(1, 100):
        flash = mounted(RamFlash(content=start))
        mark = Mark(FOLDER + "/c.")
        flash.cut_at = cut
        try:
            mark.raise_to(301)
            break
        except PowerCut:
            mounted(RamFlash(content=flash.content))
            assert Mark(FOLDER + "/c.").value in (300, 301)
    assert cut > 2
