"""What the gateway says of itself: the items of get_status and get_statistics (device sheet, 6.6)."""

from firmware.state.readings import PRESENT, SILENT, TEMPERATURE
from firmware.version import FILES_VERSION, VERSION


class Info:
    """Reads all of state; `platform` gives model, hardware, mac, network and flash size, `buses` are the wires by name."""

    def __init__(self, platform, identity, settings, readings, clock, health, inputs, buses, server):
        self._platform = platform
        self._identity = identity
        self._settings = settings
        self._readings = readings
        self._clock = clock
        self._health = health
        self._inputs = inputs
        self._buses = buses
        self._server = server

    def reset_pulses(self):
        self._inputs.reset_pulses()

    def status(self):
        """Yield (key, value) pairs; values are text or integers."""
        platform, settings, clock = self._platform, self._settings, self._clock
        network = platform.network
        devices = self._readings.devices
        yield "description", settings.get("description")
        yield "location", settings.get("location")
        yield "serial_number", self._identity.serial
        yield "model_type", platform.model
        yield "hw_ver", ord(platform.hardware)
        yield "connection_mode", network.mode
        if network.mode == "WiFi":
            yield "ssid", network.ssid
            yield "wifi_rssi", network.rssi
        yield "ip_address", network.address
        yield "mac_address", ":".join(["%02X" % byte for byte in platform.mac])
        yield "sw_version", VERSION
        yield "fs_ver", FILES_VERSION
        yield "local_time", clock.local_text()
        yield "timestamp", clock.utc()
        yield "time_set", clock.is_set
        yield "uptime", uptime_text(clock.uptime_s())
        yield "app_status", "Normal"
        yield "upgrade_status", "OK"
        yield "flash_size", platform.flash_bytes >> 20
        yield "mqtt1_state", "Disabled"
        yield "mqtt2_state", "Disabled"
        yield "bicom_device_count", len([device for device in devices if device.is_switch and device.status == PRESENT])
        yield "measurement_device_count", len([d for d in devices if not d.is_switch and d.status in (PRESENT, SILENT)])
        yield "dig_count", self._inputs.counter.total
        yield "pt1000_temp", self._temperature_text()
        yield "pt1000_fault", self._inputs.fault
        yield "reset_cause", self._health.reset_cause
        yield "heap", self._health.heap_free()
        yield "heap_min", self._health.heap_min
        yield "loop_lag_us", self._health.lag_us

    def statistics(self):
        """Yield (key, value) pairs: the wires, their units, the server."""
        yield "uptime", uptime_text(self._clock.uptime_s())
        yield "heap", self._health.heap_free()
        yield "loop_lag_us", self._health.lag_us
        yield "http_requests", self._server.requests
        yield "http_open", self._server.open
        yield "http_refused", self._server.refused
        for name, bus in self._buses.items():
            yield name + "_frames", bus.frames
            yield name + "_noise_bytes", bus.noise
            for unit in list(bus.units.values()):
                start = f"{name}_{unit.unit_id}_"
                yield start + "asked", unit.asked
                yield start + "answered", unit.answered
                yield start + "refused", unit.refused
                yield start + "silent", unit.silent
                yield start + "damaged", unit.damaged
                yield start + "latency_ms", unit.latency_ms
                yield start + "last_error", unit.last_error

    def _temperature_text(self):
        group = self._inputs.group
        if not group.has(TEMPERATURE):
            return "N/A"
        tenths = (abs(group.mantissa[TEMPERATURE]) + 5) // 10
        sign = "-" if group.mantissa[TEMPERATURE] < 0 and tenths else ""
        return f"{sign}{tenths // 10}.{tenths % 10}"


def uptime_text(seconds):
    """Return seconds as "0d 07:13:59"."""
    minutes = seconds // 60
    return f"{minutes // 1440}d {minutes // 60 % 24:02d}:{minutes % 60:02d}:{seconds % 60:02d}"
