"""Fetches an image from a server: goes on where it was after a broken connection, or after a restart of the gateway."""

import asyncio

from micropython import const

from firmware.services import upgrade_install
from firmware.services.upgrade_connect import TIMEOUT_MS, connector, told
from firmware.version import VERSION
from lib.aio.connect import ConnectionFailed
from lib.http.client import Failed, get
from lib.ota.header import Refused

_MOST_STARTS = const(5)  # of the gateway, during one upgrade
_TRIES = const(4)  # until the first byte came
_MORE_TRIES = const(12)  # in a row, later: some 40 minutes
_LONGEST_S = const(300)  # between two
_DAMAGED = const(3)  # times that a part may be, the second time all is fetched anew
_PASSING = const("dns refused unreachable timeout closed memory tls_handshake tls_not_yet_valid range chunk ")


class Fetch:
    """One upgrade from a URL.

    `certificate`: a name of the store, or "". announced: SHA-256 of the payload that is expected, in hexadecimal, "" for any.
    """

    pause_s = 2  # before the second try; then twice as long each time

    def __init__(self, gateway, url, certificate, announced):
        self._gateway = gateway
        self._url, self._certificate, self._announced = url, certificate, announced
        self._starts = 1
        self._connect = None
        self._anew()

    async def run(self, noted=None):
        """Fetch it and have it started next: then the gateway is to restart. Raises what it ended with.

        noted: what is left of one that a restart broke off.
        """
        state = self._gateway.upgrade
        if noted:
            await self._resume(noted)
        failures = damaged = 0
        while True:
            before = self._install.receiver.position
            try:
                if not self._install.receiver.is_complete:
                    await self._once()
                return await self._install.finish()
            except (ConnectionFailed, Failed, Refused, MemoryError) as error:
                cause, sentence = told(error)
                if self._install.receiver.position > before:
                    failures = 0
                failures += 1
                if cause in ("chunk", "range"):
                    damaged += 1
                    if damaged == _DAMAGED:
                        raise
                    if damaged > 1 or cause == "range":
                        self._anew()
                elif cause == "memory":
                    await self._look_again()  # perhaps it was amid a step of the receiver, which cannot go on there
                is_passing = cause + " " in _PASSING or getattr(error, "status", 0) >= 500
                if not is_passing or failures > (_MORE_TRIES if self._install.receiver.header else _TRIES):
                    raise
                state.tell("waiting", cause, sentence)
            await asyncio.sleep(min(self.pause_s << (failures - 1), _LONGEST_S))

    def _anew(self):
        """Take the file from its start."""
        self._install = upgrade_install.Install(self._gateway)
        self._is_noted = False

    async def _resume(self, noted):
        """Find out what is in the slot already."""
        self._starts = noted.get("starts", 0) + 1
        if self._starts > _MOST_STARTS:
            raise Failed("starts", "the gateway was restarted too often during the upgrade")
        try:
            await self._install.drive(self._install.receiver.resume())
            is_it = self._install.receiver.header.total.hex() == noted.get("total")
        except Refused:
            is_it = False
        if not is_it:
            self._anew()
            return
        self._note()

    async def _look_again(self):
        """Go on with what is in the slot."""
        try:
            await self._install.drive(self._install.receiver.resume())
        except Refused:
            self._anew()

    async def _once(self):
        """Fetch what is missing, over one connection."""
        install, state = self._install, self._gateway.upgrade
        receiver = install.receiver
        state.tell("connecting")
        self._connect = self._connect or connector(self._gateway, self._certificate)  # for which there may be no memory yet
        answer = await get(self._url, self._connect, TIMEOUT_MS, receiver.position)
        try:
            if answer.start != receiver.position:
                self._anew()
                install, receiver = self._install, self._install.receiver
            header = receiver.header
            if header and answer.size not in (None, header.file_size):
                raise Failed("range", "the file at the server is another one by now")
            state.tell("downloading")
            while not receiver.is_complete:
                room = receiver.room()
                count = await answer.fill(room)
                if count < len(room) and not self._is_noted:
                    await install.filled(count)
                    receiver.ended()
                if count < len(room):
                    raise ConnectionFailed("closed")
                await install.filled(count)
                if not self._is_noted and receiver.header:
                    self._accept(receiver.header, answer.size)
        finally:
            answer.close()

    def _accept(self, header, size):
        """The header is right; is it the one that was announced?"""
        if self._announced and header.total.hex() != self._announced:
            raise Refused("other", "the file is not the version that was announced")
        upgrade_install.accept(header, size)
        self._gateway.events.add("upgrade", f"version {header.version} is fetched")
        self._note()

    def _note(self):
        self._is_noted = True
        values = {"url": self._url, "certificate": self._certificate, "announced": self._announced, "from": VERSION}
        values["starts"] = self._starts
        values["total"] = self._install.receiver.header.total.hex()
        upgrade_install.note(self._gateway).save(values)
