"""Bluetooth's side of provisioning: one GATT service whose characteristics take a request and give its answer.

aioble cannot refuse a write, answers it before any task runs, and keeps request and answer in the same place; the phone reads
at once. So the write's event, which comes first of all, marks the answer as missing, and reads wait until it is there:
they happen in the task of the Bluetooth stack, which may sleep. A request that is refused is an ATT error of the read.

In that task no exception may come up (it would end all events), and while it sleeps nothing may lie on its stack alone (the
collector does not see it): on_read() has small numbers and `self` only. It sleeps 20 ms and not less: shorter sleeps may
not let other tasks run. Who writes more than ten requests before the first is answered has to connect anew: aioble drops some.

Source: ESP-IDF v5.5.5 protocomm, protocomm_nimble.c (service, advertisement); MicroPython, extmod/nimble and aioble 0.6.2.
"""

import asyncio

from micropython import const

_MOST_BYTES = const(512)  # of a value
_MTU = const(517)  # what Android asks for
_INTERVAL_US = const(160000)
_REFUSED = const(0x0E)  # unlikely error: no phone takes it for a wish to pair
_WRITE = const(3)  # number of the event
_HOLD_MS = const(20)
_HOLDS = const(1250)  # 25 s; the phone gives up after 30
_FIRST_ID = const(0xFF4F)


class Transport:
    """`connection`: the one that is served, None while there is none; it has is_connected()."""

    connection = None

    def __init__(self, bluetooth, uuid, endpoints, answer, gone):
        """Make the service; nothing is sent yet.

        bluetooth   (aioble, UUID, sleep_ms): see bluetooth() of a platform
        uuid        the service's, as text; those of the endpoints are made from it
        endpoints   their names, in the order of their numbers
        answer      coroutine function of (connection, endpoint, request), gives the answer or None to refuse; one at a time
        gone        is called when a connection has ended
        """
        self._aioble, make_uuid, sleep_ms = bluetooth
        self._answer = answer
        self._gone = gone
        self._turn = asyncio.Lock()
        self._uuid = make_uuid(uuid)
        self._service = self._aioble.Service(self._uuid)
        self._endpoints = []
        kind = _endpoint(self._aioble.BufferedCharacteristic)
        for number, name in enumerate(endpoints):
            own = make_uuid("%s%04x%s" % (uuid[:4], _FIRST_ID + number, uuid[8:]))
            endpoint = kind(self._service, own, read=True, write=True, capture=True, max_len=_MOST_BYTES)
            endpoint.begin(name, sleep_ms)
            self._aioble.Descriptor(endpoint, make_uuid(0x2901), read=True, initial=name.encode())
            self._endpoints.append(endpoint)

    async def run(self, name):
        """Advertise under this name and serve one client after the other, until cancelled; then Bluetooth is off."""
        aioble = self._aioble
        workers = []
        try:
            aioble.config(gap_name=name, mtu=_MTU)
            aioble.register_services(self._service)
            aioble.core.register_irq_handler(_hear(self._endpoints), None)
            workers = [asyncio.create_task(self._serve(endpoint)) for endpoint in self._endpoints]
            while True:
                connection = await aioble.advertise(_INTERVAL_US, name=name, services=[self._uuid])
                if connection is None:  # cancelled: aioble keeps that to itself
                    return
                self.connection = connection
                await connection.disconnected(timeout_ms=None)
                self._end()
        finally:
            for worker in workers:
                worker.cancel()
            self._end()  # before it stops: that would wait for a read that is held
            aioble.stop()

    async def _serve(self, endpoint):
        while True:
            connection, request = await endpoint.written()
            if connection is None or not connection.is_connected():
                continue
            async with self._turn:
                answer = await self._answer(connection, endpoint.name, request)
            if connection.is_connected():
                endpoint.give(answer)

    def _end(self):
        """Leave nothing of a connection that ended."""
        self.connection = None
        for endpoint in self._endpoints:
            endpoint.clear()
        self._gone()


def _endpoint(base):
    """Return the class of the characteristics: aioble's is known only now."""

    class Endpoint(base):
        def begin(self, name, sleep_ms):
            """All attributes are made here: what runs in the event task must not make any."""
            self.name = name
            self.sleep_ms = sleep_ms
            self.asked = self.answered = self.holds = 0
            self.error = _REFUSED  # without a request there is no answer

        def on_read(self, connection):
            """Hold back the read while the answer is missing; return the ATT error, 0 for none."""
            while self.asked != self.answered:
                if self.holds >= _HOLDS:
                    return _REFUSED
                self.holds += 1
                self.sleep_ms(_HOLD_MS)
            return self.error

        def give(self, answer):
            """Have an answer read, or an error if it is None."""
            self.write(answer or b"")
            self.error = 0 if answer else _REFUSED
            self.answered += 1

        def clear(self):
            self.error = _REFUSED
            self.asked = self.answered = self.holds = 0
            if self._value_handle is not None:
                self.write(b"")

    return Endpoint


def _hear(endpoints):
    """Return the handler of the stack's events. Requests are counted, so that none is taken for an earlier one's answer."""
    handles = {endpoint._value_handle: endpoint for endpoint in endpoints}

    def hear(event, data):
        if event == _WRITE and data[1] in handles:
            endpoint = handles[data[1]]
            endpoint.asked += 1
            endpoint.holds = 0

    return hear
