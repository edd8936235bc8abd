"""The three errors of the Modbus codec: one for each way a caller can act.

Source: Modbus Application Protocol V1.1b3, 7 (exception codes).
"""

from micropython import const

ILLEGAL_FUNCTION = const(0x01)
ILLEGAL_ADDRESS = const(0x02)
ILLEGAL_VALUE = const(0x03)
DEVICE_FAILURE = const(0x04)
ACKNOWLEDGE = const(0x05)
DEVICE_BUSY = const(0x06)
NEGATIVE_ACKNOWLEDGE = const(0x07)  # in older editions of the standard only
MEMORY_PARITY = const(0x08)
GATEWAY_PATH = const(0x0A)
GATEWAY_TARGET = const(0x0B)

_TEXTS = const(
    (
        "illegal function",
        "illegal data address",
        "illegal data value",
        "device failure",
        "acknowledge",
        "device busy",
        "negative acknowledge",
        "memory parity error",
        "exception",
        "gateway path unavailable",
        "gateway target failed to respond",
    )
)


def exception_text(code):
    """Return the standard's name of an exception code in lower case; "exception" for a code it does not know."""
    return _TEXTS[code - 1] if 0 < code <= len(_TEXTS) else "exception"


class FrameError(Exception):
    """What came over the wire is no answer: noise, damage or silence. Ask again.

    `reason` is one of: no answer, echo only, short, crc, wrong unit, wrong function, wrong length, wrong value, noise,
    too long; those who own a wire add reasons of their own.
    """

    @property
    def reason(self):
        return self.args[0]


class PeerError(Exception):
    """A Modbus exception: the unit refused with `code`. For a server: what it has to refuse with. Report it."""

    @property
    def code(self):
        return self.args[0]

    def __str__(self):
        return f"{exception_text(self.code)} ({self.code})"


class LocalError(Exception):
    """We asked for what the standard forbids: a bug on our side, never the wire's."""

    @property
    def reason(self):
        return self.args[0]
