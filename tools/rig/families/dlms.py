"""DLMS/COSEM meters: on a serial line (HDLC, opened by mode E if wanted) or behind a TCP port (wrapper).

An entry of a meters file is {"family": "DLMS", "port": "rs485", "serial": "10000001", "address": 17, ...}; all of it:

    port          ir_left, ir_right, rs485, or network: behind a TCP port of this machine
    count         so many meters, serial and address one higher each time (any family may have it); 1
    logical, address   server addresses: 1, and the last four digits of the serial plus 16. Meters of the network share a port
                  and are told apart by `address` as the wrapper's port, unless each has a port of its own (each_port: true);
                  tcp_port is where they listen, 0 any: the control channel tells it as host
    sizes, reply_size   octets of the addresses it listens to, [1, 2, 4]; those of its answers, if other than asked
    baud          of the line, 9600 8N1; with `opens` that which mode E ends in
    opens, confirms, parity   true: mode E from 300 baud 7E1; false: no confirmation; false: the opening is 8N1
    delay_ms      from a request to its answer; 20 to 50 by chance
    security      mechanism 0 to 6 of all clients but 16, which is public; 1. clients: others by SAP, {"48": 2, "100": 0}
    ciphering     0 as the client likes, 1 or 2 ciphered only; an answer has the form of its request
    password      LLS password or HLS secret, text or 0x and hex; "12345678"
    key, auth_key, title   EK, AK and system title in hex; 00..0F, D0..DF, OSG and the number
    client_counter   the highest invocation counter of a client that it has seen; 0
    conformance, most_pdu, most_info, inactivity_s   hex 401E1D, 500 and 128 octets, 120 s
    offset_min, deviation   minutes east of Greenwich, 180, and how that is told: west (-180), east (180), none
    clock_ahead_s, drift_ppm, clock_status   of its clock; 0
    days, profile_min, columns   of the profiles: how far back, 60; 15; logical names in the load profile
    holes, cuts, nulls   [first, last] in UTC without rows; the same of power cuts; true: null-data where nothing changed
    profiles      logical names other than in dlms_objects.PROFILES, "" for none: {"daily": "1.0.99.2.0.255"}
    scaler, wide  of energies: 0; true for 64 bits
    fault         one of FAULTS
    values        pinned: by logical name, null for no data; clock_ahead_s, drift_ppm, clock_status, output, mode

`number`, from which all values follow (dlms_values.py), is that in the serial's digits. Written from the sheet of DLMS.
"""

import random
import threading

from tools.rig.errors import RigError
from tools.rig.families.dlms_application import Application
from tools.rig.families.dlms_data import Malformed, Zone
from tools.rig.families.dlms_hdlc import Station
from tools.rig.families.dlms_objects import LOAD_COLUMNS, PROFILES, Objects, energy_octets
from tools.rig.families.dlms_relay import Relay
from tools.rig.families.dlms_security import Keys
from tools.rig.wire import Serial

FAULTS = (
    *("none", "mute", "late", "crc", "garbage", "short", "long", "twice", "trickle"),
    *("no_parameters", "restart", "wrong_meter", "endless", "wrong_block", "busy"),
    *("wrong_tag", "replay", "wrong_number", "stuck", "no_mode_e"),
)
PUBLIC = 16
SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200)  # by the letter of the identification
_SHIFT_S = 900


