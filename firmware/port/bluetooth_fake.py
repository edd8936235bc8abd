"""A FAKE of the module bluetooth, as far as aioble uses it for a peripheral: the rig's BLE channel in place of the air.

It keeps the rules of the ESP32 (MicroPython, extmod/modbluetooth.c, extmod/nimble): events are handled at once, that of a
write before the write is answered, that of a read, which may refuse it, before each piece of the value is fetched; an exception
in the handler ends all events; one value for both directions, of 20 bytes unless there is a larger buffer, and longer writes
are cut; a write cannot be refused; advertising ends when a central connects; no events once it is switched off.

One thing is another: there is no second thread in which the handler of a read could sleep. sleep_ms() raises Held instead, and
the handler is called again later.
"""

import asyncio
import errno
import sys

from micropython import const

_CENTRAL_CONNECTED, _CENTRAL_GONE, _WRITE, _READ_REQUEST, _MTU_EXCHANGED = const(1), const(2), const(3), const(4), const(21)
_CONNECTION = const(0)  # handle of the only one
_ADDRESS = b"\x02\x00\x00\x00\x00\x01"  # of any central
_MOST_ADVERTISED = const(31)
_MOST_BYTES = const(20)  # of a value without a buffer of its own
_LONGEST = const(512)
_LEAST_MTU = const(23)
_CAN_READ, _CAN_WRITE = const(2), const(8)
_NAMES = ((_CAN_READ, "read"), (_CAN_WRITE, "write"))
_FIRST_HANDLE = const(16)
_INVALID_HANDLE, _NO_READ, _NO_WRITE, _TOO_LONG = const(1), const(2), const(3), const(13)
_GAP_HANDLE = const(3)
_GAP = {"uuid": "1800", "characteristics": [{"uuid": "2a00", "properties": ["read"], "handle": 3, "descriptors": []}]}


class Held(Exception):
    """Out of the handler of a read: ask again in args[0] milliseconds."""


def sleep_ms(ms):
    raise Held(ms)


class UUID:
    """Of a number or a text; bytes(uuid) has them as they go over the air, the last byte first."""

    def __init__(self, value):
        self._value = value

    def __iter__(self):
        if isinstance(self._value, int):
            return iter(self._value.to_bytes(2, "little"))
        return reversed(bytes.fromhex(self._value.replace("-", "")))

    def __str__(self):
        return "%04x" % self._value if isinstance(self._value, int) else self._value.lower()


class _Central:
    def __init__(self, number, mtu):
        self.number = number
        self.mtu = mtu


class _Value:
    """Of a characteristic or a descriptor."""

    def __init__(self, uuid, flags, handle):
        self.uuid = uuid
        self.flags = flags
        self.handle = handle
        self.content = b""
        self.most = _MOST_BYTES
        self.descriptors = []

    def described(self):
        return {"uuid": str(self.uuid), "handle": self.handle}


