"""Reads small values of a DLMS meter whole: what is no profile."""

from micropython import const

from lib.dlms import axdr
from lib.dlms.errors import FormatError, PeerError
from lib.dlms.results import access

_STRUCTURE = const(2)
_MOST_BYTES = const(4096)  # of the columns of a profile; else far less
ABSENT = const((3, 4, 9, 11, 13))  # results that are facts about an object: it is not there, or not for us


class Small:
    """Collects the octets of a value."""

    def __init__(self):
        self._octets = bytearray()

    def take(self, view):
        """Be the sink of a value."""
        if len(self._octets) + len(view) > _MOST_BYTES:
            raise FormatError("too large")
        self._octets.extend(view)

    def value(self):
        """Return the value as lib/dlms/axdr.whole() makes it."""
        return axdr.whole(self._octets)

    @property
    def octets(self):
        return self._octets


def is_there(result):
    """Whether an attribute came, by its data-access-result. PeerError: it is there, but not for now."""
    if result and result not in ABSENT:
        raise PeerError(access(result), result)
    return not result


async def value_of(session, class_id, ln, attribute):
    """Return an attribute, None if the meter has none, or nothing in it."""
    small = Small()
    try:
        await session.get(class_id, ln, attribute, small.take)
    except PeerError as error:
        if error.code in ABSENT:
            return None
        raise
    return small.value()


async def values_of(session, items):
    """Return the attributes of up to 127 (class, logical name, attribute, ...), None for those that the meter has not."""
    small = Small()  # one for all: an object for each would take some KB
    small.take(bytes((_STRUCTURE, len(items))))
    results = await session.get_list(items, [small.take] * len(items))
    are_there = [is_there(result) for result in results]
    small.octets[1] = sum(are_there)
    values = iter(small.value())
    return [next(values) if is_one else None for is_one in are_there]
