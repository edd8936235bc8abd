"""The list of IEC 62056-21 meters: what may stand in it; passwords that were refused, and a flash that cannot be read."""

from firmware.state import iec_meters, iec_refused


class Unreadable:
    def __init__(self, error):
        self.failure = error
        self.saved = None

    def load(self):
        return None

    def save(self, value):
        self.saved = value


def raised(kind, run, *arguments):
    try:
        run(*arguments)
    except kind:
        return True
    return False


def test_how_profile_and_events_are_asked_for():
    for text in ("", "auto", "R5 P.01 zYYMMDDhhmm", "R2 96.A.8.0 YY-MM-DD,hh:mm", "R5 P1 YYMMDD()", "R2 P.01 ;"):
        assert iec_meters.Plan(iec_meters.checked({"profile": text})).profile == text
    for text in ("Rx P.01 zYYMMDDhhmm", "R9 P.01 zYYMMDDhhmm", "R5 P.01) zYYMMDDhhmm", "R5 P.01 zYY)MM", "W5 P.01 zYYMMDDhhmm"):
        for name in ("profile", "events"):
            assert raised(iec_meters.Wrong, iec_meters.checked, {name: text}), text


def test_events_are_asked_for_by_packets_too():
    for text in ("0", "89"):
        assert iec_meters.Plan(iec_meters.checked({"events": text})).events == text
    for text in ("1", "82", "R2 P.98 ;"):
        assert raised(iec_meters.Wrong, iec_meters.checked, {"events": text}), text


def test_refused_passwords_that_cannot_be_read_are_not_taken_for_none():
    plan = iec_meters.Plan(iec_meters.checked({"password": "1234"}))
    for error in (MemoryError(), OSError(5)):
        document = Unreadable(error)
        assert raised(type(error), next, iec_refused.until(document, [plan]))
        assert raised(type(error), iec_refused.add, document, plan, 500, 100)
        assert document.saved is None
