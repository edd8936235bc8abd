"""The simulated meters' registers, asked by PDU: no wire, and a clock that only moves when told."""

import math
import struct
from datetime import datetime, timedelta
from typing import Any

import pytest

from tools.rig import field
from tools.rig.errors import RigError
from tools.rig.rtu import seal
from tools.rig.words import from_bcd, from_hex
from tools.rig.world import World, local

FAMILIES = ("IE38MD", "IE35MD", "IE14MD", "WM3M4C", "WM3-6", "WM1-6", "MC666", "iMC784", "MT440")
NOON = 1582633122  # 25.02.2020 13:18:42 in Ljubljana


class Bench:
    """A meter and the time it lives in."""

    def __init__(self, model="IE38MD", **entry):
        self.now = 0.0
        world = World(entry.pop("unix", NOON), entry.pop("scale", 1.0), lambda: self.now)
        self.meter: Any = field.build_meter({"model": model, **entry}, world)

    def ask(self, pdu):
        return self.meter.answer(bytes.fromhex(pdu) if isinstance(pdu, str) else pdu)

    def read(self, number, count=1) -> Any:
        """Words from register `number` on; an exception comes back as its negative code."""
        function, address = (4, number - 30000) if number < 40000 else (3, number - 40000)
        answer = self.ask(struct.pack(">BHH", function, address, count))
        if answer[0] & 0x80:
            return -answer[1]
        assert answer[:2] == bytes((function, 2 * count))
        return list(struct.unpack(f">{count}H", answer[2:]))

    def signed(self, number):
        high, low = self.read(number, 2)
        return struct.unpack(">i", struct.pack(">HH", high, low))[0]

    def single(self, number):
        return struct.unpack(">f", struct.pack(">HH", *self.read(number, 2)))[0]

    def write(self, number, *words):
        """FC16; b"" of the exception or the echo of address and count."""
        pdu = struct.pack(f">BHHB{len(words)}H", 16, number - 40000, len(words), 2 * len(words), *words)
        return self.ask(pdu)

    def write_one(self, number, word):
        return self.ask(struct.pack(">BHH", 6, number - 40000, word))


def manual_bench(model):
    entry = next(e for e in field.load(field.MANUAL)["meters"] if e["model"] == model)
    return Bench(**entry)


def test_identity_as_in_the_sheet():
    bench = Bench("IE38MD", serial="X0000124")
    answer = seal(b"\x21" + bench.ask("040001000E"))
    assert answer == bytes.fromhex("21041C49453338 4D442020202020202020202058303030303132 34007B41203110")


def test_manual_measurements_word_for_word():
    bench = manual_bench("WM3M4C")
    for register, expected in (
        (30105, "FD00C35A"),
        (30107, "FE005622 FE00562C FE005622"),
        (30126, "FD00004A FD00002D FD000013"),
        (30140, "FF000041 FF00001A FF000016 FF000011"),
        (30148, "FFFFFEEB FFFFFF64 FFFFFFA6 FFFFFFE3"),
        (30156, "FF000131 FF0000A4 FF000062 FF00002A"),
        (30164, "00FF084C 00FF0647 00FF088E 00FF0F90"),
        (30172, "E1F5 E087 E1FE E83B"),
        (30181, "0E56"),
        (30182, "00FA 00FB 00FB"),
        (30188, "0920 0C28 1CEA"),
        (30405, "0001"),
    ):
        words = from_hex(expected)
        assert bench.read(register, len(words)) == words, register


def test_manual_counters_word_for_word():
    bench = manual_bench("IE38MD")
    assert bench.read(30401, 4) == [2] * 4
    assert bench.read(30446, 16) == [2] * 8 + [1] * 8
    assert [bench.signed(30406 + 2 * n) for n in range(4)] == [2, 0, 0, 0]
    assert [bench.signed(30414 + 2 * n) for n in range(16)] == [2, 0, 0, 0, 2, *[0] * 11]
    parameters = [bench.read(40421 + 4 * n)[0] for n in range(20)]
    assert parameters == [1, 1, 2, 2] * 4 + [0] * 4
    tariffs = [bench.read(40424 + 4 * n)[0] for n in range(20)]
    assert tariffs == [0b1111] * 12 + [0] * 8
    assert bench.signed(30462) == 2000  # 0.1 Wh
    assert bench.single(32752) == 200.0


def test_pinned_meters_stand_still():
    for model in ("IE38MD", "WM3M4C", "MC666"):
        bench = manual_bench(model)
        before = bench.read(30105, 86), bench.read(30401, 14)
        bench.now = 4000.0
        assert (bench.read(30105, 86), bench.read(30401, 14)) == before


