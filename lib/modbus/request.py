"""Encodes requests to a unit, as whole RTU frames: those that the gateway makes. The others are in other_requests.py.

Source: Modbus Application Protocol V1.1b3, 6; Modbus over Serial Line V1.02, 2.2 (addresses).
"""

from struct import pack

from micropython import const

from lib.modbus.crc import append_crc
from lib.modbus.errors import LocalError
from lib.modbus.framing import copy
from lib.modbus.limits import MAX_ADU, MAX_PDU, most

# Functions whose reply is never the same as the request. An unknown function may mirror it, as 5, 6, 8, 21 and 22 do.
_NOT_MIRRORED = const(b"\x01\x02\x03\x04\x07\x0b\x0c\x0f\x10\x11\x14\x17\x18\x2b")


class Request:
    """One request and the room for its reply; can be asked any number of times.

    adu         the whole frame with its CRC, bytes
    unit        unit id, 0 is all units
    function    function code
    address     first coil or register (function 23: of those read); 0 if the function has none
    count       coils or registers, 1 for functions 5 and 6; 0 if the function has none
    reply_size  bytes of the whole reply, unit id and CRC included; 0 if it is not known beforehand, None if none will come
    also        a function code to take for `function` in the reply, 0 for none: the infrared Bicom answers 6 with 0x2A
    reply       view of the last reply's PDU, valid until this request is asked again; None before, and after an error
    """

    def __init__(self, unit, pdu):
        """Any PDU: the constructors below and raw() check it."""
        adu = bytearray(len(pdu) + 3)
        adu[0] = unit
        adu[1:-2] = pdu
        append_crc(adu, len(pdu) + 1)
        self.adu = bytes(adu)
        self.unit = unit
        self.function = pdu[0]
        ranged = len(pdu) >= 5 and most(self.function)
        self.address = (pdu[1] << 8 | pdu[2]) if ranged else 0
        self.count = (pdu[3] << 8 | pdu[4] if ranged > 1 else 1) if ranged else 0
        self.reply_size = self._reply_size(len(pdu)) if unit else None
        self.also = 0
        self.reply = None
        # The reply's PDU goes here: the reader's buffer is shared by all units of a wire.
        self.room = memoryview(bytearray((self.reply_size or MAX_ADU) - 3)) if unit else None

    def _reply_size(self, length):
        """Size of the reply ADU for a PDU of `length` bytes; 0 for a function unknown, or used as the standard forbids."""
        function = self.function
        if function <= 4 or function == 23:
            if not 1 <= self.count <= most(function) or (length != 5 if function <= 4 else length < 12):
                return 0
            return 5 + ((self.count + 7) // 8 if function <= 2 else 2 * self.count)
        if function in b"\x05\x06":
            return 8 if length == 5 else 0
        if function in b"\x0f\x10":
            return 8 if length > 6 else 0
        if function in b"\x08\x15\x16":  # the reply has the length of the request
            return length + 3 if length > 4 else 0
        if length == 1:
            return 5 if function == 7 else 8 if function == 11 else 0
        return 0

    @property
    def is_read(self):
        """Whether it reads coils or registers and changes nothing (functions 1 to 4)."""
        return self.function <= 4

    @property
    def is_mirrored(self):
        """Whether a good reply may be the same, byte for byte, as the request."""
        return self.function not in _NOT_MIRRORED

    def covers(self, other):
        """Whether a reply to this one holds all that `other` asks for: registers of one kind and unit, in our range."""
        return (
            self.function in b"\x03\x04"
            and other.function == self.function
            and other.unit == self.unit
            and bool(self.reply_size and other.reply_size)
            and self.address <= other.address
            and other.address + other.count <= self.address + self.count
        )

    def copy_from(self, other, reply=None):
        """Answer this request from the reply of `other`, which covers it; return the PDU as a view, kept like `reply`.

        `reply`: one that `other` had, which lasts in its room until the next has come. Raises LocalError if `other` does not
        cover this request or has no reply.
        """
        reply = reply or other.reply
        if reply is None or not other.covers(self):
            raise LocalError("no reply that covers the request")
        if other is not self:
            length = 2 * self.count
            start = 2 + 2 * (self.address - other.address)
            self.room[0] = self.function
            self.room[1] = length
            copy(self.room, 2, reply, start, start + length)
            reply = self.reply = self.room
        return reply


def check(unit, lowest, function, address, count):
    """Raise LocalError unless unit (lowest..247), quantity and range are such as the standard allows."""
    if not lowest <= unit <= 247:
        raise LocalError(f"unit {unit}")
    if not 1 <= count <= most(function):
        raise LocalError(f"count {count}")
    if not 0 <= address <= 0x10000 - count:
        raise LocalError(f"address {address}, count {count}")


def read(unit, function, address, count):
    """A request with function 1 to 4."""
    check(unit, 1, function, address, count)
    return Request(unit, pack(">BHH", function, address, count))


def read_holding_registers(unit, address, count):
    """Function 3, clause 6.3: 1 to 125 registers."""
    return read(unit, 3, address, count)


def read_input_registers(unit, address, count):
    """Function 4, clause 6.4: 1 to 125 registers."""
    return read(unit, 4, address, count)


def write_register(unit, address, value):
    """Function 6, clause 6.6: value 0 to 65535. Unit 0 writes to all units, which do not answer; so for the other writes."""
    check(unit, 0, 6, address, 1)
    return Request(unit, words(pack(">BH", 6, address), (value,)))


def raw(unit, pdu):
    """A PDU as somebody else made it, 1 to 253 bytes, for unit 0 to 255; its content is for the unit to judge.

    Where the function is known and used as the standard says, it has all that the other constructors give. Otherwise
    reply_size is 0: the reply ends by its own byte count (functions 1 to 4, 12, 17, 20, 23) or by silence.
    """
    if not 0 <= unit <= 255:
        raise LocalError(f"unit {unit}")
    if not 1 <= len(pdu) <= MAX_PDU or not 1 <= pdu[0] <= 127:
        raise LocalError("no PDU of a request")
    return Request(unit, pdu)


def words(head, values):
    """Return `head` with the values behind it, high byte first. Raises LocalError for one beyond 0 to 65535."""
    pdu = bytearray(len(head) + 2 * len(values))
    pdu[: len(head)] = head
    at = len(head)
    for value in values:
        if not 0 <= value <= 0xFFFF:
            raise LocalError(f"value {value}")
        pdu[at] = value >> 8
        pdu[at + 1] = value & 0xFF
        at += 2
    return pdu
