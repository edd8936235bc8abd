"""What the list of DLMS meters has of one of them: its line, read."""


class Plan:
    """One meter's line as attributes: `id`, and as FIELDS of dlms_fields.py are named."""

    def __init__(self, line):
        """line: with the id in front of it. ValueError: it is not in order."""
        number, self.serial, self.name, port, self.host, logical, physical, size, client, security, *values = line.split("|")
        ciphering, self.password, self.key, self.auth_key, self.type, self.tariff, opens, clock, *values = values
        relay, shown, active, sequence = values
        self.id, self.port, self.logical, self.physical = int(number), int(port), int(logical), int(physical)
        self.address_size, self.client, self.security, self.ciphering = int(size), int(client), int(security), int(ciphering)
        self.opens, self.clock, self.relay, self.shown = int(opens), int(clock), int(relay), int(shown)
        self.active, self.sequence = int(active), int(sequence)

    @property
    def place(self):
        """Where on the wires the meter is: no two may have the same."""
        return f"{self.port}|{self.host.lower()}|{self.logical}|{self.physical}"
