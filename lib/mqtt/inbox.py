"""The packets a client gets: bytes in, packets out, in a buffer of fixed size. No I/O, no clock.

Source: MQTT 3.1.1, 2.2 (fixed header), 2.2.3 (remaining length), 3.2, 3.3, 3.4, 3.9, 3.13.
"""

from micropython import const

CONNACK = const(2)
PUBLISH = const(3)
PUBACK = const(4)
SUBACK = const(9)
PINGRESP = const(13)

_LENGTHS = {CONNACK: 2, PUBACK: 2, SUBACK: 3, PINGRESP: 0}  # what a server may send beside PUBLISH, to a client like ours


class Malformed(Exception):
    """What came is no MQTT, or nothing a server may send to this client: the connection is of no more use."""


class Inbox:
    """Read into room(), say filled(count), then ask next() until it returns 0.

    Of the packet that next() returned, until the next call of any of them:
    body       view of what follows the fixed header (not of PUBLISH)
    topic      text, of PUBLISH; None if even that is too large: such a message is not to be acknowledged
    payload    view, of PUBLISH; None if it is too large for the buffer: then it is thrown away as it comes
    length     of the payload, bytes
    packet_id  of PUBLISH with QoS 1, of PUBACK and SUBACK; 0 where there is none
    """

    def __init__(self, size):
        """`size`: of the buffer, what the largest packet may take, its fixed header included."""
        self._buffer = memoryview(bytearray(size))
        self.restart()

    def restart(self):
        """Forget all: a new connection."""
        self._start = 0  # of the next packet
        self._used = 0
        self._skip = 0  # bytes of a payload thrown away that are still to come
        self.retain = False
        self.body = self.topic = self.payload = None
        self.length = self.packet_id = 0

    def room(self):
        """Return where to read to: a view, never empty."""
        if not self._used:
            return self._buffer
        if self._start:
            size = self._used - self._start
            self._buffer[:size] = self._buffer[self._start : self._used]
            self._start, self._used = 0, size
        return self._buffer[self._used :]

    @property
    def is_skipping(self):
        """Whether a payload is being thrown away."""
        return self._skip > 0

    def filled(self, count):
        self._used += count

    def next(self):
        """Return the type of a packet, or 0 while bytes are missing. Raises Malformed."""
        if self._skip:
            size = min(self._skip, self._used - self._start)
            self._start += size
            self._skip -= size
        at = self._start
        if self._skip or at >= self._used:
            return 0
        buffer = self._buffer
        first = buffer[at]
        kind = first >> 4
        if kind != PUBLISH and (first & 15 or kind not in _LENGTHS):
            raise Malformed("type")
        size = shift = 0
        while True:
            at += 1
            if at >= self._used:
                return 0
            size |= (buffer[at] & 0x7F) << shift
            if buffer[at] < 0x80:
                break
            shift += 7
            if shift > 21:
                raise Malformed("remaining length")
        at += 1
        end = at + size
        if kind == PUBLISH:
            return self._publish(first, at, end)
        if size != _LENGTHS[kind]:
            raise Malformed("length")
        if end > self._used:
            return 0
        self.body = buffer[at:end]
        self.packet_id = buffer[at] << 8 | buffer[at + 1] if kind == PUBACK or kind == SUBACK else 0
        self._start = end
        return kind

    def _publish(self, first, at, end):
        """The same, of PUBLISH: from behind the fixed header to behind the payload."""
        qos = first >> 1 & 3
        if qos > 1 or (first & 8 and not qos):  # we never ask for QoS 2
            raise Malformed("flags")
        if end < at + 2:
            raise Malformed("length")
        if self._used < at + 2:
            return 0
        self.retain = bool(first & 1)
        buffer = self._buffer
        topic = at + 2
        payload = topic + (buffer[at] << 8 | buffer[at + 1])
        topic_end = payload
        if qos:
            payload += 2
        if payload > end or topic_end == topic:
            raise Malformed("topic")
        is_too_large = end - self._start > len(buffer)
        if is_too_large and payload - self._start > len(buffer):
            self.topic = self.payload = None
            self.packet_id = 0
            self.length = self._skip = end - at
            self._start = at
            return PUBLISH
        if self._used < (payload if is_too_large else end):
            return 0
        try:
            self.topic = str(buffer[topic:topic_end], "utf-8")
        except UnicodeError:
            raise Malformed("topic")
        if "\0" in self.topic or "#" in self.topic or "+" in self.topic:
            raise Malformed("topic")
        self.packet_id = buffer[topic_end] << 8 | buffer[topic_end + 1] if qos else 0
        if qos and not self.packet_id:
            raise Malformed("packet id")
        self.length = end - payload
        self.payload = None
        if is_too_large:
            self._skip = self.length
            self._start = payload
        else:
            self.payload = buffer[payload:end]
            self._start = end
        return PUBLISH
