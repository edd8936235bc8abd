"""Which addresses something is open to: a text of IPv4 addresses and networks, "192.168.1.20, 10.0.0.0/8"; empty for none."""

from firmware.state.schema import ip_number


def allows(text, address):
    """Return whether an address, as text, is among these."""
    number = ip_number(address)
    if number is None:
        return False
    for first, mask in _networks(text):
        if number & mask == first:
            return True
    return False


def check(text):
    """Raise ValueError with a sentence for the person who typed it."""
    for first, mask in _networks(text):
        if first & ~mask:
            raise ValueError("the first address of a network before its / is expected")


def _networks(text):
    """Yield (first address, mask) of each."""
    for part in text.replace(",", " ").split():
        address, slash, bits = part.partition("/")
        number = ip_number(address)
        if number is None or slash and not (bits.isdigit() and len(bits) < 3 and int(bits) <= 32):
            raise ValueError("addresses such as 192.168.1.20 or 192.168.1.0/24 are expected")
        yield number, 0xFFFFFFFF << 32 - int(bits or 32) & 0xFFFFFFFF
