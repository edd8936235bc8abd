"""A list of DLMS meters of any length, taken in pieces: POST /api/dlms_batch, GET tells how far it is; take_lines() for others.

CSV with a header line that names the fields, or a JSON object in each line. A line is a meter: one with its number is changed,
else it is added. A line that is wrong is refused, the others are taken. What there is of the list is never torn.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.state.dlms_batch import Batch
from firmware.state.dlms_fields import Wrong, fields
from firmware.state.dlms_meters import Taken
from lib.http.errors import HttpError
from lib.http.json_body import parse
from lib.http.json_text import put_items, room
from lib.text import csv

_PIECE = const(512)
_LINE = const(1024)  # bytes of the longest
_MOST = const(1 << 20)  # bytes of a body
_TOLD = const(32)  # refusals: they stay in RAM
_PATIENCE_MS = const(60000)  # with who brings nothing more


class Upload:
    """`lines`: read so far, header and empty ones too; `refused`: [(line, reason)] of the first, `refusals`: how many in all;
    `cause`: why it broke off, "" if it did not; `is_over`. `who` sends it, if it comes in several messages."""

    def __init__(self, gateway, meters, who=""):
        self.who = who
        self._gateway = gateway
        self._meters = meters
        self._batch = Batch(meters)
        self._buffer = bytearray(_LINE)
        self._used = 0  # of a line that has begun, one more than there is room for if it is too long
        self._names = None  # of the columns; () for lines of JSON
        self._separator = ","
        self.lines = self.refusals = self.added = self.changed = 0
        self.refused = []
        self.cause = ""
        self.is_over = False
        self.since = ticks_ms()

    async def begin(self):
        """Raises HttpError 409: somebody else is changing the list."""
        try:
            for _ in self._batch.begin():
                await asyncio.sleep_ms(0)
        except RuntimeError:
            self._batch = None
            raise HttpError(409, "somebody else is changing the list of meters", "Retry-After", "10")

    async def take(self, piece):
        """Take the next bytes. Raises HttpError 422, 507: it is over."""
        self.since = ticks_ms()
        at, end = 0, len(piece)
        while at < end:
            stop = piece.find(b"\n", at, end)
            part = memoryview(piece)[at : stop if stop >= 0 else end]
            if self._used + len(part) > _LINE:
                self._used = _LINE + 1
            else:
                self._buffer[self._used : self._used + len(part)] = part
                self._used += len(part)
            if stop < 0:
                return
            at = stop + 1
            self._line()
            if self._batch.is_due:
                self._write()
            await asyncio.sleep_ms(0)

    async def finish(self, cause=""):
        """Write what is whole; cause: why no more comes. Raises HttpError 507."""
        if self.is_over:
            return
        try:
            if self._used and not cause:  # a last line without its end
                self._line()
            self._write()
        finally:
            self._end(cause)

    def _end(self, cause):
        self.is_over = True
        self.cause = self.cause or cause
        self._batch.end()
        self._batch, self._buffer = None, bytearray(0)  # their RAM is wanted
        if self._meters.upload is self:
            self._meters.upload = Taken(self)
        if self.added or self.changed or self.refusals:
            told = f"list of DLMS meters: {self.added} added, {self.changed} changed, {self.refusals} refused"
            self._gateway.events.add("settings", told)

    def _write(self):
        batch = self._batch
        try:
            for number in batch.write():
                self._gateway.dlms_meters.on_change(number)
        except OSError:
            self.cause = "the flash did not take it"
            raise HttpError(507, "the flash did not take the rest of the list")
        finally:
            self.added, self.changed = batch.added, batch.changed

    def _line(self):
        self.lines += 1
        size, self._used = self._used, 0
        try:
            if size > _LINE:
                raise ValueError(f"a line of at most {_LINE} bytes is expected")
            line = bytes(memoryview(self._buffer)[:size])
            if self.lines == 1 and line[:3] == b"\xef\xbb\xbf":
                line = line[3:]
            line = line.strip()
            if line:
                self._meter(line)
        except Wrong as error:
            self._refuse(f"{error.field}: {error.sentence}")
        except HttpError as error:
            if self._names is None:
                raise
            self._refuse(error.message)
        except UnicodeError:
            self._refuse("UTF-8 is expected")
        except ValueError as error:
            self._refuse(str(error))

    def _refuse(self, reason):
        self.refusals += 1
        if len(self.refused) < _TOLD:
            self.refused.append((self.lines, reason))

    def _meter(self, line):
        if self._names is None:
            if line[:1] != b"{":
                self._header(line.decode())
                return
            self._names = ()
        if self._names:
            cells = csv.cells(line.decode(), self._separator)
            if len(cells) > len(self._names):
                raise ValueError("there are more cells than columns")
            values = {name: cell for name, cell in zip(self._names, cells) if cell}
        else:
            values = parse(line)
        values.pop("id", None)  # of this gateway or another: the number tells which meter it is
        self._batch.take(values)

    def _header(self, line):
        self._separator = csv.separator(line)
        names = [name.lower() for name in csv.cells(line, self._separator)]
        known = [field.name for field in fields()] + ["id"]
        if "serial" not in names or len(set(names)) < len(names) or any([name not in known for name in names]):
            self.cause = "the first line has to name the fields, among them serial"
            raise HttpError(422, self.cause)
        self._names = names


async def begin(gateway, who=""):
    """Begin to take a list; return its Upload. Raises HttpError 409."""
    meters = gateway.dlms_meters
    await meters.ready()
    former = meters.upload
    if former and not former.is_over and ticks_diff(ticks_ms(), former.since) > _PATIENCE_MS:
        await former.finish("nothing more came")
    upload = Upload(gateway, meters, who)
    await upload.begin()
    meters.upload = upload
    return upload


async def post(gateway, request, response):
    """Take the body, whatever its length; tell what came of its lines."""
    size = request.content_length
    if not size:
        raise HttpError(400, "a list of meters is expected as the body")
    if size > _MOST:
        raise HttpError(413, "the list is too long")
    upload = await begin(gateway)
    piece = bytearray(_PIECE)
    cause = "the upload was broken off"
    try:
        while True:
            try:
                count = await request.body_into(memoryview(piece))
            except OSError:
                raise HttpError(400, cause)
            if not count:
                break
            await upload.take(piece if count == _PIECE else piece[:count])
        cause = ""
    finally:
        await upload.finish(cause)
    await put_result(response, upload)


async def take_lines(gateway, piece, who="others"):
    """Take the next bytes of a list that `who` sends another way, begun by the first; an empty piece is the end.

    Return the Upload. Raises HttpError: it is over, with its message as the reason; 409: another list is being taken.
    """
    upload = gateway.dlms_meters.upload
    if upload is None or upload.is_over or upload.who != who:
        upload = await begin(gateway, who)
    try:
        if piece:
            await upload.take(piece)
        else:
            await upload.finish()
    except HttpError as error:
        await upload.finish(error.message)
        raise
    return upload


async def get(gateway, request, response):
    """How far the present list is, or what came of the last one."""
    upload = gateway.dlms_meters.upload
    if upload is None:
        raise HttpError(404, "no list of meters was taken since the start")
    await put_result(response, upload)


async def put_result(response, upload):
    """Put what came of a list so far."""
    response.put(b"{")
    items = (("running", not upload.is_over), ("cause", upload.cause), ("lines", upload.lines), ("added", upload.added))
    await put_items(response, items + (("changed", upload.changed), ("refusals", upload.refusals)))
    response.put(b',"refused":[')
    comma = b"{"
    for line, reason in upload.refused:
        await room(response)
        response.put(comma)
        await put_items(response, (("line", line), ("reason", reason[:150])))
        response.put(b"}")
        comma = b",{"
    response.put(b"]}")
