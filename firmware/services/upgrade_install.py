"""Brings an image into the other slot, block by block, and has it started. What fails leaves the running version as it is."""

import asyncio

from firmware.services.upgrade_connect import told
from firmware.version import SECURITY_COUNTER, VERSION
from lib.ota.header import Device, Refused
from lib.ota.receiver import Receiver


def device(gateway):
    """Return what decides whether an image is for this gateway (lib/ota/header.py)."""
    platform = gateway.platform
    return Device(platform.board, VERSION, SECURITY_COUNTER, platform.release_keys, platform.slots.size)


def note(gateway):
    """Return the Document of an upgrade from a server that runs, so that it goes on after a restart."""
    return gateway.document(gateway.platform.root + "/upgrade.json")


def failed(gateway, error):
    """Tell why it ended; None: somebody cancelled it."""
    state = gateway.upgrade
    state.task = None
    if error is None:
        state.begin("idle")
    else:
        state.tell("failed")  # at once: it is over, whatever there is no memory for
        state.tell("failed", *told(error))
    gateway.front.show("upgrade failed")
    if gateway.push:
        gateway.push.resume()
    try:
        note(gateway).remove()
    except MemoryError:
        pass  # then a restart goes on with it
    gateway.events.add("upgrade", state.sentence or "cancelled")


class Install:
    """One for an image; `receiver` is of lib/ota/receiver.py. Raises what that does, and OSError of the slot."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._slots = gateway.platform.slots
        self.receiver = Receiver(self._slots.read, device(gateway))

    async def filled(self, count):
        """So many bytes were put into receiver.room()."""
        await self.drive(self.receiver.filled(count))

    async def drive(self, steps):
        """Run a generator of the receiver, others in between."""
        state, receiver, slots = self._gateway.upgrade, self.receiver, self._slots
        for region in steps:
            if region:
                slots.erase(region[0])
                await asyncio.sleep_ms(0)
                slots.program(*region)
            state.done = receiver.position
            await asyncio.sleep_ms(0)
        state.done = receiver.position
        header = receiver.header
        if header:
            if not state.total:
                self._gateway.front.show("upgrading")
            state.total, state.version = header.file_size, header.version

    async def finish(self):
        """All is there: check it once more, out of the slot, and have it started next. Then the gateway is to restart."""
        gateway, state = self._gateway, self._gateway.upgrade
        self.receiver.ended()
        state.tell("checking")
        await self.drive(self.receiver.verify())
        gateway.router.module("firmware.services.upgrade_trial").prepare(gateway, state.version)
        note(gateway).remove()  # before: nothing that fails may come between the switch and the restart
        self._slots.switch()
        state.tell("restarting")
        try:
            gateway.events.add("upgrade", f"version {state.version} is there; the gateway restarts")
        except MemoryError:
            pass


def accept(header, size):
    """Refuse a file of `size` bytes (None: not known) that cannot be the header's."""
    if size is not None and size != header.file_size:
        cause = "short" if size < header.file_size else "long"
        raise Refused(cause, f"the file has {size} bytes, its header says {header.file_size}")
