"""How a request of provisioning fails, and the statuses that an answer may carry instead.

Source: ESP-IDF v5.5.5 protocomm, proto/constants.proto (Status) and how its transports answer a handler that failed.
"""

from micropython import const

# Status. An answer's others, of the session, are never sent: those failures are Refused.
SUCCESS = const(0)
INVALID_ARGUMENT = const(4)
INTERNAL_ERROR = const(5)


class Refused(Exception):
    """The request gets no answer but an error of the transport, and the connection stays up; args[0] says why, for a log.

    Over Bluetooth: an ATT error that no phone takes for a wish to pair, 0x0E or 0x80 to 0x9F. An empty answer in its place
    leaves a phone waiting for ever.
    """
