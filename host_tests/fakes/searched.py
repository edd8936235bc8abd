"""A gateway as those see it who answer searches in the network: names, addresses, settings, no more."""

EXAMPLE = {"description": "Description", "location": "Location", "sg_modbus_addr": 34, "tcp_modbus_en": 1}


class Thing:
    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


class Events:
    def __init__(self):
        self.texts = []

    def add(self, kind, text):
        assert kind == "network"
        self.texts.append(text)


class Router:
    """Loads modules as the gateway's does, and counts."""

    def __init__(self):
        self.loaded = []

    def module(self, name):
        self.loaded.append(name)
        module = __import__(name)
        for part in name.split(".")[1:]:
            module = getattr(module, part)
        return module


def searched(address="192.168.1.209", netmask="255.255.255.0", model="SG-W1", ssid="Urbancic", mode="WiFi", **settings):
    """The gateway of the manual's status page (device sheet, section 14)."""
    network = Thing(mode=mode, ssid=ssid, address=address, netmask=netmask)
    mac = b"\xc4\x4f\x33\x1b\x9d\x3d"
    return Thing(
        platform=Thing(model=model, hardware="A", mac=mac, network=network, discovery_port=0, netbios_port=0),
        settings=dict(EXAMPLE, **settings),
        identity=Thing(serial="SG000017"),
        modbus=[Thing(port=10001, wrap=None)],
        events=Events(),
        router=Router(),
    )
