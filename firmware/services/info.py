"""What the gateway says of itself: the items of get_status and get_statistics (device sheet, 6.6)."""

from firmware.state.readings import PRESENT, SILENT, TEMPERATURE
from firmware.version import FILES_VERSION, VERSION


def status(gateway):
    """Yield (key, value) pairs; values are text or integers."""
    platform, settings, clock = gateway.platform, gateway.settings, gateway.clock
    network = platform.network
    devices = gateway.readings.devices
    yield "description", settings.get("description")
    yield "location", settings.get("location")
    yield "serial_number", gateway.identity.serial
    yield "model_type", platform.model
    yield "hw_ver", ord(platform.hardware)
    yield "connection_mode", network.mode
    if network.mode == "WiFi":
        yield "ssid", network.ssid
        yield "wifi_rssi", network.rssi
    elif network.mode == "Modem":
        yield "operator", network.ssid
        yield "modem_rssi", network.rssi
    yield "ip_address", network.address
    yield "mac_address", ":".join(["%02X" % byte for byte in platform.mac])
    yield "sw_version", VERSION
    yield "fs_ver", FILES_VERSION
    yield "local_time", clock.local_text()
    yield "timestamp", clock.utc()
    yield "time_set", clock.is_set
    yield "uptime", uptime_text(clock.uptime_s())
    yield "app_status", "Upgrading" if gateway.upgrade.is_busy else "Safe mode" if gateway.is_safe else "Normal"
    yield "upgrade_status", gateway.upgrade.sentence or "OK"
    yield "flash_size", platform.flash_mb
    for number in (1, 2):
        yield f"mqtt{number}_state", gateway.push.links[number - 1].state if gateway.push else "Disabled"
    yield "bicom_device_count", len([device for device in devices if device.is_switch and device.status == PRESENT])
    yield "measurement_device_count", len([d for d in devices if not d.is_switch and d.status in (PRESENT, SILENT)])
    yield "dig_count", gateway.inputs.counter.total
    yield "pt1000_temp", _temperature_text(gateway)
    yield "pt1000_fault", gateway.inputs.fault
    yield "reset_cause", gateway.health.reset_cause
    yield "heap", gateway.health.heap_free()
    yield "heap_min", gateway.health.heap_min
    yield "loop_lag_us", gateway.health.lag_us


def health(gateway):
    """Yield (key, value) pairs: uptime, memory, the loop, the tasks."""
    yield "uptime_s", gateway.clock.uptime_s()
    yield "reset_cause", gateway.health.reset_cause
    yield "heap_free", gateway.health.heap_free()
    yield "heap_min", gateway.health.heap_min
    yield "loop_lag_us", gateway.health.lag_us
    yield "crashes", gateway.supervisor.crashes


def unit(unit):
    """Yield (key, value) pairs: what the master of a wire knows of one unit."""
    yield "asked", unit.asked
    yield "answered", unit.answered
    yield "refused", unit.refused
    yield "silent", unit.silent
    yield "damaged", unit.damaged
    yield "latency_ms", unit.latency_ms
    yield "last_error", unit.last_error


def modbus(server):
    """Yield (key, value) pairs: requests answered, clients connected, clients turned away, of a Modbus TCP server."""
    yield "requests", server.served
    yield "open", len(server.sessions)
    yield "refused", server.refused


def statistics(gateway):
    """Yield (key, value) pairs: the wires, their units, the server."""
    yield "uptime", uptime_text(gateway.clock.uptime_s())
    yield "heap", gateway.health.heap_free()
    yield "loop_lag_us", gateway.health.lag_us
    yield "http_requests", gateway.server.requests
    yield "http_open", gateway.server.open
    yield "http_refused", gateway.server.refused
    for server in gateway.modbus:
        for key, value in modbus(server):
            yield server.name + "_" + key, value
    if gateway.field.slave:
        yield "slave_frames", gateway.field.slave.frames
        yield "slave_damaged", gateway.field.slave.damaged
    for name, bus in list(gateway.field.buses.items()):
        yield name + "_frames", bus.frames
        yield name + "_noise_bytes", bus.noise
        for one in list(bus.units.values()):
            for key, value in unit(one):
                yield f"{name}_{one.unit_id}_{key}", value
    for name, reader in list(gateway.field.readers.items()):
        for key in ("asked", "answered", "damaged", "silent", "busy_ms"):
            yield name + "_" + key, getattr(reader, key)


def _temperature_text(gateway):
    group = gateway.inputs.group
    if not group.has(TEMPERATURE):
        return "N/A"
    tenths = (abs(group.mantissa[TEMPERATURE]) + 5) // 10
    sign = "-" if group.mantissa[TEMPERATURE] < 0 and tenths else ""
    return f"{sign}{tenths // 10}.{tenths % 10}"


def uptime_text(seconds):
    """Return seconds as "0d 07:13:59"."""
    minutes = seconds // 60
    return f"{minutes // 1440}d {minutes // 60 % 24:02d}:{minutes % 60:02d}:{seconds % 60:02d}"
