"""Every address of the gateway's web server: who may ask it, and which function answers. Part of the composition root.

The functions lie in modules that are in RAM only while they are used: loaded for the first request, dropped when nobody has
asked for a while. Frozen code itself needs no RAM, but its functions and classes do, and the heap is small.

While a phone may bring a network over the gateway's own access point, firmware/services/provisioning_ap.py has addresses, too.
"""

import gc
import sys
from time import ticks_diff, ticks_ms

from micropython import const

import board

# method, path (/api/x/ stands for all below it), level (firmware/services/login.py), module of firmware/services, function.
# firmware/services, function.
# As text the table is smallest in flash. A function is `async def f(gateway, request, response)`; where the method is
# not GET, a function under /api is handed the parsed JSON body as fourth argument; not where a row ends in "raw".
ROUTES = """
GET /get_command read rest get
POST /post_command write relays post_command
GET /api read iskra_api get
GET /api/devices read iskra_api get_devices
GET /api/measurement/ read iskra_api get_measurement
GET /api/counter/ read iskra_api get_counter
GET /api/status read status get
GET /api/live read live get
GET /api/iec_meters user iec_meters get
POST /api/iec_meters write iec_meters post
POST /api/iec_meters/ write iec_meters post
DELETE /api/iec_meters/ write iec_meters delete
GET /api/iec_readout/ user iec_meters get_readout
GET /api/dlms_meters user dlms_meters get
GET /api/dlms_meters_summary user dlms_meters get_summary
GET /api/dlms_meters.csv user dlms_meters get_csv
GET /api/dlms_meters/ user dlms_meters get_one
POST /api/dlms_meters write dlms_meters post
POST /api/dlms_meters/ write dlms_meters post
DELETE /api/dlms_meters clear dlms_meters delete_all
DELETE /api/dlms_meters/ write dlms_meters delete
GET /api/dlms_meters/N/relay user dlms_orders get_relay
POST /api/dlms_meters/N/relay write dlms_orders post_relay
GET /api/dlms_meters/N/clock user dlms_orders get_clock
POST /api/dlms_meters/N/clock write dlms_orders post_clock
POST /api/dlms_meters/N/read write dlms_orders post_read
POST /api/dlms_meters/N/round write dlms_orders post_round
GET /api/dlms_meters/N/object write dlms_orders get_object
GET /api/dlms_events/ read dlms_archive get_events
GET /api/archive read dlms_archive get
GET /api/archive.csv read dlms_archive get_csv
GET /api/archive/ read dlms_archive get_one
GET /api/dlms_batch user dlms_batch get
POST /api/dlms_batch write dlms_batch post raw
GET /api/dlms_server user dlms_server_access get
POST /api/dlms_server write dlms_server_access post
GET /api/history read history get
GET /api/history.csv export history get_csv
GET /api/profile read profile get
GET /api/profile/ read profile get_one
DELETE /api/profile/ clear profile delete
GET /api/meter_events/ read profile get_events
GET /api/demand read demand get
GET /api/relays read relays get
POST /api/relay/ write relays post
GET /api/links read links get
POST /api/links/test write links test
GET /api/events read diagnosis get_events
GET /api/health read diagnosis get_health
GET /api/frames user diagnosis get_frames
GET /api/settings user settings get
PATCH /api/settings write settings patch
POST /api/settings/export backup settings_file export
POST /api/settings/import write settings_file take
GET /api/modbus_access user modbus_access get
POST /api/modbus_access write modbus_access post
GET /api/tunnel user tunnel_access get
POST /api/tunnel write tunnel_access post
POST /api/restart write status restart
POST /api/factory_reset clear status factory_reset
GET /api/certificates user certificates get
POST /api/certificates write certificates post
DELETE /api/certificates/ write certificates delete
GET /api/upgrade read upgrade get
POST /api/upgrade update upgrade post
DELETE /api/upgrade update upgrade cancel
POST /api/upgrade/check update upgrade check
POST /api/upgrade/image update upgrade_upload post raw
POST /api/login public session log_in
POST /api/logout public session log_out
POST /api/password own session change_password
GET /api/users users users get
POST /api/users users users post
DELETE /api/users/ users users delete
GET /api/roles roles users get_roles
POST /api/roles roles users post_role
DELETE /api/roles/ roles users delete_role
POST /api/clock clock clock_set post
"""
_LEVEL = const(2)
_MODULE = const(3)
_FUNCTION = const(4)
_RAW = const(5)
_API = const(5)  # behind "/api/"
_PARTS = const(5)  # of /api/x/N/y between strokes, and which of them is N
_NUMBER = const(3)
_PAGES = const(("GET", "/", "public", "pages", "get"))
_KEEP_MS = const(10000)  # a module stays for so long after its last use
_MOMENT_MS = const(1000)
_OF_LOGIN = const(("firmware.services.login", "firmware.state.accounts"))
_SHORT_BYTES = const(12288)  # free, below which it does not