class DlmsMeter:
    """One meter. Frames and APDUs come from its line's thread, the control channel's calls from others."""

    FAULTS = FAULTS
    SPEAKS_TCP = True
    relay_command = None
    has_parity = False  # but while it is opened, and then what it says has it already
    speaks_s = 0

    def __init__(self, entry, world):
        self.world = world
        self.port = entry.get("port", "rs485")
        self.serial = str(entry.get("serial", "10000001"))
        self.number = int("".join(sign for sign in self.serial if sign.isdigit()) or "0")
        self.model = "DLMS"
        self.name = entry.get("name") or f"dlms_{self.serial}"
        self.fault = entry.get("fault", "none")
        if self.fault not in FAULTS:
            raise RigError(f"there is no fault {self.fault!r}")
        self.random = random.Random(self.serial)
        self.lock = threading.RLock()
        self._place(entry)
        self._secure(entry)
        self._keep(entry)
        self.sessions = self.associations = self.refused = self.wrong_passwords = 0
        self.apdus = self.gets = self.wrong_tags = self.replays = self.clocks_set = 0
        self.pins = {}
        self._objects = self._station = self._application = None
        self.pin(entry.get("values", {}))

    def _place(self, entry):
        self.logical = entry.get("logical", 1)
        self.address = entry.get("address", self.number % 10000 + 16)
        self.sizes = entry.get("sizes", (1, 2, 4))
        self.reply_size = entry.get("reply_size", 0)
        self.has_own_port, self.tcp_port = entry.get("each_port", False), entry.get("tcp_port", 0)
        self.host = None  # the network tells where it listens
        self.opens = entry.get("opens", False)
        self.confirms = entry.get("confirms", True)
        self.opens_with_parity = entry.get("parity", True)
        self.fastest = entry.get("baud", 9600)
        self.baud = 300 if self.opens else self.fastest
        self.line = Serial(self.baud)
        self.is_opening = self.opens  # nothing but `/?` is understood
        self.idle_at = 0.0  # when it waits for that again
        if self.opens and self.fastest not in SPEEDS:
            raise RigError(f"mode E ends in one of {SPEEDS}")
        self.delay_s = None if entry.get("delay_ms") is None else entry["delay_ms"] / 1000
        self.most_info, self.most_pdu = entry.get("most_info", 128), entry.get("most_pdu", 500)
        self.inactivity_s = entry.get("inactivity_s", 120)

    def _secure(self, entry):
        text = entry.get("password", "12345678")
        self.password = bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
        self._security = entry.get("security", 1)
        self._clients = {PUBLIC: 0, **{int(client): what for client, what in entry.get("clients", {}).items()}}
        self.is_ciphered = bool(entry.get("ciphering", 0))
        self.keys = Keys(
            bytes.fromhex(entry.get("key", "000102030405060708090A0B0C0D0E0F")),
            bytes.fromhex(entry.get("auth_key", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF")),
        )
        self.title = bytes.fromhex(entry["title"]) if "title" in entry else b"OSG" + self.number.to_bytes(5, "big")
        self.conformance = int(entry.get("conformance", "401E1D"), 16)
        self.challenge = None  # random ones
        self.counter = 100 + self.number % 1000  # of what the meter has sent
        self.client_counter = entry.get("client_counter", 0)  # the highest it has seen

    def _keep(self, entry):
        self.zone = Zone(entry.get("offset_min", 180), entry.get("deviation", "west"))
        self._ahead_s, self._ahead_since = entry.get("clock_ahead_s", 0), self.world.elapsed()
        self.drift_ppm = entry.get("drift_ppm", 0)
        self.clock_status = entry.get("clock_status", 0)
        self.days, self.profile_s = entry.get("days", 60), 60 * entry.get("profile_min", 15)
        self.columns = entry.get("columns", LOAD_COLUMNS)
        self.holes, self.cuts = entry.get("holes", []), entry.get("cuts", [])
        self.has_nulls = entry.get("nulls", False)
        self.profiles = entry.get("profiles", {})
        if set(self.profiles) - set(PROFILES):
            raise RigError(f"the profiles are {', '.join(PROFILES)}")
        self.scaler, self._is_wide = entry.get("scaler", 0), entry.get("wide", False)
        self.firmware = entry.get("firmware", "1.04")
        self.device_name = f"OSG{self.number:013d}".encode()[:16]
        self.relay = Relay(self)

    # What the objects ask.

    @property
    def objects(self):
        """Made when somebody asks: most of a thousand meters are silent at any time."""
        if self._objects is None:
            self._objects = Objects(self)
        return self._objects

    def now(self):
        """UTC as the meter's clock has it."""
        return self.world.unix() + self.clock_ahead_s

    @property
    def clock_ahead_s(self):
        return self._ahead_s + self.drift_ppm * (self.world.elapsed() - self._ahead_since) / 1e6

    def _put_clock_ahead(self, ahead_s):
        self._ahead_s, self._ahead_since = ahead_s, self.world.elapsed()

    def set_clock(self, utc):
        logs, adjusted = self.objects.logs, self.objects.periods.adjusted
        logs[0].note(4)
        self._put_clock_ahead(utc - self.world.unix())
        logs[0].note(5)
        adjusted.append(self.now())
        self.clocks_set += 1

    def shift_clock(self, seconds):
        """Method 6 of the clock."""
        if not isinstance(seconds, int) or abs(seconds) > _SHIFT_S:
            raise Malformed("shift")
        self.set_clock(self.now() + seconds)

    def energy(self, wh):
        return energy_octets(wh, self.scaler, self._is_wide)

    def mechanism(self, client):
        """Which one this client has to use."""
        return self._clients.get(client, self._security)

    def is_public(self, client):
        return client == PUBLIC and not self.mechanism(client)

    def next_counter(self):
        if self.fault != "replay":
            self.counter += 1
        return self.counter

    # The wire.

    @property
    def identification(self):
        return b"/OSG%d\\2DLMS\r\n" % SPEEDS.index(self.fastest)

    def opened(self, baud, at):
        """Mode E is through: HDLC from here on."""
        self.is_opening, self.baud = False, baud
        self.idle_at = at + self.inactivity_s
        self.sessions += 1

    def application(self, client):
        """What this client agrees on over a connection of its own."""
        return Application(self, client)

    @property
    def station(self):
        if self._station is None:
            self._station = Station(self.most_info, self.inactivity_s, self._answered, self._disconnected)
        return self._station

    def frame(self, frame, at):
        """The Frame that answers a client's, None for none."""
        with self.lock:
            reply = self.station.frame(frame, at, self.fault)
            self.idle_at = at + self.inactivity_s
            if self.opens and not self.station.is_open:
                self.rest()
        if reply is None:
            return None
        size = self.reply_size or (4 if reply.size == 2 and self.address > 0x7F else reply.size)
        other = self.fault == "wrong_meter"
        return reply._replace(logical=self.logical ^ (other and size == 1), physical=self.address ^ other, size=size)

    def _answered(self, client, apdu):
        if self._application is None or self._application.client != client:
            self._application = Application(self, client)
        return self._application.answer(apdu)

    def _disconnected(self):
        self._application = None

    def restart(self):
        """Back to where a power cut leaves it."""
        with self.lock:
            if self._station:
                self._station.close()
            self.rest()

    def rest(self):
        """Wait for the opening again."""
        self.is_opening, self.baud = self.opens, 300 if self.opens else self.fastest

    def look(self, at):
        """Somebody speaks on the line; without having been spoken to for a while the meter waits for the opening again."""
        if not self.is_opening and at > self.idle_at:
            self.restart()

    # What the control channel does.

    def pin(self, values):
        with self.lock:
            for name, value in values.items():
                if name == "clock_ahead_s":
                    self._put_clock_ahead(value)
                elif name == "drift_ppm":
                    self._put_clock_ahead(self.clock_ahead_s)
                    self.drift_ppm = value
                elif name == "clock_status":
                    self.clock_status = value
                elif name in ("output", "mode"):
                    self.relay.pin(name, value)
                elif name.count(".") == 5 and (value is None or isinstance(value, int)):
                    self.pins[name] = value
                else:
                    raise RigError(f"{self.name} has no value {name} that could be {value!r}")

    def present(self):
        with self.lock:
            counts = ("sessions", "associations", "refused", "wrong_passwords", "apdus", "gets", "wrong_tags", "replays")
            links = ("snrms", "dms", "repeats")
            return {
                **{name: getattr(self, name) for name in (*counts, "clocks_set", "client_counter", "counter", "host")},
                **{name: getattr(self._station, name, 0) for name in links},
                **{"clock_ahead_s": self.clock_ahead_s, "output": self.relay.output},
                **{"control": self.relay.state, "mode": self.relay.mode},
            }

    def advance(self):
        pass
