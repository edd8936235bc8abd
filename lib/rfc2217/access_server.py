"""A serial port over telnet, the access server's side: what a client sends is taken apart, what it is told is put together.

No I/O and no clock. The owner of the connection hands what it received to decode(), which leaves the data in place and stops
behind each command for the port; data before a command goes out before the command is obeyed. What is to be sent to the client
beside data lies in `replies`. Nothing grows: a client that does not read its replies is not listened to either.
Numbers have the high byte first. Sources: RFC 854 and 855 (commands, options), 856 (binary), 858 (go ahead), 2217.
"""

from micropython import const

_IAC = const(255)
_DONT = const(254)
_DO = const(253)
_WONT = const(252)
_WILL = const(251)
_SB = const(250)
_SE = const(240)
_COM_PORT = const(44)
_OPTIONS = const(b"\x00\x03\x2c")  # both sides may: binary, no go ahead, COM port
_SERVER = const(100)  # what the server answers a command with is so much higher

# Commands of a client; SIGNATURE and the masks are answered here
_SIGNATURE = const(0)
SET_BAUDRATE = const(1)
SET_DATASIZE = const(2)
SET_PARITY = const(3)
SET_STOPSIZE = const(4)
SET_CONTROL = const(5)
SUSPEND = const(8)
RESUME = const(9)
PURGE_DATA = const(12)
_NOTIFY_MODEMSTATE = const(7)
_SET_LINESTATE_MASK = const(10)
_SET_MODEMSTATE_MASK = const(11)
_MODEM_ON = const(0xB0)  # carrier, data set ready, clear to send: there are no such lines, so nothing holds anybody up

_NAME = const(b"OpenSG")
_MOST_VALUE = const(4)
_REPLIES = const(64)
_LONGEST_REPLY = const(16)

# What the bytes that come belong to
_DATA = const(0)
_COMMAND = const(1)  # behind IAC
_OPTION = const(2)  # behind WILL, WONT, DO, DONT
_BLOCK = const(3)  # behind SB: its option comes
_INSIDE = const(4)
_INSIDE_COMMAND = const(5)  # behind IAC in it