# What the vendor's client asks of each family (sheet, 9.1), besides identity and texts.
CLIENT_READS = {
    "IE": ((40148, 2), (30015, 4), (36761, 1), (30100, 91), (32750, 96), (40151, 1), (40421, 16), (40437, 64)),
    "WM": ((30100, 91), (30400, 64), (40151, 1), (40421, 36)),
    "MC": ((32500, 106), (32658, 2), (30400, 94), (40151, 1), (40421, 94)),
}


def test_every_family_answers_what_a_client_reads():
    for model in FAMILIES:
        if model == "WM1-6":
            continue  # its limits are the next test
        bench = Bench(model)
        style = {"i": "MC", "M": "MC"}.get(model[0], model[:2])
        for number, count in ((30001, 14), (40101, 40), *CLIENT_READS[style]):
            words = bench.read(number, count)
            assert isinstance(words, list), (model, number, count, words)
        assert bench.read(30001, 8) == from_hex(model.encode().ljust(16).hex())


def test_limits_and_edges():
    for model, number, count, expected in (
        ("WM1-6", 30400, 14, None),
        ("WM1-6", 30400, 15, -3),
        ("WM1-6", 40101, 20, None),
        ("WM1-6", 40101, 21, -3),
        ("WM1-6", 30100, 91, None),
        ("IE38MD", 30401, 120, -2),  # runs out of the counters' block
        ("IE38MD", 30401, 101, None),
        ("IE38MD", 36761, 121, -3),
        ("IE38MD", 30300, 1, -2),
        ("IE38MD", 30190, 13, -2),  # the last register of the block is 30201
        ("MC666", 32500, 125, None),
        ("MC666", 35500, 4, -2),  # no interval values
        ("WM3M4C", 30406, 2, None),
        ("IE14MD", 30109, 2, None),  # phases 2 and 3 of a single-phase meter are holes
    ):
        answer = Bench(model).read(number, count)
        assert (answer == expected) if expected else isinstance(answer, list), (model, number, count, answer)
    assert Bench("WM3M4C").read(30406, 2) == [0, 0]
    for model in FAMILIES:
        bench = Bench(model)
        assert bench.read(30101, bench.read(30099)[0] - 19) != -3


def test_bad_requests():
    for pdu, answer in (
        ("0200010001", "8201"),
        ("0F0001000101", "8F01"),
        ("2B0E0100", "AB01"),
        ("0400010000", "8403"),
        ("040001007E", "8403"),
        ("04000100", "8403"),
        ("03FFFF0002", "8302"),
        ("0607D00001", "8602"),
        ("06008F0001", "06008F0001"),
        ("060064FFFF", "8602"),  # before the texts
        ("1000650002024142", "9003"),  # count and size disagree
        ("100065000102414243", "9003"),
        ("0600A10000", "8602"),  # time only by function 16
    ):
        assert Bench("IE38MD").ask(pdu) == bytes.fromhex(answer), pdu


def test_texts_can_be_written():
    bench = Bench("IE38MD", description="old")
    assert bench.write(40101, *from_hex(b"Garage  ".hex())) == bytes.fromhex("1000650004")
    assert bench.write_one(40121, 0x4B31) == bytes.fromhex("0600794B31")
    assert bench.read(40101, 4) == from_hex(b"Garage  ".hex())
    assert bench.read(40121, 2) == [0x4B31, 0x2020]


def test_values_agree_with_each_other():
    for model in FAMILIES:
        bench = Bench(model)
        for bench.now in (1.0, 7.0, 300.0):
            v = bench.meter.present()
            for n in range(1, bench.meter.PHASES + 1):
                assert 215 < v[f"U{n}"] < 245 and v[f"I{n}"] > 0
                assert v[f"P{n}"] ** 2 + v[f"Q{n}"] ** 2 <= v[f"S{n}"] ** 2 * 1.000001
                assert math.isclose(v[f"S{n}"], v[f"U{n}"] * v[f"I{n}"])
                assert math.isclose(v[f"PF{n}"], abs(v[f"P{n}"]) / v[f"S{n}"])
            for name in "PQS":
                assert math.isclose(v[f"{name}0"], sum(v[f"{name}{n}"] for n in range(1, bench.meter.PHASES + 1)))


def test_values_move_and_pins_do_not():
    bench = Bench("IE38MD", values={"U1": 231.5})
    first = bench.read(30107, 4)
    bench.now = 30.0
    second = bench.read(30107, 4)
    assert second[:2] == first[:2] == from_hex("FE005A6E")
    assert second[2:] != first[2:]
    bench.meter.pin({"P1": 1000.0, "P2": 500.0, "P3": 250.0})
    assert bench.read(30140, 2) == from_hex("FF00445C")  # the total follows: 1750.0 W


def test_pins_it_cannot_take():
    bench = Bench("IE14MD")
    for values in ({"U2": 1}, {"nonsense": 1}, {"U1": "230 V"}, {"U1": True}, {"U1": None}):
        with pytest.raises(RigError):
            bench.meter.pin(values)