def _route(method, path):
    """Return the row of a method and path as a list of words, None if there is none."""
    at = ROUTES.find("\n" + method + " " + path + " ") if path and " " not in path else -1
    return ROUTES[at + 1 : ROUTES.find("\n", at + 1)].split(" ") if at >= 0 else None


class Router:
    """Finds the handler of a request, loads what it needs, and sees that it may be served."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._loaded = []  # [name, ticks of its last use, names of the modules that came in with it]
        self._running = []  # names of modules that answer requests now

    def find(self, method, path):
        """Return the handler for a method and path, None if there is none: see lib/http/server.py."""
        route = _route(method, path)
        if "dlms" in board.PROTOCOLS and not route:
            parts = path.split("/")
            route = len(parts) == _PARTS and _route(method, "/".join(parts[:_NUMBER] + ["N"] + parts[_NUMBER + 1 :]))
        route = route or _route(method, path[: path.find("/", _API) + 1])
        if route:
            return lambda request, response: self._serve(route, request, response)
        if method == "GET" and self.module("firmware.services.pages").exists(path):
            return lambda request, response: self._serve(_PAGES, request, response)
        phones = self._gateway.phones
        return phones and phones.find(method, path)

    def module(self, name):
        """Return a module that may be dropped when nobody has used it for a while."""
        for bundle in self._loaded:
            if bundle[0] == name:
                bundle[1] = ticks_ms()
                break
        if name in sys.modules:
            return sys.modules[name]
        gc.collect()  # so that what comes does not lie above what is about to go: that would cut up the heap
        try:
            return self._import(name)
        except MemoryError:  # others may go at once
            self.make_room()
            return self._import(name)

    def _import(self, name):
        before = set(sys.modules)
        try:
            __import__(name)
        finally:  # what came in before an import failed, too
            self._loaded.append([name, ticks_ms(), [other for other in sys.modules if other not in before]])
        return sys.modules[name]

    def tick(self):
        """Drop what was not used lately; to be called every second or so."""
        self.make_room(_KEEP_MS if gc.mem_free() > _SHORT_BYTES else _MOMENT_MS)

    def make_room(self, keep_ms=0):
        """Drop what was not used for so long, but what answers a request: that may take minutes, and others come meanwhile."""
        now = ticks_ms()
        old = [bundle for bundle in self._loaded if ticks_diff(now, bundle[1]) >= keep_ms and bundle[0] not in self._running]
        for bundle in old:
            self._drop(bundle)
        if old:
            gc.collect()

    def _forget_login(self):
        """Who asks is known: what found that out may go before the rest comes."""
        if "roles" in board.PARTS and len(self._running) == 1:  # nobody else is about to change them
            self._gateway.logins.roles = None
        for bundle in list(self._loaded):
            if bundle[0] in _OF_LOGIN or "roles" in board.PARTS and bundle[0] == "firmware.state.roles":
                self._drop(bundle)

    def _drop(self, bundle):
        self._loaded.remove(bundle)
        for name in bundle[2]:
            package, _, leaf = name.rpartition(".")
            sys.modules.pop(name, None)
            if package in sys.modules and hasattr(sys.modules[package], leaf):
                delattr(sys.modules[package], leaf)

    async def _serve(self, route, request, response):
        name = "firmware.services." + route[_MODULE]
        self._running.append(name)
        try:
            level = route[_LEVEL]
            if request.method not in ("GET", "HEAD") or not (
                level == "public" or level in "read export" and not self._gateway.settings.get("read_login")
            ):  # all but what is open to everybody and changes nothing
                await self._gateway.login.check(request, level)
                if gc.mem_free() < _SHORT_BYTES:
                    self._forget_login()
            function = getattr(self.module(name), route[_FUNCTION])
            if request.method in ("GET", "HEAD") or len(route) > _RAW or not request.path.startswith("/api/"):
                await function(self._gateway, request, response)
            else:
                await function(self._gateway, request, response, await self.module("lib.http.json_body").read(request))
            if "roles" in board.PARTS and level != "public" and request.method not in ("GET", "HEAD") and response.status < 400:
                self._gateway.events.add("login", f"{request.user}: {request.method} {request.path}")
        finally:
            self._running.remove(name)
