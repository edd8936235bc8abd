"""What the DLMS server has: its name, clock, associations, SAPs; the list of meters and what was read of them are in modules of
their own, which come and go: dlms_server_list.py, dlms_server_profiles.py. docs/dlms-server.md has the logical names.

Who may: see docs/dlms-server.md. Source: DLMS UA 1000-1 (Blue Book), 4.3 to 4.5, 6; IEC 62056-6-2.
"""

from struct import unpack

from micropython import const

from firmware.state.settings import SettingsError
from firmware.version import VERSION
from lib.dlms import times
from lib.dlms.encoding import Writer
from lib.dlms.errors import PeerError

NAME = b"\0\0\x2a\0\0\xff"
SERIAL = b"\0\0\x60\1\0\xff"
FIRMWARE = b"\1\0\0\2\0\xff"
CLOCK = b"\0\0\1\0\0\xff"
ASSOCIATION = b"\0\0\x28\0\0\xff"
SAPS = b"\0\0\x29\0\0\xff"
LIST = b"\0\x80\x60\0\0\xff"  # ours, as all that begin with 0.128 and 0.129
BATCH = b"\0\x80\x61\0\0\xff"
REMOVE = b"\0\x80\x61\1\0\xff"
DATA, PROFILE, CLOCK_CLASS, ASSOCIATION_CLASS, SAP_CLASS = const(1), const(7), const(8), const(15), const(17)
KINDS = const(6)  # of profiles of a meter: those of lib/store/archive.py
PUBLIC = const(16)
DENIED, UNDEFINED, CLASS, UNMATCHED, SCOPE = const(3), const(4), const(9), const(12), const(13)
_OTHER = const(250)
_BYTES = const(640)  # of a piece, at most
_METHODS = ((CLOCK_CLASS, CLOCK, 6), (ASSOCIATION_CLASS, ASSOCIATION, 2))
_SECRET = const(7)
_LONGEST_SHIFT_S = const(900)
_LIST_MODULE = const("firmware.services.dlms_server_list")
_PROFILES = const("firmware.services.dlms_server_profiles")
# Objects that everybody has: class, version, name, attributes, which of them are written, methods
FIXED = (
    (DATA, 0, NAME, 2, (), ()),
    (DATA, 0, SERIAL, 2, (), ()),
    (DATA, 0, FIRMWARE, 2, (), ()),
    (CLOCK_CLASS, 0, CLOCK, 9, (2,), (6,)),
    (ASSOCIATION_CLASS, 1, ASSOCIATION, 8, (_SECRET,), (2,)),
    (SAP_CLASS, 0, SAPS, 2, (), ()),
    (PROFILE, 1, LIST, 8, (), ()),
    (DATA, 0, BATCH, 2, (2,), ()),
    (DATA, 0, REMOVE, 2, (2,), ()),
)


def refusal(code):
    """Return the PeerError that a data-access-result is."""
    return PeerError("refused", code)