class _Ble:
    """`handler`: of the events; None when there is none, or none any more."""

    link = None

    def __init__(self):
        self.handler = None
        self._forget()

    def _forget(self):
        self._is_on = False
        self._central = None
        self._advertised = None  # advertisement and scan response
        self._values = {}  # by handle
        self._services = []  # (uuid, values of its characteristics)
        self._name = b"MPY"
        self._mtu = 256

    # What a program calls

    def active(self, is_on=None):
        if is_on is not None and is_on != self._is_on:
            self._forget()
            self._is_on = is_on
            # Without a handler nothing holds this module, which is to go.
            self.link.on("ble", (lambda message: asyncio.create_task(self._operate(message))) if is_on else None)
            self._tell()
        return self._is_on

    def irq(self, handler):
        self.handler = handler

    def config(self, *, gap_name=None, mtu=None):
        self._check()
        self._name = self._name if gap_name is None else gap_name.encode()
        self._mtu = mtu or self._mtu

    def gap_advertise(self, interval_us, adv_data=None, *, resp_data=None, connectable=True):
        self._check()
        if interval_us is None:
            self._advertised = None
        else:
            adv, resp = bytes(adv_data or b""), bytes(resp_data or b"")
            if max(len(adv), len(resp)) > _MOST_ADVERTISED:
                raise OSError(errno.EINVAL)
            self._advertised = adv, resp
        self._tell()

    def gatts_register_services(self, services):
        """Replace all services; return the handles of each one's values."""
        self._check()
        if self._advertised:
            raise OSError(errno.EINVAL)
        self._values = {}
        self._services = []
        handles = []
        next_handle = _FIRST_HANDLE
        for service, characteristics in services:
            values, own = [], []
            for uuid, flags, *descriptors in characteristics:
                value = _Value(uuid, flags, next_handle)
                values.append(value)
                for inner, bits in descriptors[0] if descriptors else ():
                    value.descriptors.append(_Value(inner, bits, next_handle + 1 + len(value.descriptors)))
                for each in [value] + value.descriptors:
                    self._values[each.handle] = each
                    own.append(each.handle)
                next_handle += 2 + len(value.descriptors)  # the characteristic itself has one, too
            self._services.append((service, values))
            handles.append(tuple(own))
        return tuple(handles)

    def gatts_set_buffer(self, handle, size, append=False):
        value = self._value(handle)
        value.most, value.content = size, b""
        assert not append, "not needed here"

    def gatts_read(self, handle):
        return self._value(handle).content

    def gatts_write(self, handle, data, send_update=False):
        value = self._value(handle)
        value.content = bytes(data)
        value.most = max(value.most, len(data))

    def _value(self, handle):
        self._check()
        if handle not in self._values:
            raise OSError(errno.EINVAL)
        return self._values[handle]

    def _check(self):
        if not self._is_on:
            raise OSError(errno.ENODEV)

    # What a central does

    def _tell(self):
        """Tell the rig what is in the air."""
        adv, resp = self._advertised or (b"", b"")
        self.link.send(event="air", adv=_hex(adv), resp=_hex(resp), central=self._central and self._central.number)

    def _event(self, event, *data):
        """Return what the handler returns."""
        if self.handler is None:
            return None
        try:
            return self.handler(event, data)
        except Exception as error:
            if event == _READ_REQUEST and isinstance(error, Held):
                raise
            sys.print_exception(error)
            self.handler = None
            return None

    async def _operate(self, message):
        """Answer one operation."""
        operation, number = message["do"], message["central"]
        if operation == "connect":
            answer = self._connect(number, message.get("mtu", _LONGEST))
        elif self._central is None or self._central.number != number:
            answer = {"error": "not connected"}
        elif operation == "disconnect":
            answer = self._disconnect()
        elif operation == "discover":
            answer = {"services": [_described(service, values) for service, values in self._services] + [_GAP]}
        elif operation == "write":
            answer = self._write(message["handle"], bytes.fromhex(message["hex"]))
        else:
            answer = await self._read(message["handle"])
        self.link.send(event="ble", id=message["id"], answer=answer)

    def _connect(self, number, mtu):
        if self._advertised is None:
            return {"error": "nothing is there to connect to"}
        self._advertised = None
        self._central = _Central(number, min(mtu, self._mtu))
        self._tell()
        self._event(_CENTRAL_CONNECTED, _CONNECTION, 0, _ADDRESS)
        if mtu > _LEAST_MTU:  # who wants no more does not ask
            self._event(_MTU_EXCHANGED, _CONNECTION, self._central.mtu)
        return {"ok": True}

    def _disconnect(self):
        self._central = None
        self._tell()
        self._event(_CENTRAL_GONE, _CONNECTION, 0, _ADDRESS)
        return {"ok": True}

    def _write(self, handle, data):
        value = self._values.get(handle)
        if value is None:
            return {"att_error": _INVALID_HANDLE}
        if not value.flags & _CAN_WRITE:
            return {"att_error": _NO_WRITE}
        if len(data) > _LONGEST:
            return {"att_error": _TOO_LONG}
        value.content = data[: value.most]
        self._event(_WRITE, _CONNECTION, handle)
        return {"ok": True}

    async def _read(self, handle):
        if handle == _GAP_HANDLE:
            return {"hex": _hex(self._name)}
        value, central = self._values.get(handle), self._central
        if value is None:
            return {"att_error": _INVALID_HANDLE}
        if not value.flags & _CAN_READ:
            return {"att_error": _NO_READ}
        data = b""
        while True:  # piece by piece, with one more for a value that fills its last one
            try:
                error = self._event(_READ_REQUEST, _CONNECTION, handle)
            except Held as held:
                await asyncio.sleep_ms(held.args[0])
                if self._central is not central:
                    return {"error": "disconnected"}
                continue
            if error:
                return {"att_error": error}
            piece = value.content[len(data) : len(data) + central.mtu - 1]
            data += piece
            if len(piece) < central.mtu - 1:
                return {"hex": _hex(data)}


def _hex(data):
    return data.hex() if data else ""  # of nothing MicroPython makes bytes


def _described(service, values):
    characteristics = [
        dict(
            value.described(),
            properties=[word for bit, word in _NAMES if value.flags & bit],
            descriptors=[each.described() for each in value.descriptors],
        )
        for value in values
    ]
    return {"uuid": str(service), "characteristics": characteristics}


_ble = _Ble()


def BLE():  # noqa: N802 - a class on the chip, of which there is one object
    return _ble


def use(link):
    """Have the air at the other end of a RigLink."""
    _ble.link = link
