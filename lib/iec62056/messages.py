"""Messages of the programming mode, as the reader sends them.

Source: IEC 62056-21, 6.3.3 to 6.3.15 and 6.5.
"""

from lib.iec62056.errors import LocalError

ACK = b"\x06"
NAK = b"\x15"


def message(command, data=None, is_summed=False):
    """Return SOH, command (b"R5", b"W2", b"E2", b"P1", b"B0"), STX, data set, ETX and the block check; no STX if data is None.

    is_summed: block check of Energomera. LocalError: no command, or a control character in the data.
    """
    if len(command) != 2 or command[:1] not in b"BEPRW" or not command[1:].isdigit():
        raise LocalError("command")
    if data is not None:
        if any(not 0x20 <= byte < 0x7F for byte in data):
            raise LocalError("data")
        command += b"\x02" + data
    command += b"\x03"
    check = sum(command) & 0x7F
    if not is_summed:
        check = 0
        for byte in command:
            check ^= byte
    return b"\x01" + command + bytes((check,))


def break_off(is_summed=False):
    """The message that ends a session; no answer is to be expected."""
    return message(b"B0", None, is_summed)