class Objects:
    """For lib/dlms/server.py; of one connection. `writer`: of pieces, one at a time."""

    def __init__(self, server):
        """server: a DlmsServer."""
        self.server = server
        self.gateway = server.gateway
        self.writer = Writer(bytearray(_BYTES))

    def may_read(self, client):
        """Whether a client may see what meters there are, and their values."""
        return client != PUBLIC or not self.gateway.settings.get("read_login")

    def get(self, class_id, ln, attribute, selector, client):
        """See lib/dlms/server.py."""
        if attribute == 1:
            if not self._has(class_id, ln):
                raise refusal(UNDEFINED)
            return [b"\x09\x06" + ln]
        if class_id == CLOCK_CLASS and ln == CLOCK:
            return [self._clock(attribute)]
        if class_id == ASSOCIATION_CLASS and ln == ASSOCIATION:
            if attribute == 2:
                return self._list().tree(self, client)
            return [self._association(attribute, client)]
        if class_id == DATA and attribute == 2:
            text = self._text(ln)
            if text:
                return [b"\x09" + bytes((len(text),)) + text]
        if not self._has(class_id, ln):
            raise refusal(UNDEFINED)
        if not self.may_read(client) or ln == REMOVE or ln == BATCH and client == PUBLIC:
            raise refusal(DENIED)
        if ln == LIST or ln == SAPS or ln == BATCH:
            return self._list().get(self, ln, attribute, selector)
        return self.gateway.router.module(_PROFILES).get(self, ln, attribute, selector)

    def set(self, class_id, ln, attribute, data, client):
        """See lib/dlms/server.py; only who has the password comes here."""
        if (class_id, ln, attribute) == (CLOCK_CLASS, CLOCK, 2):
            utc = None
            if data[:2] == b"\x09\x0c" or data[:1] == b"\x19":
                utc = times.utc(data[-12:], self.offset())
            if utc is None:
                raise refusal(UNMATCHED)
            self._set_clock(utc * 1000)
        elif (class_id, ln, attribute) == (ASSOCIATION_CLASS, ASSOCIATION, _SECRET):
            self._change_secret(data)
        elif class_id == DATA and attribute == 2 and ln in (BATCH, REMOVE):
            return self._list().change(self, ln, data)
        else:
            raise refusal(DENIED if self._has(class_id, ln) else UNDEFINED)
        return None

    def act(self, class_id, ln, method, data, client):
        """See lib/dlms/server.py; only who has the password comes here."""
        if (class_id, ln, method) not in _METHODS:
            raise refusal(SCOPE if self._has(class_id, ln) else UNDEFINED)
        if ln == ASSOCIATION:
            self._change_secret(data)
            return
        if not data or len(data) != 3 or data[0] != 0x10:
            raise refusal(UNMATCHED)
        (seconds,) = unpack(">h", data[1:])
        if abs(seconds) > _LONGEST_SHIFT_S:
            raise refusal(SCOPE)
        self._set_clock(self.gateway.clock.utc_ms() + 1000 * seconds)

    def offset(self, utc=None):
        """Return by how many minutes our clock is, or was, ahead of UTC."""
        clock = self.gateway.clock
        return clock.zone.offset_s(clock.utc() if utc is None else utc) // 60

    def put_time(self, utc):
        """Put a moment as our clock has it; null-data for none."""
        if utc:
            self.writer.put_octets(times.encode(utc, self.offset(utc)))
        else:
            self.writer.put_null()

    def put_number(self, value):
        """Put an integer in as few octets as do, null-data for None."""
        writer = self.writer
        if value is None:
            writer.put_null()
        elif value >= 0:
            if value >> 32:
                writer.put_u64(value)
            else:
                writer.put_u32(value)
        elif value + 0x80000000 >= 0:
            writer.put_i32(value)
        else:
            writer.put_i64(value)

    def column(self, class_id, ln, attribute, index):
        """Return a view of one of the objects that a profile captures."""
        writer = self.writer
        writer.restart()
        writer.put_structure(4)
        writer.put_u16(class_id)
        writer.put_octets(ln)
        writer.put_i8(attribute)
        writer.put_u16(index)
        return writer.view

    def head(self, count):
        """Return a view of the beginning of an array."""
        self.writer.restart()
        self.writer.put_array(count)
        return self.writer.view

    def _list(self):
        return self.gateway.router.module(_LIST_MODULE)

    def _has(self, class_id, ln):
        """Whether there is such an object; one of a meter is there if the meter is in the list."""
        for known, _, name, _, _, _ in FIXED:
            if name == ln:
                return known == class_id
        if class_id not in (PROFILE, DATA) or ln[0] or ln[1] != (0x80 if class_id == PROFILE else 0x81) or ln[2] >= KINDS:
            return False
        return ln[5] == 255 and self.gateway.dlms_meters.find(ln[3] << 8 | ln[4]) is not None

    def _text(self, ln):
        if ln == NAME:
            return self.server.name
        if ln == SERIAL:
            return self.gateway.identity.serial.encode()
        return VERSION.encode() if ln == FIRMWARE else b""

    def _clock(self, attribute):
        """Attribute of the clock."""
        clock, writer = self.gateway.clock, self.writer
        writer.restart()
        if attribute == 2:
            now = clock.utc()
            writer.put_octets(times.encode(now, self.offset(now)))
        elif attribute == 3:
            writer.put_i16(-self.offset())
        elif attribute == 4:
            writer.put_u8(0 if clock.is_set else times.INVALID)
        elif attribute in (5, 6):
            writer.put_octets(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80\0\xff")  # the zone's rules are not told
        elif attribute == 7:
            writer.put_i8(0)
        elif attribute == 8:
            writer.put_boolean(False)
        elif attribute == 9:
            writer.put_enum(1)  # a crystal of our own
        else:
            raise refusal(UNDEFINED)
        return writer.view

    def _association(self, attribute, client):
        """Attribute of the association in which it is asked."""
        writer, has_password = self.writer, client != PUBLIC
        writer.restart()
        if attribute == 3:
            writer.put_structure(2)
            writer.put_i8(client)
            writer.put_u16(1)
        elif attribute == 4:
            writer.put_octets(b"\x60\x85\x74\x05\x08\x01\x01")
        elif attribute == 5:
            writer.put_structure(6)
            writer.put_bits(b"\0\x12\x1d" if has_password else b"\0\x12\x14", 24)
            writer.put_u16(1024)
            writer.put_u16(1024)
            writer.put_u8(6)
            writer.put_i8(0)
            writer.put_octets(b"")
        elif attribute == 6:
            writer.put_octets(b"\x60\x85\x74\x05\x08\x02" + bytes((has_password,)))
        elif attribute == 8:
            writer.put_enum(2)  # associated
        else:
            raise refusal(DENIED if attribute == _SECRET else UNDEFINED)
        return writer.view

    def _set_clock(self, utc_ms):
        clock = self.gateway.clock
        try:
            step_ms = clock.set(utc_ms, "DLMS")
        except ValueError:
            raise refusal(UNMATCHED)
        self.gateway.events.add("time", f"set by DLMS, by {step_ms} ms")

    def _change_secret(self, data):
        """Take another password: an octet-string or text of printable letters."""
        try:
            if not data or data[0] not in (9, 10) or data[1] != len(data) - 2:
                raise ValueError
            password = data[2:].decode()
            if not password:
                raise ValueError  # nobody shuts himself out
            self.gateway.settings.change({"dlms_server_password": password})
        except (ValueError, SettingsError):
            raise refusal(UNMATCHED)
        except OSError:
            raise refusal(_OTHER)
        self.server.tell("password of the DLMS server changed by its client")
