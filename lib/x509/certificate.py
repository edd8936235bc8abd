"""What a person wants to know of a certificate, and whether its structure is whole. Signatures are not checked here.

Source: RFC 5280, 4.1: Certificate = SEQUENCE { tbsCertificate, signatureAlgorithm, signature }, tbsCertificate = SEQUENCE
{ [0] version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, [1], [2], [3] extensions }.
"""

from micropython import const

from lib.x509 import date, name
from lib.x509.der import BIT_STRING, INTEGER, SEQUENCE, element, take, whole

_VERSION = const(0xA0)  # [0], constructed


class Certificate:
    """`subject` and `issuer`: text as "CN=Test CA, O=Example", at most 100 characters, "" if empty.

    `not_before` and `not_after`: "YYYY-MM-DD HH:MM:SS" in UTC, both inclusive.
    """

    def __init__(self, der):
        """Read from bytes or a view, of which nothing is kept. Raises ValueError with a sentence for what is no certificate."""
        at, end = whole(der)
        at, stop = take(der, at, end, SEQUENCE)
        behind = take(der, stop, end, SEQUENCE)[1]
        if take(der, behind, end, BIT_STRING)[1] != end:
            raise ValueError("the content is damaged: more follows its signature")
        tag, _, behind = element(der, at, stop)
        if tag == _VERSION:
            at = behind
        at = take(der, at, stop, INTEGER)[1]
        at = take(der, at, stop, SEQUENCE)[1]
        start, at = take(der, at, stop, SEQUENCE)
        self.issuer = name.text(der, start, at)
        start, at = take(der, at, stop, SEQUENCE)
        tag, start, behind = element(der, start, at)
        self.not_before = date.text(der, tag, start, behind)
        tag, start, behind = element(der, behind, at)
        self.not_after = date.text(der, tag, start, behind)
        start, at = take(der, at, stop, SEQUENCE)
        self.subject = name.text(der, start, at)
        at = take(der, at, stop, SEQUENCE)[1]
        while at < stop:
            at = element(der, at, stop)[2]

    @property
    def not_before_s(self):
        """Unix seconds, negative before 1970."""
        return date.unix_s(self.not_before)

    @property
    def not_after_s(self):
        """Unix seconds."""
        return date.unix_s(self.not_after)