def test_energy_is_power_times_time():
    bench = Bench("IE38MD", values={"P0": 3600.0, "Q0": -1800.0, "S0": 4024.9}, counters={"counter1nr": 100, "counter4nr": 0})
    reactive_out = bench.signed(30462 + 6)
    for bench.now in (0.04, 1.0, 7.3, 1000.0):
        bench.read(30401, 2)
    assert bench.signed(30462) == 1000 + 10000  # 3600 W for 1000 s are 1000 Wh, in 0.1 Wh
    assert bench.signed(30406) == 11  # in 100 Wh, exponent 2
    assert bench.signed(30464) == int(bench.meter.counters["counter2nr"].units() * 10)  # nothing went out
    assert bench.signed(30462 + 6) - reactive_out == 5000  # capacitive
    assert bench.single(32752) == 1100.0


def test_export_counts_the_other_way():
    bench = Bench("MC666", load={"I": 5.0, "angle": 170}, counters={f"counter{n}": 0 for n in range(1, 5)})
    bench.now = 36.0
    values = bench.meter.present()
    assert values["P0"] < 0 and values["Q0"] > 0
    assert values["counter1"] == 0 < values["counter2"]
    assert values["counter4"] == 0 < values["counter3"]
    high, _ = bench.read(30164, 2)
    assert high == 0xFFFF  # export, capacitive


def test_configuration_of_a_counter_takes_effect():
    bench = Bench("IE38MD", values={"P0": 3600.0, "P2": 1800.0, "Q0": 0.0}, counters={"counter1": 0, "counter13": 0})
    bench.write(40437 + 48, 0b1001, 0b1001, 0xFFFF, 0b1)  # counter 13: Wh of phase 2, import, 0.1 Wh, tariff 1
    bench.now = 10.0
    assert bench.read(30458) == [0xFFFF]
    assert bench.signed(30438) == 50
    bench.write_one(40030, 2)  # tariff 2 does not count there
    bench.now = 20.0
    assert bench.signed(30438) == 50
    assert bench.read(30405) == [2]


def test_reset_of_counters():
    bench = Bench("IE38MD", frozen=True, values={f"counter{n}": 1000 * n for n in range(1, 17)})
    bench.write_one(40031, 0b1000_0000_0000_0101)
    after = [bench.signed(30414 + 2 * n) for n in range(16)]
    assert [n for n in range(16) if after[n] == 0] == [0, 2, 15]
    assert Bench("WM3-6").write_one(40031, 1) == bytes.fromhex("8602")  # not public for other families


def test_wm_counters_in_their_places():
    bench = Bench("WM3M4C", values={"counter1nr": 1234560, "counter2nr": 10})
    assert bench.read(30414, 2) == [1, 1]
    assert (bench.signed(30418), bench.signed(30420)) == (123456, 1)
    assert (bench.signed(30434), bench.signed(30436)) == (12345600, 100)
    assert bench.read(40421) == bench.read(40431) == [1]
    bench = Bench("WM3-6", values={"counter1": 10, "counter1nr": 20, "counter4": 30, "counter4nr": 40})
    assert [bench.signed(n) for n in (30406, 30418, 30412, 30424)] == [1, 2, 3, 4]
    bench = Bench("WM1-6", values={"counter1": 10, "counter4": 30})
    assert [bench.signed(n) for n in (30406, 30412)] == [10, 30]


def test_interval_values():
    bench = Bench("WM3M4C", values={"U1": 230.0})
    assert bench.read(35500, 3) == [0, 0, 0]
    assert bench.read(35505, 4) == [0] * 4
    bench.now = 450.0
    bench.meter.pin({"U1": 231.0})
    bench.now = 450.5
    bench.read(30101)
    bench.now = 900.0
    assert bench.read(35502) == [1]
    average, maximum, minimum = (bench.read(30107 + offset, 2) for offset in (5400, 5500, 5600))
    assert (maximum, minimum) == (from_hex("FE005A3C"), from_hex("FE0059D8"))
    assert average[0] == 0xFE00 and 23000 < average[1] < 23100
    bench.write(41990, 600, 50)  # one minute, and the running one ends in 5 s
    bench.now = 906.0
    assert bench.read(35502) == [2]
    assert bench.read(41990) == [600]
    assert bench.read(35500)[0] in (50, 60)


def test_float_block():
    bench = manual_bench("MC666")
    for number, expected in ((32498, 50.0), (32500, 230.0), (32536, 750.0), (32588, 5.0), (32594, 2.0), (32658, 28.5)):
        assert bench.single(number) == expected, number


