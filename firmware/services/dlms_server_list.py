"""What the DLMS server tells of the list of meters: as a profile, as SAPs, in the list of objects; and how it is changed.

None of it is ever in RAM as a whole. Source: DLMS UA 1000-1 (Blue Book), 4.4.4 (association LN), 4.4.5 (SAP assignment).
"""

from micropython import const

from firmware.services.dlms_server_objects import (
    BATCH,
    DATA,
    DENIED,
    FIXED,
    KINDS,
    LIST,
    PROFILE,
    PUBLIC,
    SAPS,
    UNDEFINED,
    UNMATCHED,
    refusal,
)
from firmware.state.dlms_plan import Plan
from lib.dlms import selection
from lib.dlms.errors import FormatError, PeerError
from lib.http.errors import HttpError

_METERS = const(0x1000)  # SAPs
_MOST_ID = const(0xEFFF)  # that has one
_COLUMNS = const(9)
_BUSY, _OTHER, _ABORTED = const(2), const(250), const(15)
_READ, _WRITE = const(1), const(3)  # modes of access
_SELECTORS = b"\1\2\x0f\1\x0f\2"  # array of two: by range, by entry
_NEVER, _IN_CONTACT, _FAILING, _BLACK = const(0), const(1), const(2), const(3)
# So many of FIXED does the public client see: always, and if reading needs no login
_PUBLIC_ALWAYS, _PUBLIC = const(5), const(7)


def get(objects, ln, attribute, selector):
    """Return the pieces of an attribute of the list, of the SAPs, of the last batch."""
    if ln == SAPS and attribute == 2:
        return _saps(objects)
    if ln == BATCH and attribute == 2:
        return [_batch(objects)]
    if ln != LIST:
        raise refusal(UNDEFINED)
    if attribute == 2:
        return _meters(objects, selector)
    return _of_list(objects, attribute)


def _of_list(objects, attribute):
    writer = objects.writer
    if attribute == 3:
        yield objects.head(_COLUMNS)
        for number in range(1, _COLUMNS + 1):
            yield objects.column(DATA, b"\0\x80\x60\1" + bytes((number, 255)), 2, 0)
        return
    writer.restart()
    if attribute == 4:
        writer.put_u32(0)
    elif attribute == 5:
        writer.put_enum(1)
    elif attribute == 6:
        yield objects.column(0, bytes(6), 0, 0)
        return
    elif attribute == 7:
        writer.put_u32(objects.gateway.dlms_meters.count)
    elif attribute == 8:
        writer.put_u32(1000)
    else:
        raise refusal(UNDEFINED)
    yield writer.view


def _meters(objects, selector):
    """The meters in their order, by entry if that is wanted."""
    meters, writer = objects.gateway.dlms_meters, objects.writer
    first, last = 1, meters.count
    first_column, last_column = 1, _COLUMNS
    if selector:
        try:
            if selector[0] != selection.BY_ENTRY:
                raise FormatError("selector")
            first, to, first_column, to_column = selection.entries(selector[1])
        except FormatError:
            raise refusal(UNMATCHED)
        last, last_column = min(to or last, last), to_column or last_column
        if not first or 0 < to < first or not 0 < first_column <= last_column <= _COLUMNS:
            raise refusal(UNMATCHED)
    count = max(0, last - first + 1)
    yield objects.head(count)
    for _, number in meters.each(first - 1):
        if not count:
            return
        count -= 1
        line = meters.find(number)
        yield
        state = _state(meters, number)
        writer.restart()
        writer.put_structure(last_column - first_column + 1)
        for column in range(first_column, last_column + 1):
            _put(objects, column, number, line and Plan(line), state)
        yield writer.view
    if count:
        raise PeerError("long get aborted", _ABORTED)


def _put(objects, column, number, plan, state):
    """Put a column of a meter; what cannot be read now is null-data."""
    writer, gateway = objects.writer, objects.gateway
    if column == 1:
        writer.put_u16(number)
    elif column <= 4 and plan is None or column > 4 and state is None:
        writer.put_null()
    elif column <= 3:
        writer.put_octets((plan.serial if column == 2 else plan.name).encode())
    elif column == 4:
        writer.put_enum(plan.port)
    elif column == 5:
        black_days = gateway.dlms_meters.black_days
        is_black = state.is_black(gateway.clock.utc(), black_days)
        writer.put_enum(_BLACK if is_black else _IN_CONTACT if state.in_contact else _FAILING if state.failed_utc else _NEVER)
    elif column <= 7:
        objects.put_time(state.good_utc if column == 6 else state.failed_utc)
    else:
        objects.put_number(state.failures if column == 8 else state.in_a_row)


def _state(meters, number):
    try:
        return meters.state(number)
    except OSError:
        return None


