"""The packets a client sends, made by umqtt.simple in a buffer.

umqtt writes to a socket and waits for an answer. What it takes for its socket is the buffer here, which also gives it the
answers it waits for: those that mean "well done". The true ones are read by lib/mqtt/inbox.py.
Source: MQTT 3.1.1, 3; umqtt.simple 1.3.4 and those since.
"""

from micropython import const
from umqtt import simple

# pyright: reportAttributeAccessIssue=false

_SIZE = const(384)  # of CONNECT with its names, password and will; the payload of PUBLISH is sent in pieces of it
_LONGEST_FILTER = const(122)  # umqtt writes the length of SUBSCRIBE as one byte
_LONGEST = const(2097151)  # and that of PUBLISH as three
_CONNECTED = const(b"\x20\x02\0\0")
_PUBLISHED = const(b"\x40\x02")
_SUBSCRIBED = const(b"\x90\x03")


class Outbox:
    """`view[:used]` is what has to be sent; clear() afterwards."""

    def __init__(self, client_id, user, password, keepalive_s, will):
        """Texts are bytes; no user: None. `will`: None or (topic, payload, retain, qos)."""
        self.view = memoryview(bytearray(_SIZE))
        self.used = 0
        self._answer = b""
        self._length = 0
        self._umqtt = simple.MQTTClient(client_id, "", 1, user, password or b"", keepalive_s)
        self._umqtt.set_callback(True)
        self._umqtt.sock = self
        if will:
            self._umqtt.set_last_will(*will)

    def clear(self):
        self.used = 0

    def put(self, data):
        """Append as much as there is room for, from bytes or a view; return how many bytes that is."""
        size = min(len(data), _SIZE - self.used)
        self.view[self.used : self.used + size] = data[:size]
        self.used += size
        return size

    # Packets. ValueError: there is no room for it.

    def put_connect(self):
        umqtt_socket = simple.socket
        simple.socket = self
        self._answer = _CONNECTED
        try:
            self._umqtt.connect()
        finally:
            simple.socket = umqtt_socket

    def put_publish(self, topic, length, packet_id, retain):
        """PUBLISH up to its payload, of `length` bytes; QoS 0 if packet_id is 0."""
        if length + len(topic) + 4 > _LONGEST:
            raise ValueError("length")
        self._length = length + (2 if packet_id else 0)
        self._umqtt.publish(topic, self, retain)
        if packet_id:  # with QoS 1 umqtt waits for the answer, each version in another way
            self.view[0] |= 2
            self.write(packet_id.to_bytes(2, "big"))

    def put_subscribe(self, topic, qos, packet_id):
        if len(topic) > _LONGEST_FILTER:
            raise ValueError("topic")
        self._umqtt.pid = packet_id - 1
        self._answer = _SUBSCRIBED + packet_id.to_bytes(2, "big") + b"\0"
        self._umqtt.subscribe(topic, qos)

    def put_acknowledgement(self, packet_id):
        """PUBACK, which umqtt sends only from where it waits for messages."""
        self.write(_PUBLISHED)
        self.write(packet_id.to_bytes(2, "big"))

    def put_ping(self):
        self._umqtt.ping()

    def put_disconnect(self):
        self._umqtt.disconnect()
        self._umqtt.sock = self

    # What umqtt takes for its module `socket`, for its socket, and for the payload of which it writes the length

    def socket(self):
        return self

    def getaddrinfo(self, host, port):
        return ((None,),)

    def connect(self, address):
        pass

    def settimeout(self, seconds):
        pass

    def setblocking(self, is_blocking):
        pass

    def close(self):
        pass

    def write(self, data, size=None):
        if data is self:
            return
        if size is not None:
            data = data[:size]
        if self.put(data) < len(data):
            self.clear()
            raise ValueError("packet")

    def read(self, size):
        answer = self._answer[:size]
        self._answer = self._answer[size:]
        return answer

    def __len__(self):
        return self._length
