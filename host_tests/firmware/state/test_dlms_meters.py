"""The list of DLMS meters on littlefs: as a model says, whole after power cuts, in constant RAM; no counter comes twice."""

import gc
import os

from firmware.state.dlms_batch import Batch
from firmware.state.dlms_fields import FIELDS, Wrong, checked, fields
from firmware.state.dlms_meters import MOST, Meters
from firmware.state.dlms_order import Order
from firmware.state.dlms_plan import Plan
from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, empty, fill, mounted

KEY = "000102030405060708090A0B0C0D0E0F"
T = 1795824000
CIPHERED = {"security": 5, "ciphering": 1, "key": KEY, "auth_key": KEY}


def chip(blocks=40):
    import vfs

    flash = RamFlash(blocks)
    vfs.VfsLfs2.mkfs(flash)
    return mounted(flash)


def opened(told=None):
    meters = Meters(FOLDER, (told if told is not None else []).append)
    for _ in meters.load():
        pass
    return meters


def batch(meters, all_values):
    """Take values as an upload does; return (ids, refusals)."""
    taken, refused = [], []
    one = Batch(meters)
    for _ in one.begin():
        pass
    try:
        for values in all_values:
            try:
                taken.append(one.take(values))
            except Wrong as error:
                refused.append((values.get("serial"), error.field))
            if one.is_due:
                one.write()
        one.write()
    finally:
        one.end()
    assert one.added + one.changed == len(taken)
    return taken, refused


def meter(number, **more):
    values = {"serial": "8%07d" % number, "physical": number}
    values.update(more)
    return values


def add(meters, number, **more):
    return batch(meters, [meter(number, **more)])[0][0]


def serials(meters):
    return [Plan(meters.find(number)).serial for _, number in meters.each()]


def refused(values, before=None):
    try:
        checked(values, before)
    except Wrong as error:
        return error.field
    return None


def test_a_line_has_what_was_given_and_the_defaults():
    line = checked({"serial": "80099921", "name": "Keller Süd", "port": "2", "host": "10.0.0.7:4059", "client": 48})
    plan = Plan("17|" + line)
    assert (plan.id, plan.serial, plan.name, plan.port) == (17, "80099921", "Keller Süd", 2)
    assert (plan.host, plan.client) == ("10.0.0.7:4059", 48)
    for field in fields():
        if field.name not in ("serial", "name", "port", "host", "client"):
            assert getattr(plan, field.name) == field.default, field.name
    again = Plan("17|" + checked({"name": ""}, "17|" + line))
    assert again.name == "" and again.serial == "80099921" and again.client == 48
    assert line.count("|") == len(FIELDS) - 1


