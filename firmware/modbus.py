"""Starts Modbus TCP as the settings say; tells which units are two things at once. Part of the composition root.

In RAM at the start and after changes only.
"""

from firmware.services.modbus_tcp import ModbusTcp
from firmware.state.modbus_units import collisions


def start(gateway):
    """Start the servers, in `gateway.modbus`; return the port of the plain one, None if it is off."""
    settings, platform = gateway.settings, gateway.platform
    if settings.get("tcp_modbus_en"):
        _start(gateway, settings.get("tcp_port") if platform.modbus_port is None else platform.modbus_port, False)
    if settings.get("modbus_tls_en"):
        _start(gateway, settings.get("modbus_tls_port") if platform.modbus_port is None else 0, True)
    tell_collisions(gateway)
    return gateway.modbus[0].port if settings.get("tcp_modbus_en") else None


def _start(gateway, port, is_tls):
    server = ModbusTcp(gateway, is_tls)
    try:
        server.listen(port)
    except (OSError, ValueError) as error:
        server.port = port  # the task tries again
        gateway.events.add("modbus", f"port {port}: {error}")
    gateway.modbus.append(server)
    gateway.supervisor.start("modbus tls" if is_tls else "modbus tcp", server.run)


def tell_collisions(gateway):
    """Leave an event for each device that nobody can reach by Modbus TCP."""
    for text in collisions(gateway.settings):
        gateway.events.add("modbus", text)
