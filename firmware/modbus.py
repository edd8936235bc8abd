"""Starts Modbus TCP as the settings say; tells which units are two things at once. Part of the composition root.

In RAM at the start and after changes only.
"""

from firmware.services.modbus_tcp import ModbusTcp
from firmware.state.modbus_units import collisions


def start(gateway):
    """Start the servers, in `gateway.modbus`; return the ports of the plain one and the one with TLS, None for what is off."""
    settings, platform = gateway.settings, gateway.platform
    plain = secure = None
    if settings.get("tcp_modbus_en"):
        plain = _start(gateway, settings.get("tcp_port") if platform.modbus_port is None else platform.modbus_port, False)
    if settings.get("modbus_tls_en"):
        secure = _start(gateway, settings.get("modbus_tls_port") if platform.modbus_port is None else 0, True)
    tell_collisions(gateway)
    return plain, secure


def _start(gateway, port, is_tls):
    server = ModbusTcp(gateway, is_tls)
    try:
        server.listen(port)
    except (OSError, ValueError, MemoryError) as error:
        server.port = port  # the task tries again
        gateway.events.add("modbus", f"port {port}: {error}")
    gateway.modbus.append(server)
    gateway.supervisor.start(server.name, server.run)
    return server.port


def tell_collisions(gateway):
    """Leave an event for each device that nobody can reach by Modbus TCP."""
    for text in collisions(gateway.settings):
        gateway.events.add("modbus", text)