def test_what_is_refused():
    good = {"serial": "1"}
    for wrong, field in (
        ({"serial": ""}, "serial"),
        ({"serial": " "}, "serial"),
        ({"serial": "1" * 21}, "serial"),
        ({"serial": "1/2"}, "serial"),
        ({"serial": 5}, "serial"),
        ({"name": "a|b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"port": 3}, "port"),
        ({"port": "x"}, "port"),
        ({"port": 2}, "host"),
        ({"host": "10.0.0.1"}, "host"),
        ({"port": 2, "host": "a b"}, "host"),
        ({"logical": 0}, "logical"),
        ({"physical": 16384}, "physical"),
        ({"physical": -1}, "physical"),
        ({"physical": 1.5}, "physical"),
        ({"physical": "99999999999999999999"}, "physical"),
        ({"physical": 200, "address_size": 2}, "address_size"),
        ({"physical": 17, "address_size": 1}, "address_size"),
        ({"address_size": 3}, "address_size"),
        ({"client": 128}, "client"),
        ({"security": 7}, "security"),
        ({"security": 1}, "password"),
        ({"security": 1, "password": "0x123"}, "password"),
        ({"security": 1, "password": "0x12zz"}, "password"),
        ({"security": 5}, "key"),
        ({"ciphering": 1, "key": KEY}, "auth_key"),
        ({"key": KEY[:-1]}, "key"),
        ({"auth_key": "x" * 32}, "auth_key"),
        ({"type": ""}, "type"),
        ({"type": "../x"}, "type"),
        ({"relay": 1}, "relay"),
        ({"relay": True, "security": 1}, "password"),
        ({"sequence": 10000}, "sequence"),
        ({"colour": "red"}, "colour"),
    ):
        assert refused(dict(good, **wrong)) == field, wrong
    assert refused({}) == "serial"
    for right in ({"address_size": 4, "physical": 16383}, {"security": 1, "password": "0x1234", "relay": 1}, CIPHERED):
        assert refused(dict(good, **right)) is None, right


def test_a_model_says_the_same():
    chip()
    meters = opened()
    model = {}  # id -> values
    seed = 7
    for turn in range(120):
        seed = (seed * 75 + 74) % 65537
        number = seed % 60
        kind = seed // 60 % 4
        if kind < 2:
            values = meter(number, sequence=seed % 7, name="N" * (seed % 40), tariff="T%d" % turn)
            (found,), wrong = batch(meters, [values])
            assert not wrong
            model[found] = values
        elif kind == 2 and model:
            gone = sorted(model)[seed % len(model)]
            meters.remove(gone)
            del model[gone]
        if turn % 7 == 0:
            meters = opened()
        expected = [i for _, i in sorted([(values["sequence"], i) for i, values in model.items()])]
        assert [number for _, number in meters.each()] == expected
        assert meters.count == len(model)
    for number, values in model.items():
        plan = Plan(meters.find(number))
        for name, value in values.items():
            assert getattr(plan, name) == value
    assert meters.find(60000) is None


def test_duplicates_and_nonsense_within_a_batch():
    chip()
    meters = opened()
    add(meters, 1, name="before", security=1, password="12345678")
    lines = [
        meter(1, name="after"),  # changes who is there: what is not named stays
        meter(2),
        meter(2, name="again"),  # twice in the list
        meter(3, physical=2),  # the place of another in the list
        meter(4, client=500),
        meter(5, port=2, host="10.0.0.5"),
        meter(6, port=2, host="10.0.0.5", physical=5),  # the same place, in the network
        meter(7),
    ]
    taken, wrong = batch(meters, lines)
    assert taken == [1, 2, 3, 4]
    assert wrong == [("80000002", "serial"), ("80000003", "physical"), ("80000004", "client"), ("80000006", "physical")]
    plan = Plan(meters.find(1))
    assert plan.name == "after" and plan.password == "12345678" and plan.security == 1
    assert serials(meters) == ["80000001", "80000002", "80000005", "80000007"]
    # Whoever changes place frees his own for others.
    assert batch(meters, [meter(2, physical=90), meter(9, physical=2)])[1] == []


def test_only_so_many_are_shown_and_there_is_an_end():
    chip(100)
    meters = opened()
    _, wrong = batch(meters, [meter(number, shown=1) for number in range(20)])
    assert wrong == [("8%07d" % number, "shown") for number in range(16, 20)] and meters.shown == 16
    assert batch(meters, [meter(3, shown=0), meter(17, shown=1), meter(18, shown=1)])[1] == [("80000018", "shown")]
    meters.remove(1)
    assert meters.shown == 15 and opened().shown == 15
    _, wrong = batch(meters, [meter(number) for number in range(100, 1200)])
    assert meters.count == MOST and len(wrong) == 1100 - (MOST - 16) and wrong[0][1] == "serial"
    assert opened().count == MOST
    assert batch(meters, [meter(150, name="changed")])[1] == []  # who is there can be changed


def test_search_and_order():
    chip()
    meters = opened()
    batch(meters, [meter(1, name="Hall West"), meter(2, name="Yard", tariff="Night"), meter(3, name="hall east", sequence=0)])
    add(meters, 2, sequence=5)
    add(meters, 1, sequence=9, security=1, password="hallhall")
    assert serials(meters) == ["80000003", "80000002", "80000001"]
    assert [found[0] for found in meters.search("HALL") if found] == [3, 1]
    assert [found[0] for found in meters.search("night") if found] == [2]
    assert [found[0] for found in meters.search("hallhall") if found] == []  # no secret is looked through
    assert list(meters.each(2)) == [(2, 1)] and list(meters.each(9)) == []


def test_the_order_is_that_of_a_sorted_list():
    order, model, seed = Order(60), [], 3
    for turn in range(1500):
        seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
        number = 1 + (seed >> 8) % 65535
        if (seed >> 4) % 5 < 3 and len(model) < 60 and not order.has(number):
            sequence = (0, 255, 256, 9999, (seed >> 9) % 10000, (seed >> 9) % 300)[seed % 6]
            order.insert(sequence, number)
            model.append((sequence, number))
            model.sort()
        elif model:
            order.remove(model.pop(seed % len(model))[1])
        assert [order.id(position) for position in range(order.count)] == [number for _, number in model], turn
        assert all([order.has(number) for _, number in model]) and not order.has(0)
    order.clear()
    for number in range(60):
        order.insert(number % 7 * 200, number + 1)
    try:
        order.insert(0, 100)
        raise AssertionError("it is full")
    except IndexError:
        assert order.count == 60 and not order.has(100)


def test_ids_are_never_used_again():
    chip()
    meters = opened()
    assert [add(meters, number) for number in (1, 2, 3)] == [1, 2, 3]
    meters.remove(3)
    meters.remove(2)
    meters = opened()
    assert add(meters, 3) == 4
    for _ in meters.remove_all():
        pass
    assert meters.count == 0 and add(meters, 3) == 5
    meters = opened()
    assert serials(meters) == ["80000003"] and add(meters, 9) == 6


def test_states_are_kept():
    chip()
    meters = opened()
    ids = batch(meters, [meter(number) for number in range(1, 200)])[0]
    for number in ids:
        state = meters.state(number)
        assert state.good_utc == 0 and state.drift_s is None and state.output is None and not state.in_contact
        state.failed(T - 100, 7)
        state.failed(T - 50, 8)
        state.read_well(T + number)
        state.drift_s, state.clock_set, state.output, state.mode = -number, True, 1, 4
        state.newest[2] = T - number
        meters.save_state(number, state)
    meters.end()
    meters = opened()
    for number in ids:
        state = meters.state(number)
        assert (state.good_utc, state.failed_utc, state.failures, state.in_a_row) == (T + number, T - 50, 2, 0)
        assert (state.drift_s, state.clock_set, state.unsynchronised, state.in_contact) == (-number, True, False, True)
        assert (state.output, state.control, state.mode, state.newest) == (1, None, 4, [0, 0, T - number, 0, 0])
    state.failed(T, 3)
    assert not state.in_contact and not state.is_black(T + 3 * 86400 - 1, 3) and state.is_black(T + 3 * 86400, 3)
    state.read_well(T)
    assert not state.is_black(T + 9 * 86400, 3)
    state.unsynchronised = True
    assert state.is_black(T, 3)
    meters.remove(ids[5])
    meters.save_state(ids[5], state)  # who reads it did not know yet
    meters.end()
    assert opened().state(ids[5]).good_utc == 0


def test_states_are_written_page_by_page_when_it_is_time():
    flash = chip()
    meters = opened()
    ids = batch(meters, [meter(number) for number in range(1, 12)])[0]
    writes = flash.writes
    for number in ids:
        state = meters.state(number)
        state.read_well(T)
        meters.save_state(number, state)
    assert flash.writes == writes
    meters.save_state(ids[0], state, urgent=True)
    assert flash.writes > writes and opened().state(ids[10]).good_utc == T  # all of the page went with it
    writes = flash.writes
    meters._states.tick()
    assert flash.writes == writes


def counters(meters, number, count):
    return [meters.next_counter(number) for _ in range(count)]


def test_counters_over_starts_sessions_and_full_pages():
    flash = chip()
    meters = opened()
    ids = batch(meters, [meter(number, **CIPHERED) for number in range(1, 101)])[0]
    given = {number: set() for number in ids}
    last = {}
    for start in range(4):
        erases = flash.erases
        for _ in range(6):
            for number in ids:
                for counter in counters(meters, number, 3):
                    assert counter not in given[number] and counter > last.get(number, 0)
                    given[number].add(counter)
                    last[number] = counter
        # One write to reserve for each meter and start; the others wait to be written together.
        assert flash.erases - erases < 700, flash.erases - erases
        if start % 2:
            meters.end()
        meters = opened()
    assert max(last.values()) < 1000000 + 5 * 1000
    meters.counter_at_least(5, 2500)
    assert meters.next_counter(5) == last[5] + 1000 - 18 + 1 or meters.next_counter(5) > last[5]
    meters.counter_at_least(5, 3456789)
    assert counters(meters, 5, 2) == [3456790, 3456791]
    assert counters(opened(), 5, 1)[0] > 3456791
    for wrong in (lambda: meters.next_counter(999), lambda: meters.counter_at_least(5, 0xFFFFFFFF)):
        try:
            wrong()
            raise AssertionError
        except ValueError:
            pass


def test_a_thousand_counters_cost_one_write():
    flash = chip()
    meters = opened()
    number = add(meters, 1, **CIPHERED)
    meters.next_counter(number)
    writes = flash.writes
    counters(meters, number, 999)
    assert flash.writes == writes
    meters.next_counter(number)
    assert flash.writes > writes


def test_counters_begin_behind_those_of_who_was_removed():
    chip()
    meters = opened()
    number = add(meters, 1, **CIPHERED)
    last = counters(meters, number, 1500)[-1]
    meters.remove(number)
    number = add(meters, 1, **CIPHERED)
    first = meters.next_counter(number)
    assert first > last
    for _ in meters.remove_all():
        pass
    for _ in meters.remove_all():
        pass
    number = add(opened(), 1, **CIPHERED)
    meters = opened()
    assert first < meters.next_counter(number) < 4000000  # and a removal of who used none costs nothing
    for _ in range(5):
        meters = opened()
        other = add(meters, 2)
        meters.remove(other)
    assert meters.next_counter(add(meters, 2)) < 4000000


def test_counters_after_a_factory_reset():
    chip()
    meters = opened()
    last = counters(meters, add(meters, 1, **CIPHERED), 3)[-1]
    for name in os.listdir(FOLDER + "/dlms"):
        os.remove(FOLDER + "/dlms/" + name)
    os.rmdir(FOLDER + "/dlms")
    for _ in range(3):
        meters = opened()
    first = meters.next_counter(add(meters, 1, **CIPHERED))
    assert last < first < last + 1000000 + 1000


def damage(name):
    with open(name, "rb") as file:
        content = bytearray(file.read())
    content[len(content) // 2] ^= 1
    with open(name, "wb") as file:
        file.write(content)


def test_a_damaged_page_of_states_costs_that_page_and_no_counter():
    chip()
    meters = opened()
    ids = batch(meters, [meter(number, **CIPHERED) for number in range(1, 151)])[0]
    last = {number: counters(meters, number, 2)[-1] for number in ids}
    state = meters.state(140)
    state.read_well(T)
    meters.save_state(140, state)
    meters.end()
    damage(FOLDER + "/dlms/s0060")
    told = []
    meters = opened(told)
    assert len(told) == 1 and "damaged" in told[0]
    assert meters.state(140).good_utc == T
    for number in ids:
        first = meters.next_counter(number)
        assert last[number] < first, number
        assert (first > 2000000) == (96 <= number < 128), number
    told = []
    meters = opened(told)
    assert told == [] and meters.next_counter(100) < 3000000


def test_a_damaged_page_of_lines_costs_that_page():
    chip()
    told = []
    meters = opened()
    ids = batch(meters, [meter(number, **CIPHERED) for number in range(1, 101)])[0]
    last = counters(meters, 100, 2)[-1]
    pages = sorted([name for name in os.listdir(FOLDER + "/dlms") if name[0] == "m"])
    damage(FOLDER + "/dlms/" + pages[-1])
    start = int(pages[-1][1:], 16)
    meters = opened(told)
    assert len(told) == 1 and "damaged" in told[0] and str(start) in told[0]
    assert [number for _, number in meters.each()] == [number for number in ids if number < start]
    assert meters.find(100) is None
    number = add(meters, 100, **CIPHERED)
    assert number == 256  # none of the ids that may have been there
    assert meters.next_counter(number) > last
    assert [number for _, number in opened().each()] == [number for number in ids if number < start] + [256]
    for _ in meters.remove_all():
        pass
    told = []
    assert opened(told).count == 0 and told == []


def test_a_full_flash_loses_nothing_and_gives_no_counter():
    chip(24)
    meters = opened()
    batch(meters, [meter(number, **CIPHERED) for number in range(1, 30)])
    for number in range(10, 30):  # so that their page needs a block
        meters.next_counter(number)
    last = meters.next_counter(3)
    folder = fill()
    one = Batch(meters)
    for _ in one.begin():
        pass
    for number in range(50, 70):
        one.take(meter(number, name="N" * 40))
    try:
        one.write()
    except OSError:
        pass
    one.end()
    assert meters.count == 29 + one.added == opened().count
    for number in (7, 9):
        try:
            meters.next_counter(number)
            raise AssertionError
        except OSError:
            pass
    empty(folder)
    seen = [meters.next_counter(3)]
    assert seen[0] > last
    assert batch(meters, [meter(number) for number in range(50, 70)])[1] == []


def cuts(prepare, action, check):
    """Cut the power at every flash operation of action(meters, seen); then check(meters, seen, whether all was done)."""
    flash = chip(16)
    meters = opened()
    prepare(meters)
    start = bytes(flash.content)
    cut, is_done = 0, False
    while not is_done:
        cut += 1
        flash = mounted(RamFlash(content=start))
        meters = opened()
        seen = []
        flash.cut_at = cut
        try:
            action(meters, seen)
            is_done = True
        except PowerCut:
            pass
        mounted(RamFlash(content=flash.content))
        told = []
        meters = opened(told)
        assert told == [], (cut, told)
        check(meters, seen, is_done)
        gc.collect()
    assert cut > 5


def prepared(meters):
    batch(meters, [meter(number, name="N" * 40, **CIPHERED) for number in range(1, 31)])
    for number in (1, 30):
        counters(meters, number, 2)


def test_power_cuts_while_meters_are_added_and_changed():
    new = [meter(number, name="M" * 40, tariff="T2", **CIPHERED) for number in range(20, 41)]

    def action(meters, seen):
        seen.extend(batch(meters, new)[0])

    def check(meters, seen, is_done):
        found = {Plan(line).serial: Plan(line) for line in meters.lines() if line}
        for number in range(1, 31):
            plan = found.pop("8%07d" % number)
            assert plan.id == number and plan.name in ("N" * 40, "M" * 40) and (plan.name[0] == "M") == (plan.tariff == "T2")
            assert plan.name[0] == "N" or number >= 20
        for plan in found.values():
            assert plan.name == "M" * 40 and plan.tariff == "T2"
        assert len(found) <= 10 and meters.count == 30 + len(found)
        if is_done:
            assert len(found) == 10
        assert batch(meters, new)[1] == [] and meters.count == 40

    cuts(prepared, action, check)


def test_power_cuts_while_meters_are_removed():
    def action(meters, seen):
        meters.remove(30)
        seen.append(1)
        for _ in meters.remove_all():
            pass

    def check(meters, seen, is_done):
        assert meters.count in ((0, 29) if seen else (29, 30)), meters.count
        assert not is_done or meters.count == 0
        if meters.count < 30:
            number = add(meters, 30, **CIPHERED)
            assert number == 31 and meters.next_counter(number) > 1001000  # its first 1000 are reserved, or were used

    cuts(prepared, action, check)


def test_power_cuts_while_counters_are_handed_out_and_states_saved():
    def action(meters, seen):
        for turn in range(3):
            for number in (1, 2, 30):
                seen.append((number, meters.next_counter(number)))
                state = meters.state(number)
                state.failed(T + turn, 1)
                meters.save_state(number, state)
            meters.end()

    def check(meters, seen, is_done):
        last = {1: 1000002, 30: 1000002}
        for number, counter in seen:
            assert counter > last.get(number, 0)
            last[number] = counter
        for number in (1, 2, 30):
            state = meters.state(number)
            assert state.failures <= 3 and (not is_done or state.failures == 3)
            assert meters.next_counter(number) > last.get(number, 0)

    cuts(prepared, action, check)


def test_power_cuts_when_the_mark_rises():
    def prepare(meters):
        prepared(meters)
        meters.counter_at_least(1, 1999500)

    def action(meters, seen):
        meters.counter_at_least(1, 1999500)
        for _ in range(3):
            seen.append(meters.next_counter(1))
        meters.remove(1)

    def check(meters, seen, is_done):
        number = 1 if meters.find(1) else add(meters, 1, **CIPHERED)
        meters.counter_at_least(number, 1999500)
        assert meters.next_counter(number) > max(seen or [0])

    cuts(prepare, action, check)


def test_ram_does_not_grow_with_the_list():
    chip(100)
    gc.collect()
    before = gc.mem_alloc()
    meters = opened()
    used = []
    for count in (10, 100, 1000):
        assert batch(meters, [meter(number, **CIPHERED) for number in range(count)])[1] == []
        for number in (1, 5, 9):
            meters.next_counter(number)
        assert sum(1 for _ in meters.each()) == sum(1 for found in meters.search("8") if found) == count
        meters.end()
        gc.collect()
        used.append(gc.mem_alloc() - before)
    print("heap of the list:", used)
    assert max(used) - min(used) < 2000, used
    assert max(used) < 14000, used
