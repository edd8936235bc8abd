"""Certificate authorities for tests: certificates and keys as PEM and DER, with the names and dates a test wants."""

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


@dataclass
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    @property
    def pem(self):
        return self.certificate.public_bytes(form.Encoding.PEM)

    @property
    def key_pem(self):
        return self.private_key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())

    @property
    def der(self):
        return self.certificate.public_bytes(form.Encoding.DER)

    @property
    def key_der(self):
        return self.private_key.private_bytes(form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption())

    def save(self, folder, name):
        """Write name.pem and name.key into the folder; return their paths."""
        folder.joinpath(f"{name}.pem").write_bytes(self.pem)
        folder.joinpath(f"{name}.key").write_bytes(self.key_pem)
        return folder / f"{name}.pem", folder / f"{name}.key"


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(subject, key, issuer, signer, hosts, first_day, last_day, is_authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now + first_day * _DAY).not_valid_after(now + last_day * _DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    if hosts:
        names = [x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Identity(builder.sign(signer, hashes.SHA256()), key)


def self_signed(name, hosts=()):
    """An Identity that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _signed(name, key, name, key, hosts, -10, 3650, False)


class Authority:
    """`identity`: its own certificate, to be trusted."""

    def __init__(self, name, first_day=-10):
        key = ec.generate_private_key(ec.SECP256R1())
        self.identity = _signed(name, key, name, key, (), first_day, 3650, True)
        self._name = name

    def issue(self, name, hosts=(), first_day=-10, last_day=3650):
        """An Identity for host names and addresses, valid between two days counted from today."""
        key = ec.generate_private_key(ec.SECP256R1())
        return _signed(name, key, self._name, self.identity.private_key, hosts, first_day, last_day, False)
