"""How to associate with a meter: makes an Access (lib/dlms/access.py) of its plan."""

from binascii import unhexlify

from micropython import const

from lib.dlms.access import Access

_LLS = const(1)
_HLS_AES = const(2)
_SECRET = const(16)  # octets of the secret of HLS 2, padded with zeros
_FORMS = const(("", "glo", "general"))
PUBLIC = const(16)
TITLE = const(b"OSG")  # what our own system title begins with


def title_of(mac):
    """Return the client's system title, 8 octets, of a network address."""
    return TITLE + bytes(mac)[-5:]


def access_of(plan, kept):
    """Return the Access of a plan. ValueError: a key or a password that is none."""
    secret = unhexlify(plan.password[2:]) if plan.password[:2] == "0x" else plan.password.encode()
    if plan.security == _HLS_AES:
        secret = secret + bytes(max(0, _SECRET - len(secret)))
    return Access(
        mechanism=plan.security,
        secret=secret,
        title=kept.title,
        ek=unhexlify(plan.key),
        ak=unhexlify(plan.auth_key),
        ciphering=_FORMS[plan.ciphering],
        random=kept.random,
        next_counter=lambda: kept.meters.next_counter(plan.id),
    )


class PublicPlan:
    """A plan of the public client of the same meter: no authentication."""

    client = PUBLIC

    def __init__(self, plan):
        self.id, self.serial, self.port, self.host, self.opens = plan.id, plan.serial, plan.port, plan.host, plan.opens
        self.logical, self.physical, self.address_size = plan.logical, plan.physical, plan.address_size