class AccessServer:
    """`command`, `value`: what the client wants of the port, after decode(); `command` is None if nothing.

    It is obeyed or not, then answered with answer(). `value` is 0 for a SUSPEND, RESUME, or a value that is missing.
    """

    def __init__(self):
        self.command = None
        self.value = 0
        self._state = _DATA
        self._verb = 0
        self._block = bytearray(1 + _MOST_VALUE)  # command and value of COM-PORT-OPTION
        self._length = 0  # in _block; more than it holds if longer
        self._is_ours = False  # whether the block is of COM-PORT-OPTION
        self._we = 0  # options, by bit, that are on: ours,
        self._they = 0  # ... the client's
        self._replies = bytearray(_REPLIES)
        self._used = 0

    @property
    def replies(self):
        """What is to be sent to the client, as a view until the next call; taken() when it was."""
        return memoryview(self._replies)[: self._used]

    def taken(self):
        self._used = 0

    def decode(self, buffer, start, end):
        """Take buffer[start:end] (a bytearray) apart; return (end of the data, position of what is not looked at yet).

        The data lie from `start` on, in place. What is left is to be decoded when `command` is obeyed and answered and the
        replies are taken.
        """
        self.command = None
        at, data = start, start
        while at < end and self.command is None and self._used <= _REPLIES - _LONGEST_REPLY:
            if self._state == _DATA:
                found = buffer.find(b"\xff", at, end)
                stop = end if found < 0 else found
                if stop > at:
                    if data != at:
                        buffer[data : data + stop - at] = buffer[at:stop]
                    data += stop - at
                    at = stop
                    continue
                self._state = _COMMAND
                at += 1
                continue
            byte = buffer[at]
            at += 1
            if self._state == _COMMAND and byte == _IAC:
                buffer[data] = byte
                data += 1
                self._state = _DATA
            else:
                self._take(byte)
        return data, at

    def _take(self, byte):
        """One byte that is no data."""
        state = self._state
        if state == _COMMAND:
            self._verb = byte
            self._state = _BLOCK if byte == _SB else _OPTION if _WILL <= byte <= _DONT else _DATA
        elif state == _OPTION:
            self._state = _DATA
            self._negotiate(self._verb, byte)
        elif state == _BLOCK:
            self._is_ours = byte == _COM_PORT
            self._length = 0
            self._state = _INSIDE
        elif state == _INSIDE:
            if byte == _IAC:
                self._state = _INSIDE_COMMAND
            else:
                self._keep(byte)
        elif byte == _IAC:
            self._keep(byte)
            self._state = _INSIDE
        elif byte == _SE:
            self._state = _DATA
            if self._is_ours and self._length:
                self._obey()
        else:  # no end of a block, so what it was is unknown: go on with the command that this is
            self._state = _COMMAND
            self._take(byte)

    def _keep(self, byte):
        if self._length < len(self._block):
            self._block[self._length] = byte
        if self._length <= len(self._block):
            self._length += 1

    def _negotiate(self, verb, option):
        """Agree or refuse, and say so only when that changes something: both sides would go on for ever."""
        bit = 1 << _OPTIONS.find(bytes((option,))) if option in _OPTIONS else 0
        if verb == _DO or verb == _DONT:
            before = self._we
            self._we = before | bit if verb == _DO else before & ~bit
            if self._we != before or verb == _DO and not bit:
                self._put((_IAC, _WILL if self._we & bit else _WONT, option))
        else:
            before = self._they
            self._they = before | bit if verb == _WILL else before & ~bit
            if self._they != before or verb == _WILL and not bit:
                self._put((_IAC, _DO if self._they & bit else _DONT, option))
                if option == _COM_PORT and verb == _WILL:
                    self._answer(_NOTIFY_MODEMSTATE, _MODEM_ON)  # some clients wait for it, and never ask

    def _obey(self):
        """A whole block of COM-PORT-OPTION is there."""
        command, length = self._block[0], self._length - 1
        value = int.from_bytes(self._block[1 : 1 + min(length, _MOST_VALUE)], "big")
        if command == _SIGNATURE:
            if not length:  # with a text it is the client's own name
                self._put((_IAC, _SB, _COM_PORT, _SERVER))
                self._put(_NAME)
                self._put((_IAC, _SE))
        elif command == _SET_LINESTATE_MASK or command == _SET_MODEMSTATE_MASK:
            self._answer(command, value & 0xFF)
            if command == _SET_MODEMSTATE_MASK:
                self._answer(_NOTIFY_MODEMSTATE, _MODEM_ON & value)
        elif command == _NOTIFY_MODEMSTATE:  # asked for: only some clients know that
            self._answer(command, _MODEM_ON)
        elif SET_BAUDRATE <= command <= SET_CONTROL or command in (SUSPEND, RESUME, PURGE_DATA):
            if length == (4 if command == SET_BAUDRATE else 0 if command in (SUSPEND, RESUME) else 1):
                self.command, self.value = command, value

    def answer(self, value):
        """Tell the client how what `command` is about stands now, which need not be what it wanted."""
        if self.command is not None and self.command not in (SUSPEND, RESUME):
            self._answer(self.command, value)
        self.command = None

    def _answer(self, command, value):
        self._put((_IAC, _SB, _COM_PORT, _SERVER + command))
        for byte in value.to_bytes(4 if command == SET_BAUDRATE else 1, "big"):
            self._put((byte, byte) if byte == _IAC else (byte,))
        self._put((_IAC, _SE))

    def _put(self, what):
        for byte in what:
            self._replies[self._used] = byte
            self._used += 1


def encode(buffer, start, end, out, to):
    """Write the data buffer[start:end] (a bytearray) into out[to:] as telnet sends it; return the end there.

    At most twice as many bytes.
    """
    while start < end:
        found = buffer.find(b"\xff", start, end)
        stop = end if found < 0 else found + 1
        out[to : to + stop - start] = buffer[start:stop]
        to += stop - start
        start = stop
        if found >= 0:
            out[to] = _IAC
            to += 1
    return to
