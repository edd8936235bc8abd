"""What the lights of a central server's terminal tell in operation, as its board has it: the server, and the ports' meters."""

from firmware.state.readings import PRESENT


def lights(gateway, rows):
    """Return the pattern of each colour. `rows`: of each, texts of a condition and the pattern; the first that holds counts.

    Conditions: `server`, a link is connected; the name of a port, a device there does not answer; `any`.
    """
    true = {"any"}
    if gateway.push and "Connected" in [link.state for link in gateway.push.links]:
        true.add("server")
    for device in gateway.readings.devices:
        if device.status != PRESENT and device not in gateway.readings.untried:
            true.add(device.port)
    return [next(pattern for condition, pattern in [row.split(" ") for row in colour] if condition in true) for colour in rows]
