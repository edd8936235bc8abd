"""Whether something has the structure of a private key that is not encrypted; the numbers in it are not looked at.

Source: RFC 5958, 2 (PKCS#8: version, algorithm, octets); RFC 8017, A.1.2 (PKCS#1: version and eight numbers); RFC 5915, 3
(SEC 1: version, octets).
"""

from lib.x509.der import INTEGER, OCTET_STRING, SEQUENCE, element, take, whole


def check(der):
    """Return nothing for a private key in DER (bytes or a view); raise ValueError with one sentence for anything else."""
    at, end = whole(der)
    at = take(der, at, end, INTEGER)[1]
    tag, _, at = element(der, at, end)
    if tag != SEQUENCE and tag != INTEGER and tag != OCTET_STRING:
        raise ValueError("the content is damaged: a field is not what it should be")
    while at < end:
        at = element(der, at, end)[2]
