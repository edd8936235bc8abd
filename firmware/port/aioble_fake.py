"""A FAKE of the module aioble, as far as firmware/port/ble_aioble.py uses it: the rig's BLE channel in place of the air.

It keeps aioble's interface and the rules of the chip (MicroPython, extmod/modbluetooth.c; aioble 0.6.2, server.py): one value
for both directions, cut at the buffer's size; a write cannot be refused, and is answered before any task runs; captured
writes wait in one queue of ten, the oldest falls out; on_read() is called for each piece of a value that is read, and an
exception in it ends all events; no advertising while a central is connected.

One thing is another: there is no second thread in which on_read() could sleep. Its sleep_ms() raises Held instead, and
on_read() is called again later.
"""

import asyncio
import sys

from micropython import const

_WRITE = const(3)  # number of the event
_QUEUE = const(10)
_PAYLOAD = const(30)  # of 31 bytes: aioble's arithmetic
_NAMES = ((2, "read"), (8, "write"))  # properties


class Held(Exception):
    """Out of on_read(): ask again in args[0] milliseconds."""


def sleep_ms(ms):
    raise Held(ms)


class UUID:
    """Of a number or a text; bytes(uuid) has them as they go over the air, the last byte first."""

    def __init__(self, value):
        self.value = value

    def __iter__(self):
        if isinstance(self.value, int):
            return iter(self.value.to_bytes(2, "little"))
        return reversed(bytes.fromhex(self.value.replace("-", "")))

    def __str__(self):
        return "%04x" % self.value if isinstance(self.value, int) else self.value.lower()


def _hex(data):
    return data.hex() if data else ""  # of nothing MicroPython makes bytes


class _Radio:
    """What aioble keeps in its modules."""

    def __init__(self):
        self.link = None
        self.services = ()
        self.handlers = []
        self.values = {}  # handle: characteristic or descriptor
        self.queue = []
        self.written = self.taken = None
        self.connected = None
        self.arrived = None
        self.advertisement = None
        self.gap_name = "MPY"
        self.is_deaf = False
        self.task = None

    def tell(self):
        """Tell the rig what is in the air."""
        adv, resp = (b"", b"") if self.advertisement is None else self.advertisement
        central = self.connected.central if self.connected else None
        self.link.send(event="air", adv=_hex(adv), resp=_hex(resp), central=central)


radio = _Radio()


class core:  # noqa: N801 - a module of aioble
    """Its functions that are used from outside."""

    @staticmethod
    def register_irq_handler(irq, shutdown):
        radio.handlers.append(irq)


def use(link):
    """Have the air at the other end of a RigLink; returns this module."""
    radio.link = link
    link.on("ble", lambda message: asyncio.create_task(_operate(message)))
    return sys.modules[__name__]


def config(gap_name=None, mtu=None):
    radio.gap_name = gap_name or radio.gap_name


def stop():
    link = radio.link
    if radio.task:
        radio.task.cancel()
    if radio.connected:
        radio.connected.end()
    radio.__init__()
    radio.link = link
    radio.tell()
    link.on("ble", None)  # it would hold this module


class Service:
    def __init__(self, uuid):
        self.uuid = uuid
        self.characteristics = []


class _Value:
    def read(self):
        return self.value

    def write(self, data, send_update=False):
        self.value = bytes(data)

    def on_read(self, connection):
        return 0


class BufferedCharacteristic(_Value):
    def __init__(self, service, uuid, read=False, write=False, capture=False, max_len=20):
        service.characteristics.append(self)
        self.uuid = uuid
        self.flags = (2 if read else 0) | (8 if write else 0)
        self.descriptors = []
        self._value_handle = None  # until it is registered
        self.value = b""
        self.most = max_len
        self.is_captured = capture
        self._event = asyncio.Event()
        self._data = None
        if capture and radio.task is None:
            radio.written = asyncio.Event()
            radio.taken = asyncio.Event()
            radio.task = asyncio.create_task(_hand_out())

    def captured(self, data):
        self._data = data
        self._event.set()

    async def written(self):
        await self._event.wait()
        self._event.clear()
        radio.taken.set()
        return self._data


class Descriptor(_Value):
    def __init__(self, characteristic, uuid, read=False, initial=None):
        characteristic.descriptors.append(self)
        self.uuid = uuid
        self._value_handle = None
        self.value = initial or b""


async def _hand_out():
    while True:
        while radio.queue:
            characteristic, *data = radio.queue.pop(0)
            characteristic.captured(data)
            await radio.taken.wait()
            radio.taken.clear()
        radio.written.clear()
        await radio.written.wait()


