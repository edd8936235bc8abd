"""Columns of a profile, packed: with some dozen of them, as meters have, tuples would take kilobytes."""

from struct import pack, pack_into, unpack_from

from micropython import const

NO_UNIT = const(255)
MOST_CLASS = const(0xFFFF)  # and index
_COLUMN = const("<H6sbHbB")
_SIZE = const(13)
_SCALER = const("<bB")
_SCALER_AT = const(11)


class Columns:
    """As a list of (class, logical name of 6 bytes, attribute, index, exponent, unit code), each made when it is asked for."""

    def __init__(self):
        self._octets = bytearray()

    def append(self, class_id, ln, attribute, index=0, exponent=0, unit=NO_UNIT):
        self._octets.extend(pack(_COLUMN, class_id, ln, attribute, index, exponent, unit))

    def tell(self, place, exponent, unit):
        """Say what exponent and unit a column has."""
        pack_into(_SCALER, self._octets, _SIZE * place + _SCALER_AT, exponent, unit)

    def __len__(self):
        return len(self._octets) // _SIZE

    def __iter__(self):
        for place in range(len(self)):
            yield self[place]

    def __getitem__(self, place):
        if not 0 <= place < len(self):
            raise IndexError
        return unpack_from(_COLUMN, self._octets, _SIZE * place)
