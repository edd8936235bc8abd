"""An MQTT 3.1.1 client that stays connected: QoS 0 and 1, clean sessions, payloads in pieces. docs/mqtt.md tells more."""

import asyncio
from os import urandom
from time import ticks_diff, ticks_ms

from micropython import const

from lib.aio.connect import ConnectionFailed
from lib.mqtt.inbox import Inbox
from lib.mqtt.outbox import Outbox
from lib.mqtt.session import Session

_FIRST_MS = const(1000)  # before the second try, doubled up to a minute; of it a random part, at least half
_TOP_MS = const(60000)
_CALM_MS = const(60000)  # after a connection that held so long the pause is short again


class Client:
    """`state`: "off", "connecting", "connected" or "waiting" for the next try; `connected`: the same as an asyncio.Event.

    `connected_since`: uptime_s() of the connection there is, else None. `cause`: why the last one ended or could not be made: a
    cause of lib/aio/connect.py, or of the broker ("protocol", "client_id", "server_unavailable", "password",
    "not_authorized"), or "malformed"; "" before the first. `refused`: topics whose subscription this broker refused.
    `dropped`: messages that were too large.
    """

    def __init__(
        self, client_id, on_message, on_settled, uptime_s, user=None, password=None, will=None, keepalive_s=60, largest=512
    ):
        """Names are bytes. `will`: None or (topic, payload, retain, qos). `largest`: bytes of a message that comes in.

        on_message(topic, payload, is_retained) gets a text and a view, to be copied if kept. A payload of None was larger than
        the buffer and thrown away; with a topic of None so was the topic. on_settled(token, is_acknowledged) tells what
        became of a message with QoS 1. Both are plain functions, called in the task of run().
        """
        self.outbox = Outbox(client_id, user, password, keepalive_s, will)
        self.inbox = Inbox(largest)
        self.on_message = on_message
        self.on_settled = on_settled
        self.subscriptions: tuple = ()  # up to 8 pairs (topic, qos), made with each connection
        self.ping_ms = keepalive_s * 500  # silence in either direction, then a ping goes out
        self.timeout_ms = 10000  # for an answer of the broker
        self._uptime_s = uptime_s
        self._session = None
        self._is_ending = False
        self.state = "off"
        self.connected = asyncio.Event()
        self.connected_since = None
        self.cause = ""
        self.refused = []
        self.dropped = 0

    async def run(self, connect):
        """Stay connected until disconnect(), or until cancelled. Raises nothing but what a handler raises.

        `await connect()` returns a lib.aio.connect.Connection, or raises ConnectionFailed.
        """
        pause_ms = _FIRST_MS
        self._is_ending = False
        try:
            while True:
                self.state = "connecting"
                began = ticks_ms()
                try:
                    await self._converse(await connect())
                except ConnectionFailed as failure:
                    self.cause = failure.args[0]
                except MemoryError:
                    self.cause = "memory"
                if self._is_ending:
                    return
                self.state = "waiting"
                if ticks_diff(ticks_ms(), began) > _CALM_MS:
                    pause_ms = _FIRST_MS
                await asyncio.sleep_ms(pause_ms - (pause_ms * urandom(1)[0] >> 9))
                pause_ms = min(2 * pause_ms, _TOP_MS)
        finally:
            self.state = "off"

    async def _converse(self, connection):
        self.inbox.restart()
        self.refused = []
        self._session = Session(self, connection)
        try:
            await self._session.greet()
            self.state = "connected"
            self.connected_since = self._uptime_s()
            self.connected.set()
            await self._session.serve()
        finally:
            self.state = "off"
            self.connected_since = None
            self.connected.clear()
            session, self._session = self._session, None
            session.end()

    async def visit(self, connection, on_sent):
        """See whether the broker lets us in, and leave; of use while run() is not. Raises ConnectionFailed.

        on_sent() is called when CONNECT is out: then the handshake of TLS is over. Closing the connection is the caller's.
        """
        self.inbox.restart()
        session = Session(self, connection)
        await session.introduce()
        on_sent()
        await session.admitted()
        await session.say_goodbye()

    async def publish(self, topic, payload, qos=0, retain=False, token=None, length=None):
        """Send a message; return when it is on its way. With QoS 1 on_settled hears of `token` later, just once.

        Topic and payload are bytes. With `length`, payload is an async function: called with `put`, it hands over so many bytes
        by `await put(piece)`, in pieces of any size; nobody else sends meanwhile. While eight messages are unacknowledged
        the next waits. Raises ConnectionFailed, and ValueError for a topic that is too long or a payload of another length
        than said; then on_settled hears nothing.
        """
        if self.state != "connected":
            raise ConnectionFailed("closed")
        await self._session.publish(topic, payload, qos, retain, token, length)

    async def disconnect(self):
        """Say goodbye, so that the will is not published, and end run(); while it waits for its next try, cancel it then."""
        self._is_ending = True
        if self._session is not None:
            await self._session.say_goodbye()
