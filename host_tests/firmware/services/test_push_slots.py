"""Whether and how often the values of a slot go over a link, be it one without settings of its own."""

from firmware.services.push_topics import interval_s, is_pushed

SETTINGS = {"rs485_protocol": 2, "iec_pushlink": 2, "iec_pushintv": 70, "rs485_pushlnk16": 1, "rs485_pushint16": 5}


def test_slots():
    for protocol, slot, links, seconds in ((2, 16, (1,), 5), (2, 17, (2,), 70), (2, 32, (2,), 70), (3, 16, (2,), 70)):
        settings = dict(SETTINGS)
        settings["rs485_protocol"] = protocol
        assert tuple([link for link in (1, 2) if is_pushed(settings, slot, link)]) == links, (protocol, slot)
        assert interval_s(settings, slot) == seconds