def register_services(*services):
    radio.services = services
    handle = 16
    for service in services:
        for characteristic in service.characteristics:
            for value in [characteristic] + characteristic.descriptors:
                value._value_handle = handle
                radio.values[handle] = value
                handle += 1
            handle += 1


class _Connection:
    def __init__(self, central, mtu):
        self.central = central
        self.mtu = mtu
        self._gone = asyncio.Event()

    def is_connected(self):
        return not self._gone.is_set()

    def end(self):
        self._gone.set()
        radio.connected = None

    async def disconnected(self, timeout_ms=60000):
        await self._gone.wait()

    async def disconnect(self):
        self.end()
        radio.tell()


async def advertise(interval_us, name=None, services=()):
    """Return the connection; None if this was cancelled: aioble keeps that to itself."""
    packets = [(1, b"\x06")] + [(7, bytes(uuid)) for uuid in services] + [(9, name.encode())]
    adv = resp = b""
    for kind, data in packets:
        packet = bytes((len(data) + 1, kind)) + data
        if len(adv) + len(packet) <= _PAYLOAD:
            adv += packet
        elif len(resp) + len(packet) <= _PAYLOAD:
            resp += packet
        else:
            raise ValueError("Advertising payload too long")
    radio.advertisement = (adv, resp)
    radio.arrived = asyncio.Event()
    radio.tell()
    try:
        await radio.arrived.wait()
        return radio.connected
    except asyncio.CancelledError:
        radio.advertisement = None
        return None


async def _operate(message):
    """Answer one operation of a central."""
    operation, central = message["do"], message["central"]
    if operation == "connect":
        answer = _connect(message)
    elif radio.connected is None or radio.connected.central != central:
        answer = {"error": "not connected"}
    elif operation == "disconnect":
        radio.connected.end()
        radio.tell()
        answer = {"ok": True}
    elif operation == "discover":
        answer = {"services": [_described(service) for service in radio.services] + [_GAP]}
    elif operation == "write":
        answer = _write(message)
    else:
        answer = await _read(message["handle"])
    radio.link.send(event="ble", id=message["id"], answer=answer)


def _connect(message):
    if radio.advertisement is None:
        return {"error": "nothing is there to connect to"}
    radio.connected = _Connection(message["central"], message.get("mtu", 512))
    radio.advertisement = None
    radio.arrived.set()
    radio.tell()
    return {"ok": True}


_GAP_HANDLE = const(3)
_GAP = {"uuid": "1800", "characteristics": [{"uuid": "2a00", "properties": ["read"], "handle": 3, "descriptors": []}]}


def _described(service):
    return {
        "uuid": str(service.uuid),
        "characteristics": [
            {
                "uuid": str(each.uuid),
                "properties": [word for bit, word in _NAMES if each.flags & bit],
                "handle": each._value_handle,
                "descriptors": [{"uuid": str(inner.uuid), "handle": inner._value_handle} for inner in each.descriptors],
            }
            for each in service.characteristics
        ],
    }


def _write(message):
    characteristic = radio.values.get(message["handle"])
    if characteristic is None:
        return {"att_error": 1}  # invalid handle
    if not getattr(characteristic, "flags", 0) & 8:
        return {"att_error": 3}  # write not permitted
    data = bytes.fromhex(message["hex"])
    if len(data) > 512:
        return {"att_error": 13}  # invalid attribute value length
    characteristic.value = data[: characteristic.most]
    if radio.is_deaf:
        return {"ok": True}
    if characteristic.is_captured:
        if len(radio.queue) == _QUEUE:
            radio.queue.pop(0)
        radio.queue.append((characteristic, radio.connected, characteristic.value))
        radio.written.set()
    for handler in radio.handlers:
        handler(_WRITE, (0, message["handle"]))
    return {"ok": True}


async def _read(handle):
    if handle == _GAP_HANDLE:
        return {"hex": _hex(radio.gap_name.encode())}
    value = radio.values.get(handle)
    if value is None:
        return {"att_error": 1}
    connection = radio.connected
    data = b""
    while True:  # piece by piece, with one more for a value that fills its last one
        while not radio.is_deaf:
            try:
                error = value.on_read(connection)
            except Held as held:
                await asyncio.sleep_ms(held.args[0])
                if not connection.is_connected():
                    return {"error": "disconnected"}
                continue
            except Exception as error:
                sys.print_exception(error)
                radio.is_deaf = True
                break
            if error:
                return {"att_error": error}
            break
        piece = value.read()[len(data) : len(data) + connection.mtu - 1]
        data += piece
        if len(piece) < connection.mtu - 1:
            return {"hex": _hex(data)}
