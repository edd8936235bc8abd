"""Two browsers with live pages open while three meters are read without a pause, 32 bit, 112 KB of heap."""

import http.client
import threading
import time

from host_tests.bench.gauge import Gauge
from host_tests.bench.polling import statistics, until
from host_tests.bench.table import Table, kilobytes, percent, times
from host_tests.bench.timing import median
from host_tests.browser.chromium import DESKTOP, PHONE, Visitor, chromium
from host_tests.rig import Rig
from tools import web

_METERS = {"ir_left": (33,), "rs485": (35, 36)}  # of the rig's default field
_ROUNDS = 5
_WINDOW_S = 10
_SETTLE_S = 2  # what opening a page costs is over
_CALM_S = 125  # after that the loop lag, the highest of one to two minutes, is that of the requests alone
_OWN_S = 60  # the lag that the gateway tells is that of these seconds at least
_PAGES = (("/api/live?slot=lir&group=measurements", 2), ("/api/status", 3))  # what the two pages ask, and how often, s
_ASSETS = 120 * 1024
_FIRST_LOAD = ("/", "/style.css", "/app.js", "/text/en.json", "/pages/status.js")


def tables():
    alone, watched = [], []
    with Rig(bits=32, settings={"poll_ms": 0}) as rig, chromium() as browser:
        until(rig, lambda: rig.get_json("/get_command?command=get_status")["measurement_device_count"] == 3)
        used_alone = rig.control("heap")["used"]
        with Visitor(browser, rig, PHONE) as phone, Visitor(browser, rig, DESKTOP) as desktop:
            for _ in range(_ROUNDS):  # in turns: what else the machine does then meets both
                for visitor in (phone, desktop):
                    visitor.page.goto("about:blank")
                alone.append(_rate(rig, phone))
                phone.open("#/measurements/lir")
                desktop.open("#/status")
                watched.append(_rate(rig, phone))
            before = len(phone.requests) + len(desktop.requests)
            _pause(phone, _WINDOW_S)
            asked = len(phone.requests) + len(desktop.requests) - before
            used = rig.control("heap")["used"]
        browser.close()
        lag_us, own_ms = _calm_lag(rig)
        errors = rig.log().count("MemoryError")
    table = Table(__doc__.strip(), "exchanges a second", "of those alone", "budget")
    table.add("nobody looks", f"{median(alone):.2f}", times(1))
    table.add("a phone and a desktop look", f"{median(watched):.2f}", times(median(watched) / median(alone)), "0.95 x")
    table.note(f"the pages asked {asked / _WINDOW_S:.1f} times a second; memory errors: {errors}")
    table.note(f"heap in use without them {kilobytes(used_alone)}, with them {kilobytes(used)}")
    table.note(f"loop lag with the same requests but no browser on the machine: at most {lag_us / 1000:.1f} ms (budget 10 ms),")
    table.note(f"the bench's own lag meanwhile {own_ms:.1f} ms")
    yield table

    sizes = {path: len(content) for path, _, _, content in web.packed()}
    table = Table("The pages, compressed", "size", "of budget", "budget")
    table.add("in all", kilobytes(sum(sizes.values())), percent(sum(sizes.values()) / _ASSETS), kilobytes(_ASSETS))
    first = sum(sizes[path] for path in _FIRST_LOAD)
    table.add("first load of the status page, without its data", kilobytes(first), percent(first / 60000), kilobytes(60000))
    yield table


def _calm_lag(rig):
    """(highest loop lag in us, the bench's own in ms) while two programs ask what the two pages ask."""
    address = rig.ready["http"].removeprefix("http://")
    over = threading.Event()

    def look(path, period_s):
        connection = http.client.HTTPConnection(address, timeout=30)
        while not over.wait(period_s):
            connection.request("GET", path)
            connection.getresponse().read()
        connection.close()

    lookers = [threading.Thread(target=look, args=page) for page in _PAGES]
    for looker in lookers:
        looker.start()
    time.sleep(_CALM_S - _OWN_S)
    with Gauge() as gauge:
        time.sleep(_OWN_S)
    over.set()
    for looker in lookers:
        looker.join()
    return rig.get_json("/api/health")["loop_lag_us"], gauge.worst_ms


def _pause(visitor, seconds):
    """Wait, and let the browser's messages in meanwhile."""
    visitor.page.wait_for_timeout(1000 * seconds)


def _rate(rig, visitor):
    """Exchanges with meters a second."""
    _pause(visitor, _SETTLE_S)
    before, began = _answered(rig), time.monotonic()
    _pause(visitor, _WINDOW_S)
    return (_answered(rig) - before) / (time.monotonic() - began)


def _answered(rig):
    told = statistics(rig)
    return sum(told[f"{port}_{unit}_answered"] for port, units in _METERS.items() for unit in units)
