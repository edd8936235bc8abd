"""Names for people: logical names, units, refusals, events of logs."""

from lib.dlms import event_names, names, results, units
from lib.dlms.errors import FormatError

_PAIRS = ("terminal cover open", "meter cover open", "magnet", "measuring module failure", "wrong phase sequence", "over-power")
_PAIRS += (
    "voltage loss L1",
    "voltage loss L2",
    "voltage loss L3",
    "reverse current L1",
    "voltage imbalance",
    "sag L1",
    "swell L1",
)
_PAIRS += ("current imbalance", "phase break", "phase break L1", "current break L1", "overcurrent L1")


def test_logical_names():
    for text in ("1.0.1.8.0.255", "1-0:1.8.0*255", "1-0:1.8.0", "1.0.1.8.0"):
        assert names.octets(text) == b"\1\0\1\x08\0\xff", text
    assert names.text(b"\1\0\1\x08\0\xff") == "1.0.1.8.0.255"
    assert names.octets("1-0:1.8.0*1") == b"\1\0\1\x08\0\1"
    for text in ("", "1.8.0", "1.0.1.8.0.256", "1.0.1.8.0.-1", "a.0.1.8.0.255", "1.0.1.8.0.255.1"):
        try:
            names.octets(text)
        except FormatError as error:
            assert error.reason == "name"
        else:
            raise AssertionError(text)


def test_units():
    known = ((27, "W"), (28, "VA"), (29, "var"), (30, "Wh"), (31, "VAh"), (32, "varh"), (33, "A"), (35, "V"), (44, "Hz"))
    for code, unit in known + ((1, "a"), (13, "m3"), (56, "%"), (72, "dB"), (255, ""), (200, "")):
        assert units.text(code) == unit


def test_refusals():
    assert results.access(4) == "object undefined"
    assert results.access(250) == "other reason"
    assert results.access(99) == "result 99"
    assert results.exception(1, 5) == "service not allowed, deciphering error"
    assert results.exception(9, 9) == "state 9, error 9"
    assert results.diagnostic(results.USER, 13) == "authentication failure"
    assert results.diagnostic(results.PROVIDER, 2) == "no common version"
    assert results.diagnostic(results.USER, 0) == ""
    assert results.diagnostic(results.USER, 77) == "diagnostic 77"
    assert results.service_error(1, 6, 2) == "incompatible conformance"
    assert results.service_error(5, 1, 3) == "hardware resource error 3"
    assert results.service_error(5, 11, 3) == "service error 3"


def test_events():
    assert event_names.idis(40) == "terminal cover open begins"
    assert event_names.idis(43) == "magnet ends"
    assert event_names.idis(255) == "log cleared"
    assert event_names.idis(4) == "clock adjusted, old time"
    assert event_names.idis(0) == event_names.idis(200) == ""
    assert event_names.spodes(0, 25) == "wrong phase sequence begins"
    assert event_names.spodes(4, 2) == "magnet ends"
    assert event_names.spodes(1, 3) == "reverse current L2 begins"
    assert event_names.spodes(4, 9) == event_names.spodes(9, 1) == ""


def test_every_kind_that_a_concentrator_shall_tell_has_a_name():
    told = [event_names.idis(code) for code in range(256)]
    told += [event_names.spodes(log, code) for log in range(8) for code in range(256)]
    told = {name for name in told if name}
    for kind in _PAIRS:
        assert kind + " begins" in told, kind
        assert kind + " ends" in told, kind
    for kind in ("relay off, remote", "relay on, remote", "log cleared", "profile 1 cleared"):
        assert kind in told, kind
    assert len({name.replace(" begins", "").replace(" ends", "") for name in told}) >= 63