def test_time_blocks_only_on_the_newer_kind():
    assert Bench("IE38MD").read(36761) == [0]
    bench = Bench("IE38MD", time_blocks=True, values={"P0": 3600.0})
    assert bench.read(36761, 3) == [5, 1, 2]  # 13:18, a dear hour
    before = bench.signed(36786 + 42)
    bench.now = 100.0
    bench.read(36761, 120)
    assert bench.signed(36786 + 42) - before == 10  # 100 Wh in steps of 10
    assert bench.read(35244) == [900 - (NOON + 100) % 900]
    assert len(bench.read(36881, 118)) == 118
    assert len(bench.read(35244, 18)) == 18
    assert bench.read(34901, 2) == from_hex(f"{NOON + 100:08x}")
    assert bench.read(40990, 5) == [10000] * 5


def test_day_log_moves_on_every_quarter_hour():
    bench = Bench("IE38MD", values={"P0": 1725.0})  # half of 3 x 230 V x 5 A
    assert bench.read(36001, 3) == [15, 96, 13 * 60 + 15]
    older = bench.read(36004, 64)
    bench.now = 900.0
    assert bench.read(36003) == [13 * 60 + 30]
    assert bench.read(36004, 64) == [5000, *older[:63]]


def shown(bench):
    hundredths, minutes, days, year = bench.read(30396, 4)
    return datetime(
        year,
        *(from_bcd(n) for n in (days & 0xFF, days >> 8, minutes & 0xFF, minutes >> 8, hundredths & 0xFF)),
    )


def test_clock_of_an_ie():
    bench = Bench("IE38MD")
    assert shown(bench) == local(NOON)
    bench.now = 60.0
    assert shown(bench) == local(NOON + 60)
    assert bench.write(40161, 0x0010, 0x3009, 0x2402, 2021)[0] == 16
    bench.now = 70.0
    assert shown(bench) == datetime(2021, 2, 24, 9, 30, 10) + timedelta(seconds=10)
    assert bench.write(40161, 0x0010, 0x3009, 0x3113, 2021) == bytes.fromhex("9003")  # no 13th month
    unset = Bench("IE38MD", clock_set=False)
    assert unset.read(30044) == [16]
    unset.write(40161, 0x0010, 0x3009, 0x2402, 2021)
    assert unset.read(30044) == [0]


def test_relay_of_a_meter():
    bench = Bench("IE38MD")
    assert bench.read(30197) == [255]
    bench = Bench("IE38MD", relay=0)
    bench.write_one(40015, 1)
    assert bench.read(30197) == [1]


def test_bicom_on_rs485():
    bench = Bench("Bicom", serial="B0000001", address=5)
    assert bench.ask("0400650001") == bytes.fromhex("04020000")
    assert bench.ask("06008D0001") == bytes.fromhex("06008D0001")
    assert bench.ask("0400650001") == bytes.fromhex("04020000")  # still moving
    bench.now = 0.2
    assert bench.ask("0400650001") == bytes.fromhex("04020001")
    assert bench.read(30001, 8) == from_hex(b"Bicom".ljust(16).hex())
    assert (bench.read(40101, 21), bench.read(40101, 20)) == (-3, [0x2020] * 20)
    assert bench.ask("06008D0002") == bytes.fromhex("8603")
    assert bench.ask("0400C50001") == bytes.fromhex("8402")


def test_bicom_on_infrared():
    bench = Bench("IR Bicom", port="ir_right")
    for pdu, answer in (("0400C50001", "04020000"), ("06000F0001", "2A000F0001"), ("0400010008", "8402")):
        assert bench.ask(pdu) == bytes.fromhex(answer), pdu
    bench.now = 0.2
    assert bench.ask("0400C50001") == bytes.fromhex("04020001")
    bench.meter.pin({"state": 0})
    assert bench.meter.present() == {"state": 0}


def test_raw_words_win():
    bench = Bench("WM3M4C", registers={"30105": "FD00 C35A", "45000": "1234"}, values={"frequency": 60})
    assert bench.read(30105, 2) == from_hex("FD00C35A")
    assert bench.read(45000) == [0x1234]


def test_time_may_run_fast():
    bench = Bench("IE38MD", values={"P0": 3600.0}, counters={"counter1nr": 0}, scale=900.0)
    bench.now = 2.0
    assert bench.signed(30462) == 18000  # half an hour
    assert bench.read(35502) == [2]


def test_entries_that_are_not_right():
    for entry in (
        "IE38MD",
        {"model": "ACME"},
        {"model": "IE38MD", "port": "usb"},
        {"model": "IE38MD", "values": {"U9": 1}},
        {"model": "IE38MD", "registers": {"30105": "FD0"}},
        {"model": "IE38MD", "registers": {"U1": "FD00"}},
        {"model": "IE38MD", "load": 5},
    ):
        with pytest.raises(RigError):
            field.build_meter(entry, World())
    assert field.build_meter({"family": "MC", "model": "ACME1"}, World()).model == "ACME1"
