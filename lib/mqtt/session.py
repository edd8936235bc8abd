"""One connection to a broker, from CONNECT to its end.

One task receives and keeps it alive: serve(). Others send. All packets go out through one buffer: whoever sends has it until
the packet is whole.
Source: MQTT 3.1.1, 3.1.2.10 (keep alive), 3.2.2.3 (return codes), 4.4 (no repetition within a clean session).
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from lib.aio.connect import PAUSE_MS, ConnectionFailed
from lib.mqtt import inbox
from lib.mqtt.inbox import Malformed
from lib.mqtt.window import SIZE, Window

_MOST_STRAYS = const(32)  # answers nobody waits for
_REFUSALS = const(
    ("protocol", "client_id", "server_unavailable", "password", "not_authorized")
)  # return codes of CONNACK, from 1


class Session:
    """Buffers and handlers are the client's: see lib/mqtt/client.py."""

    def __init__(self, client, connection):
        self._client = client
        self._connection = connection
        self._outbox = client.outbox
        self._inbox = client.inbox
        self._window = Window()
        self._is_sending = False
        self._is_cut = False  # part of a packet is out
        self._left = 0  # bytes of the payload on its way out
        self._place = -1  # in the window, of the message on its way out
        self._is_early = False  # which is acknowledged already
        self._sent = self._heard = self._pinged = ticks_ms()
        self._clear = self._heard  # since then no answer was stuck behind a payload that is thrown away
        self._is_pinged = False  # and the answer is not there yet
        self._strays = 0

    # Receiving, and all else that the task of run() does

    async def greet(self):
        """Send CONNECT and await its answer, then subscribe. Raises ConnectionFailed."""
        await self.introduce()
        await self.admitted()
        for topic, qos in self._client.subscriptions:
            _, packet_id = self._window.enter(inbox.SUBACK, topic, ticks_ms())
            await self._send(self._outbox.put_subscribe, topic, qos, packet_id)

    async def introduce(self):
        """Send CONNECT, which with TLS is the handshake, too. Raises ConnectionFailed."""
        await self._send(self._outbox.put_connect)

    async def admitted(self):
        """Await the answer to it. Raises ConnectionFailed."""
        since = ticks_ms()
        kind = 0
        while not kind:
            if ticks_diff(ticks_ms(), since) > self._client.timeout_ms:
                raise ConnectionFailed("timeout")
            await asyncio.sleep_ms(0 if self._receive() else PAUSE_MS)
            kind = self._next()
        body = self._inbox.body
        if kind != inbox.CONNACK or body[0] > 1 or body[1] > len(_REFUSALS):
            raise ConnectionFailed("malformed")
        if body[1]:
            raise ConnectionFailed(_REFUSALS[body[1] - 1])

    async def serve(self):
        """Receive until the end, which is a ConnectionFailed."""
        while True:
            kind = self._next()
            if kind:
                await self._take(kind)
                continue
            pause_ms = 0 if self._receive() else PAUSE_MS
            if self._is_ping_due():
                await self._send(self._outbox.put_ping)
                self._pinged = ticks_ms()
            await asyncio.sleep_ms(pause_ms)

    def end(self):
        """Close; tell what became of the messages."""
        self._connection.close()
        for place in range(SIZE):
            if place != self._place and self._window.kind(place) == inbox.PUBACK:
                self._client.on_settled(self._window.leave(place), False)

    def _next(self):
        try:
            return self._inbox.next()
        except Malformed:
            raise ConnectionFailed("malformed")

    def _receive(self):
        """Read what has come; return whether there was something. Where nothing is, nothing is allocated."""
        count = self._connection.receive(self._inbox.room())
        if not count:
            return False
        self._inbox.filled(count)
        self._heard = ticks_ms()
        return True

    def _is_ping_due(self):
        """Raises ConnectionFailed if the broker owes an answer for too long."""
        now = ticks_ms()
        timeout_ms = self._client.timeout_ms
        silent_ms = ticks_diff(now, self._heard)
        if self._inbox.is_skipping and silent_ms < timeout_ms:
            self._clear = now
        elif ticks_diff(now, self._clear) > timeout_ms and (
            (self._place < 0 and self._window.oldest_ms(now) > timeout_ms)
            or (self._is_pinged and ticks_diff(now, self._pinged) > timeout_ms)
        ):
            raise ConnectionFailed("timeout")
        if self._is_pinged or max(ticks_diff(now, self._sent), silent_ms) <= self._client.ping_ms:
            return False
        self._is_pinged = True
        self._pinged = now
        return True

    async def _take(self, kind):
        """Do what the packet in the inbox asks for."""
        client, box, window = self._client, self._inbox, self._window
        if kind == inbox.PUBLISH:
            packet_id = box.packet_id
            if box.payload is None:
                client.dropped += 1
            client.on_message(box.topic, box.payload, box.retain)
            if packet_id:
                await self._send(self._outbox.put_acknowledgement, packet_id)
            return
        if kind == inbox.CONNACK:
            raise ConnectionFailed("malformed")
        if kind == inbox.PINGRESP:
            self._is_pinged = False
            return
        place = window.find(box.packet_id, kind)
        if place < 0:
            self._strays += 1
            if self._strays > _MOST_STRAYS:
                raise ConnectionFailed("malformed")
        elif kind == inbox.SUBACK:
            topic = window.leave(place)
            if box.body[2] > 2:
                client.refused.append(topic)
        elif place == self._place:
            self._is_early = True
        else:
            client.on_settled(window.leave(place), True)

    # Sending

    async def publish(self, topic, payload, qos, retain, token, length):
        """See Client.publish()."""
        await self._turn(qos)
        place = -1
        packet_id = 0
        try:
            if qos:
                place, packet_id = self._window.enter(inbox.PUBACK, token, ticks_ms())
                self._place = place
            self._left = len(payload) if length is None else length
            self._outbox.put_publish(topic, self._left, packet_id, retain)
            if length is None:
                await self._put(payload)
            else:
                await payload(self._put)
            if self._left:
                raise ValueError("length")
            await self._flush()
            self._is_cut = False
            if place >= 0:
                self._window.restart(place, self._sent)
            if not self._connection.is_open:
                raise ConnectionFailed(self._connection.cause)
            if not self._is_early:
                place = -1  # from now on the receiver's
        finally:
            if place >= 0:
                self._window.leave(place)
            is_early, self._is_early = self._is_early, False
            self._place = -1
            self._done()
        if is_early:
            self._client.on_settled(token, True)

    async def say_goodbye(self):
        """Send DISCONNECT, if that goes, and close."""
        try:
            await self._send(self._outbox.put_disconnect)
        except ConnectionFailed:
            pass
        finally:
            self._connection.close()

    async def _send(self, put, *arguments):
        """Send a packet that put(*arguments) makes."""
        await self._turn(0)
        try:
            put(*arguments)
            await self._flush()
        finally:
            self._done()

    async def _turn(self, qos):
        """Wait for the outbox; with QoS 1 for a place in the window too."""
        since = ticks_ms()
        while self._is_sending or (qos and self._window.open == SIZE):
            now = ticks_ms()
            # A slow link may take long for what somebody else sends.
            if min(ticks_diff(now, since), ticks_diff(now, self._sent)) > self._client.timeout_ms:
                self._connection.close("timeout")
            self._check()
            await asyncio.sleep_ms(PAUSE_MS)
        self._check()
        self._is_sending = True
        self._outbox.clear()

    def _done(self):
        """Leave the outbox to others. Half a packet is the end of the connection."""
        self._is_sending = False
        if self._is_cut:
            self._connection.close()

    def _check(self):
        if not self._connection.is_open:
            raise ConnectionFailed(self._connection.cause)

    async def _put(self, piece):
        view = memoryview(piece)
        if len(view) > self._left:
            raise ValueError("length")
        while view:
            self._check()  # the outbox may be the next connection's
            size = self._outbox.put(view)
            view = view[size:]
            self._left -= size
            if len(view):
                self._is_cut = True
                await self._flush()

    async def _flush(self):
        await self._connection.send(self._outbox.view[: self._outbox.used])
        self._outbox.clear()
        self._sent = ticks_ms()
