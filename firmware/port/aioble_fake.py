"""A FAKE of the module aioble, as far as firmware/port/ble_aioble.py uses it, over the fake of the module bluetooth.

It stands in where aioble itself is not at hand (docs/rig.md), and has its interface and what is awkward about it (aioble 0.6.2,
server.py, peripheral.py): advertise() keeps a cancellation to itself; captured writes wait in one queue of ten, the oldest
falls out; advertising data is filled to 30 of 31 bytes.
"""

import asyncio

from micropython import const

from firmware.port import bluetooth_fake

_CENTRAL_CONNECTED, _CENTRAL_GONE, _WRITE, _READ_REQUEST = const(1), const(2), const(3), const(4)  # events
_CAN_READ, _CAN_WRITE = const(2), const(8)
_QUEUE = const(10)
_PAYLOAD = const(30)


class _State:
    """What aioble keeps in its modules."""

    def __init__(self):
        self.handlers = []
        self.registered = {}  # characteristics and descriptors by handle
        self.connection = None
        self.arrived = None
        self.queue = []
        self.written = self.taken = self.task = None


_ble = bluetooth_fake.BLE()
_state = _State()


class core:  # noqa: N801 - a module of aioble
    """Its functions that are used from outside."""

    @staticmethod
    def register_irq_handler(irq, shutdown):
        _state.handlers.append(irq)


def _hear(event, data):
    state = _state
    if event == _CENTRAL_CONNECTED:
        state.connection = _Connection()
        state.arrived.set()
    elif event == _CENTRAL_GONE:
        state.connection.gone.set()
    elif event == _WRITE:
        state.registered[data[1]].take()
    elif event == _READ_REQUEST:
        return state.registered[data[1]].on_read(state.connection)
    for handler in state.handlers:
        result = handler(event, data)
        if result is not None:
            return result
    return None


def config(**values):
    _ble.irq(_hear)
    _ble.active(True)
    _ble.config(**values)


def stop():
    _ble.active(False)
    if _state.task:
        _state.task.cancel()
    _state.__init__()


class Service:
    def __init__(self, uuid):
        self.uuid = uuid
        self.characteristics = []


class _Value:
    """A characteristic or a descriptor."""

    def __init__(self, uuid, flags, initial):
        self.uuid = uuid
        self.flags = flags
        self.initial = initial
        self._value_handle = None  # until it is registered

    def register(self, handle):
        self._value_handle = handle
        _state.registered[handle] = self
        if self.initial is not None:
            self.write(self.initial)

    def read(self):
        return _ble.gatts_read(self._value_handle)

    def write(self, data, send_update=False):
        _ble.gatts_write(self._value_handle, data, send_update)

    def on_read(self, connection):
        return 0


class BufferedCharacteristic(_Value):
    def __init__(self, service, uuid, read=False, write=False, capture=False, max_len=20):
        super().__init__(uuid, (_CAN_READ if read else 0) | (_CAN_WRITE if write else 0), None)
        service.characteristics.append(self)
        self.descriptors = []
        self._most = max_len
        self._is_captured = capture
        self._event = asyncio.Event()
        self._data = None
        if capture and _state.task is None:
            _state.written = asyncio.Event()
            _state.taken = asyncio.Event()
            _state.task = asyncio.create_task(_hand_out(_state))

    def register(self, handle):
        super().register(handle)
        _ble.gatts_set_buffer(handle, self._most)

    def take(self):
        """It was written to."""
        if self._is_captured:
            if len(_state.queue) == _QUEUE:
                _state.queue.pop(0)
            _state.queue.append((self, (_state.connection, self.read())))
            _state.written.set()

    def captured(self, data):
        self._data = data
        self._event.set()

    async def written(self):
        await self._event.wait()
        self._event.clear()
        _state.taken.set()
        return self._data


class Descriptor(_Value):
    def __init__(self, characteristic, uuid, read=False, initial=None):
        super().__init__(uuid, _CAN_READ if read else 0, initial)
        characteristic.descriptors.append(self)


async def _hand_out(state):
    while True:
        while state.queue:
            characteristic, data = state.queue.pop(0)
            characteristic.captured(data)
            await state.taken.wait()
            state.taken.clear()
        state.written.clear()
        await state.written.wait()


def register_services(*services):
    described = [
        (
            service.uuid,
            [
                (each.uuid, each.flags, [(inner.uuid, inner.flags) for inner in each.descriptors])
                for each in service.characteristics
            ],
        )
        for service in services
    ]
    for service, handles in zip(services, _ble.gatts_register_services(described)):
        values = [value for each in service.characteristics for value in [each] + each.descriptors]
        for value, handle in zip(values, handles):
            value.register(handle)


class _Connection:
    def __init__(self):
        self.gone = asyncio.Event()

    def is_connected(self):
        return not self.gone.is_set()

    async def disconnected(self, timeout_ms=60000):
        await self.gone.wait()


async def advertise(interval_us, name=None, services=()):
    """Return the connection; None if this was cancelled: aioble keeps that to itself."""
    adv = resp = b""
    for kind, data in [(1, b"\x06")] + [(7, bytes(uuid)) for uuid in services] + [(9, name.encode())]:
        packet = bytes((len(data) + 1, kind)) + data
        if len(adv) + len(packet) <= _PAYLOAD:
            adv += packet
        elif len(resp) + len(packet) <= _PAYLOAD:
            resp += packet
        else:
            raise ValueError("Advertising payload too long")
    _state.arrived = asyncio.Event()
    _ble.gap_advertise(interval_us, adv, resp_data=resp)
    try:
        await _state.arrived.wait()
        return _state.connection
    except asyncio.CancelledError:
        _ble.gap_advertise(None)
        return None
