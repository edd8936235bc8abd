"""Events as meters write them become edges with a time, a code without its index, and words."""

from host_tests.lib.iec62056.iec_wire import ANSWERS, PLAIN, block, capture, feed, framed
from lib.iec62056.errors import FormatError
from lib.iec62056.event_log import entries, words_of
from lib.iec62056.load_profile import LoadProfile
from lib.iec62056.message_reader import VALUE, MessageReader


def told(data, generation="", step=64):
    """Every edge of a read-out as "YYYY-MM-DD hh:mm:ss code words", and how many values had a date that does not exist."""
    reader = MessageReader()
    reader.expect(ANSWERS, True)
    found, faults = [], [0]

    def tell(event):
        if event == VALUE:
            try:
                for time, code, words in entries(reader.address, reader.index, reader.text, generation):
                    found.append("%d-%02d-%02d %02d:%02d:%02d" % time[:6] + f" {code} {words}")
            except FormatError:
                faults[0] += 1

    feed(reader, data, step, tell)
    return found, faults[0]


MAKEL = [
    "2017-09-19 00:17:00 96.2.2 tariffs changed",
    "2019-05-10 10:03:00 96.77.0 outage begins",
    "2019-05-10 10:14:00 96.77.0 outage ends",
    "2019-05-09 20:17:00 96.77.0 outage begins",
    "2019-05-10 08:40:00 96.77.0 outage ends",
    "2018-12-12 20:19:00 96.77.2 outage L2 begins",  # it goes on
    "2018-04-08 10:58:00 96.77.2 outage L2 begins",
    "2018-12-12 20:08:00 96.77.2 outage L2 ends",
    "2018-04-08 10:58:00 96.77.3 outage L3 begins",
    "2018-04-08 10:58:00 96.77.4 voltage warning begins",
    "2018-12-13 17:09:00 96.77.5 current warning begins",
]


def test_captures():
    assert told(framed("makel-c500.txt")) == (MAKEL, 0)
    assert told(framed("viko-vemm.txt")) == (["2011-11-16 16:07:00 96.2.2 tariffs changed"], 0)
    found, faults = told(framed("mas-gen3-full.bin"), "3")
    assert faults == 0
    expected = (
        "2025-11-17 13:12:00 96.2.2 tariffs changed",
        "2025-11-17 13:12:46 96.77.20 voltage warning begins",
        "2026-01-28 16:24:35 96.7.10 outage begins",
        "2026-02-04 11:56:09 96.7.10 outage ends",
        "2026-01-28 16:21:57 96.7.12 outage L2 begins",
    )
    for line in expected:
        assert found.count(line) == 1, (line, found)
    assert len([line for line in found if line.endswith(" 96.7.10 outage begins")]) == 4  # what 96.7.0 counts
    assert told(framed("iskra-am550-p1.txt"))[0] == [
        "2017-06-09 06:32:39 99.97.0 long outage ends",
        "2017-06-11 00:17:06 99.97.0 long outage ends",
    ]
    assert "iskra-am550-p1.txt" in PLAIN


FORMS = (
    # line, generation, what it tells
    (b"96.77.20*1(24-05-01,10:00;24-05-01,10:02)", "2", ["short outage L2 begins", "short outage L2 ends"]),
    (b"96.77.20*1(24-05-01,10:00:01;24-05-01,10:02:00)", "3", ["voltage warning begins", "voltage warning ends"]),
    (b"96.77.20*1(24-05-01,10:00;24-05-01,10:02)", "", []),  # whatever it means there
    (b"96.77.2(01)", "3", []),  # a number
    (b"96.80(03)", "", []),
    (b"96.80*1(24-05-01,10:00,24-05-01,10:02)", "", ["magnet begins", "magnet ends"]),
    (b"96.71*3(18-04-06,16:05)(01)", "", ["terminal cover opened"]),
    (b"96.11.1*2(24-05-01,10:00:07)", "3", ["reset"]),
    (b"0.1.2*07(2405010000)", "", ["demand reset"]),
    (b"1-0:96.20.6*1(24-05-01,10:00;00-00-00,00:00)", "3", ["terminal cover open begins"]),
    (b"32.34.0*1(0045,%085,24-05-01,10:00:07)", "3", ["sag L1 0045 %085"]),
    (b"32.38.0*2(0000,%000,00-00-00,00:00:00)", "3", []),
    (b"96.77.0*1(24-02-30,10:03,24-05-10,10:14)", "", ["fault"]),
    (b"96.77.0*1(24-13-01,10:03;24-05-10,10:14)", "2", ["fault"]),
    (b"1.8.0(001234.5*kWh)", "3", []),
)


def test_forms_of_makers():
    for line, generation, expected in FORMS:
        found, faults = told(block(line + b"\r\n!\r\n"), generation)
        assert [line.split(" ", 3)[3] for line in found] + ["fault"] * faults == expected, (line, found)


def test_a_running_event_and_the_same_when_it_is_over_begin_alike():
    running, _ = told(block(b"96.77.0(24-05-01,10:00;00-00-00,00:00)\r\n!\r\n"), "2")
    over, _ = told(block(b"96.77.0*1(24-05-01,10:00;24-05-01,11:00)\r\n!\r\n"), "2")
    assert over[:1] == running and len(over) == 2


def test_log_book():
    reader = MessageReader()
    reader.tells_rows = True
    reader.expect(ANSWERS)
    book = LoadProfile()
    book.restart(b"P.98")
    found = []
    feed(reader, block(capture("emh-p98.txt")), 64, lambda event: book.take(event, reader) and found.append(words_of(book)))
    assert found == [
        "clock set, status changed, 0.9.1 1235703, 0.9.2 1220826",
        "clock set, status changed, 0.9.1 1235710, 0.9.2 1220828",
        "clock set, status changed, 0.9.1 1235706, 0.9.2 1220829",
        "demand reset",
        "power failure",
        "power back",
    ]
