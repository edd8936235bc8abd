"""Changes a meter over to HDLC by mode E of IEC 62056-21. In RAM only where meters want it.

Source: IEC 62056-21, annex E; IEC 62056-46, annex A.
"""

from micropython import const

from firmware.bus.iec_session import IecSession
from lib.dlms.errors import FrameError as LinkError
from lib.dlms.errors import PeerError as Refusal
from lib.iec62056.errors import FrameError, PeerError
from lib.iec62056.sign_on import BINARY

_OPENING_BAUD = const(300)


class _Call:
    """What an IecSession wants to know of a meter."""

    parity = 1
    wakes = 0
    opening = _OPENING_BAUD

    def __init__(self, address):
        self.address = address


async def change_over(uart, plan, fastest, beat):
    """Return the speed that the meter goes on with, 0 if it did not answer. Raises errors of lib/dlms: it is another one.

    On the optical port there is one meter, which needs no number; on a line of many it is called by its own.
    """
    session = IecSession(uart, None, beat)
    try:
        await session.sign_on(_Call("" if plan.port else plan.serial), BINARY, fastest, take=_nothing)
    except FrameError as error:
        if error.reason == "no answer":
            return 0
        raise LinkError("opening: " + error.reason)
    except PeerError as error:
        raise Refusal("opening: " + error.text)
    return session.baud


def _nothing(event, reader):
    return None
