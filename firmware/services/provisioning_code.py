"""What a QR code for the phones' provisioning program says. It holds the secret: for a label or a console, for nobody else."""

import board


def name(mac):
    """Return the name under which phones find the gateway."""
    return "PROV_%02X%02X%02X" % (mac[3], mac[4], mac[5])


def text(gateway):
    """Return the code's JSON, as the apps of ESP-IDF's unified provisioning read it."""
    identity, settings = gateway.identity, gateway.settings
    return '{"ver":"v1","name":"%s","pop":"%s","transport":"%s","security":"%d"}' % (
        name(identity.mac),
        identity.pop,
        'softap","password":"' + identity.pop if settings.get("wifi_ap_enabled") else "ble",
        "phones" in board.PARTS and settings.get("prov_security"),
    )
