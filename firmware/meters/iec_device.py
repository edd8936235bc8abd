"""A slot with a meter of the protocols of IEC: 62056-21, DLMS."""

from firmware.meters import iec_codes as codes
from firmware.state.readings import NOT_DETECTED, Device


class IecDevice(Device):
    """What all have in common is the class's: 32 of them have to fit."""

    is_sparse = is_swapped = True
    is_switch = False
    relay = 255
    switch = None
    software = tariff = 0
    hardware = description = location = ""
    phases_of, quadrants, tariffs = codes.PHASES, codes.QUADRANTS, codes.TARIFFS
    non_resettable = codes.NON_RESETTABLE
    resettable = len(codes.COUNTERS) - codes.NON_RESETTABLE

    def __init__(self, slot, port, address, name):
        self.slot = slot
        self.port = port
        self.address = address
        self.status = NOT_DETECTED
        self.model = ""
        self.serial = ""
        self.phases = 0
        self.groups = {}
        if name:
            self.description = name

    async def interval(self, name):
        """These meters have no values of the last interval beside the demand."""
        return None
