"""One link by "Standard TCP" (XML, the early form) or HTTPS POST (JSON): a connection for each message, an answer to each.

A message arrived when anything came back within the response time (XML), or a status of 200 to 299 (POST); else it is sent
again later, and nothing overtakes it. In RAM while the link is on.
"""

import asyncio
from binascii import b2a_base64
from time import ticks_diff, ticks_ms

from micropython import const

import board
from firmware.services import pieces, push_connect
from firmware.services import push_topics as topics
from firmware.state.links import XML
from lib.aio.connect import PAUSE_MS, ConnectionFailed
from lib.store.journal import AGAIN
from lib.store.journal_record import ROOM

_IDLE_MS = const(200)
_FIRST_S = const(1)  # between two tries
_TOP_S = const(60)
_STATUS_BYTES = const(12)  # of "HTTP/1.1 200"
_COUNTERS = const(1)  # kinds of firmware/services/push_record.py
_AVERAGES = const(4)


async def serve(gateway, load, link, journal):
    """Serve a link, for ever."""
    post = _Post(gateway, load, link, journal)
    journal.rewind(link.number - 1)
    while True:
        batch = await post.next()
        pause_s = _FIRST_S
        while batch:
            try:
                await post.send(batch)
                break
            except ConnectionFailed as failure:
                post.failed(failure.args[0])
            except MemoryError:
                post.failed("memory")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _TOP_S)
        if not batch and not ("profile" in board.PARTS and link.feed and await post.send_profile(link.feed)):
            await asyncio.sleep_ms(_IDLE_MS)


class _Post:
    def __init__(self, gateway, load, link, journal):
        self._gateway = gateway
        self._load = load
        self._link = link
        self._journal = journal
        link.buffers = link.buffers or (bytearray(ROOM), pieces.Pieces())
        self._buffer, self._pieces = link.buffers
        self._held = None  # what was read and belongs to the next message
        self._log_id = 0
        self._profile_pause_s = _FIRST_S

    async def next(self):
        """Return what the next message tells: a list of (sequence number, kind, slot, Reading), empty for nothing."""
        first, self._held = self._held or await self._read(), None
        if first is None:
            return []
        if self._link.protocol == XML and first[1] == _AVERAGES:
            second = await self._read()
            if second and second[1] == _COUNTERS and second[2] == first[2] and second[3].serial == first[3].serial:
                return [first, second]
            self._held = second
        return [first]

    async def _read(self):
        while True:
            found = self._journal.read(self._link.number - 1, self._buffer)
            if found is None:
                return None
            if found == AGAIN:
                await asyncio.sleep_ms(0)
                continue
            try:
                return (found[0],) + self._load("firmware.services.push_record").reading(self._gateway, found[1])
            except MemoryError:
                raise
            except Exception as error:  # whatever is wrong with it: the others are not to wait for it for ever
                self._leave_out(found[0], error)

    def _leave_out(self, sequence, error):
        """Go on behind a record that cannot be told."""
        text = f"link {self._link.number}: a record cannot be told, {error!r}"
        if self._link.is_new(text):
            self._gateway.events.add("push", text)
        self._journal.acknowledge(self._link.number - 1, sequence)

    async def send(self, batch):
        """Send one message and see that it arrived. Raises ConnectionFailed."""
        link = self._link
        try:
            render = self._document(batch) if link.protocol == XML else self._json(batch[0])
            length = await pieces.length(render, self._pieces)
        except MemoryError:
            raise
        except Exception as error:
            return self._leave_out(batch[-1][0], error)
        await self._post(render, length)
        self._log_id += 1
        link.sent += len(batch)
        self._journal.acknowledge(link.number - 1, batch[-1][0])

    async def send_profile(self, feed):
        """Send a message with load profiles; return whether there was one. What did not arrive is made anew, a pause later."""
        try:
            found = await feed.next()
            if found is None:
                return False
            render = self._wrapped(*found)
            await self._post(render, await pieces.length(render, self._pieces))
            feed.arrived()
            self._profile_pause_s = _FIRST_S
            return True
        except ConnectionFailed as failure:
            self.failed(failure.args[0])
        except MemoryError:
            self.failed("memory")
        await asyncio.sleep(self._profile_pause_s)
        self._profile_pause_s = min(2 * self._profile_pause_s, _TOP_S)
        return True

    async def _post(self, render, length):
        link = self._link
        connection = await push_connect.open_next(self._gateway, link)
        try:
            if link.protocol != XML:
                await connection.send(self._head(length))
            await pieces.send(render, connection.send, self._pieces)
            await self._answer(connection)
        finally:
            connection.close()
        link.is_trying = False
        push_connect.tell(self._gateway, link, "Connected", "")

    def failed(self, cause):
        """A message did not arrive."""
        push_connect.tell(self._gateway, self._link, "Error", cause)

    async def _answer(self, connection):
        """Wait for an answer that says that it arrived."""
        is_xml = self._link.protocol == XML
        patience_ms = 1000 * self._gateway.settings.get(f"push{self._link.number}_resp_time")
        answer = memoryview(bytearray(_STATUS_BYTES))
        used = 0
        began = ticks_ms()
        while used < (1 if is_xml else _STATUS_BYTES):
            count = connection.receive(answer[used:])
            if count:
                used += count
            elif ticks_diff(ticks_ms(), began) > patience_ms:
                raise ConnectionFailed("timeout")
            else:
                await asyncio.sleep_ms(PAUSE_MS)
        if not is_xml:
            if bytes(answer[:7]) != b"HTTP/1.":
                raise ConnectionFailed("answer")
            if answer[9] != 0x32:  # 2xx
                raise ConnectionFailed("status")

    def _document(self, batch):
        interval_s = topics.interval_s(self._gateway.settings, batch[0][2])
        log_id, readings = self._log_id, [each[3] for each in batch]
        return lambda out: self._load("firmware.services.payload_xml").document(out, log_id, interval_s, readings)

    def _json(self, told):
        """{"gateway": serial number, "topic": what it would be below the base by MQTT, "data": the message there}."""
        _, kind, slot, reading = told
        record = self._load("firmware.services.push_record")
        return self._wrapped(record.topic(kind, slot), record.renderer(self._gateway, self._link.number, kind, slot, reading))

    def _wrapped(self, topic, inner):
        serial = self._gateway.identity.serial

        def render(out):
            out.put(b'{"gateway":"')
            out.put(serial)
            out.put(b'","topic":"')
            out.put(topic)
            out.put(b'","data":')
            yield from inner(out)
            out.put(b"}")
            yield

        return render

    def _head(self, length):
        settings, number = self._gateway.settings, self._link.number
        user = settings.get(f"mqtt{number}_username")
        login = ""
        if user:
            pair = user + ":" + settings.get(f"mqtt{number}_password")
            login = "Authorization: Basic " + b2a_base64(pair.encode()).decode().strip() + "\r\n"
        path = settings.get(f"push{number}_path")
        host, port = push_connect.server(settings, number, self._link.is_reserve)
        if port != (443 if settings.get(f"mqtt{number}_tls") else 80):
            host = f"{host}:{port}"
        return (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{login}Content-Type: application/json\r\n"
            f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
        ).encode()
