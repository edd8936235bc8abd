"""What Home Assistant is told of a device while it runs: the message on the topic state/<place>, or state of the gateway.

It is the flat form of firmware/services/payload_flat.py, whatever form the link's other messages have.
"""

from firmware.services import payload, payload_flat


def render(gateway, device):
    """Return render(out) of what is known of a device now; None for the gateway itself."""
    if device is None:
        return payload_flat.gateway_state(gateway)
    if device.is_switch:
        return payload_flat.relay(device, gateway.clock)
    readings = [payload.live(device, kind, gateway.clock) for kind in ("measurements", "counters")]
    more = []
    bus = gateway.field.buses.get(device.port)
    unit = bus and bus.units.get(device.address)
    if unit:
        more.append(("errors", unit.silent + unit.damaged))
    return lambda out: payload_flat.flat(out, readings, more)