def _saps(objects):
    """SAP and logical device name of ourselves and of each meter, whose number that is."""
    meters, writer = objects.gateway.dlms_meters, objects.writer
    count = meters.count
    yield objects.head(count + 1)
    yield _sap(writer, 1, objects.server.name)
    for _, number in meters.each():
        if not count:
            return
        count -= 1
        line = meters.find(number)
        yield
        yield _sap(writer, _METERS + number if number <= _MOST_ID else 0, Plan(line).serial.encode() if line else b"")
    if count:
        raise PeerError("long get aborted", _ABORTED)


def _sap(writer, number, name):
    writer.restart()
    writer.put_structure(2)
    writer.put_u16(number)
    writer.put_octets(name)
    return writer.view


def tree(objects, client):
    """The list of objects: those of ours, then those of each meter about which something is kept."""
    meters = objects.gateway.dlms_meters
    of_meters = objects.may_read(client)
    fixed = FIXED if client != PUBLIC else FIXED[: _PUBLIC if of_meters else _PUBLIC_ALWAYS]
    count = len(fixed)
    if of_meters:
        for _, number in meters.each():
            count += 2 * len(_kinds(meters, number))
            yield
    yield objects.head(count)
    count -= len(fixed)
    for class_id, version, ln, attributes, written, methods in fixed:
        yield _object(objects, class_id, version, ln, attributes, written if client != PUBLIC else (), methods, client)
    if not of_meters:
        return
    for _, number in meters.each():
        yield
        for kind in _kinds(meters, number):
            if not count:
                return
            count -= 2
            place = bytes((kind, number >> 8, number & 255, 255))
            yield _object(objects, PROFILE, 1, b"\0\x80" + place, 8, (), (), client)
            yield _object(objects, DATA, 0, b"\0\x81" + place, 2, (), (), client)
    if count:
        raise PeerError("long get aborted", _ABORTED)


def _kinds(meters, number):
    """Return the kinds of what is kept of a meter."""
    state = _state(meters, number)
    if state is None:
        return ()
    kinds = [kind for kind, newest in enumerate(state.newest) if newest]
    return kinds + [KINDS - 1] if state.good_utc else kinds


def _object(objects, class_id, version, ln, attributes, written, methods, client):
    """Return a view of an element of the list: what it is, and what this client may do."""
    writer = objects.writer
    writer.restart()
    writer.put_structure(4)
    writer.put_u16(class_id)
    writer.put_u8(version)
    writer.put_octets(ln)
    writer.put_structure(2)
    writer.put_array(attributes)
    for attribute in range(1, attributes + 1):
        writer.put_structure(3)
        writer.put_i8(attribute)
        writer.put_enum(_WRITE if attribute in written else _READ)
        if class_id == PROFILE and attribute == 2:
            writer.put_raw(_SELECTORS)
        else:
            writer.put_null()
    writer.put_array(len(methods))
    for method in methods:
        writer.put_structure(2)
        writer.put_i8(method)
        writer.put_enum(1 if client != PUBLIC else 0)
    return writer.view


# Changes


def change(objects, ln, data):
    """Take a piece of a list of meters, or remove meters; yields what is to be awaited."""
    meters = objects.gateway.dlms_meters
    if ln == BATCH:
        piece = _octets(data)
        refused = []
        yield _take(objects.gateway, piece, refused)
        if refused:
            raise refusal(_OTHER)
        return
    if len(data) != 3 or data[0] != 0x12:
        raise refusal(UNMATCHED)
    number = data[1] << 8 | data[2]
    if meters.is_busy:
        raise refusal(_BUSY)
    if number and meters.find(number) is None:
        raise refusal(DENIED)
    try:
        if number:
            meters.remove(number)
        else:
            for _ in meters.remove_all():
                yield
    except OSError:
        raise refusal(_OTHER)
    objects.gateway.events.add("settings", f"DLMS meter {number} removed" if number else "all DLMS meters removed")


async def _take(gateway, piece, refused):
    try:
        await gateway.router.module("firmware.services.dlms_batch").take_lines(gateway, piece)
    except HttpError as error:
        refused.append(error)


def _octets(data):
    """Return the content of an octet-string, A-XDR."""
    if len(data) > 1 and data[0] == 9:
        for size, head in ((data[1], 2), (data[2] if len(data) > 2 else 0, 3)):
            if head + size == len(data) and data[1] == (size if head == 2 else 0x81):
                return data[head:]
        if data[1] == 0x82 and len(data) > 3 and (data[2] << 8 | data[3]) + 4 == len(data):
            return data[4:]
    raise refusal(UNMATCHED)


def _batch(objects):
    """How far the last list is: whether it goes on, lines, added, changed, refused, why it broke off."""
    upload, writer = objects.gateway.dlms_meters.upload, objects.writer
    if upload is None:
        raise refusal(UNDEFINED)
    writer.restart()
    writer.put_structure(6)
    writer.put_boolean(not upload.is_over)
    for number in (upload.lines, upload.added, upload.changed, upload.refusals):
        writer.put_u32(number)
    writer.put_octets(upload.cause.encode()[:100])
    return writer.view
