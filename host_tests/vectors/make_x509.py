"""Makes x509.json: certificates and private keys by a foreign tool, with what it reads from them. Needs PyPI's `cryptography`.

    python host_tests/vectors/make_x509.py

Each run draws new keys: of no use but as vectors. What the tool refuses to write is made by changing bytes of what it wrote;
signatures, which nobody checks there, do not fit then.
"""

import base64
import datetime
import json
from pathlib import Path

from cryptography import x509  # pyright: ignore[reportMissingImports]
from cryptography.hazmat.primitives import hashes  # pyright: ignore[reportMissingImports]
from cryptography.hazmat.primitives import serialization as form  # pyright: ignore[reportMissingImports]
from cryptography.hazmat.primitives.asymmetric import ec, rsa  # pyright: ignore[reportMissingImports]
from cryptography.x509.name import _ASN1Type as Kind  # pyright: ignore[reportMissingImports]
from cryptography.x509.oid import NameOID, ObjectIdentifier  # pyright: ignore[reportMissingImports]

OUT = Path(__file__).with_name("x509.json")
UTC = datetime.timezone.utc
START = datetime.datetime(2020, 1, 1, tzinfo=UTC)
END = datetime.datetime(2039, 12, 31, 23, 59, 58, tzinfo=UTC)
RSA_2048, RSA_4096 = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 4096)
EC_256, EC_384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())


def name(*parts):
    """Of (type, value) or (type, value, kind of string), first part first; a list of them is a part of several values."""
    return x509.Name(
        x509.RelativeDistinguishedName([x509.NameAttribute(*one) for one in (part if isinstance(part, list) else [part])])
        for part in parts
    )


CA = name((NameOID.COUNTRY_NAME, "SI"), (NameOID.ORGANIZATION_NAME, "Example"), (NameOID.COMMON_NAME, "Test CA"))
CA_TEXT = "CN=Test CA, O=Example, C=SI"


def certificate(key, subject=CA, issuer=CA, signer=None, start=START, end=END, extensions=()):
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(signer or key, hashes.SHA256()).public_bytes(form.Encoding.PEM).decode()


def changed(pem, old, new):
    """The same certificate with other bytes of the same number in one place."""
    der = base64.b64decode("".join(pem.split("\n")[1:-2]))
    assert len(old) == len(new) and der.count(old) == 1, (old, der.count(old))
    body = base64.encodebytes(der.replace(old, new)).decode().replace("\n", "")
    lines = "".join(body[at : at + 64] + "\n" for at in range(0, len(body), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n"


def row(what, pem, subject=CA_TEXT, issuer=CA_TEXT, start=START, end=END):
    dates = [str(date.replace(tzinfo=None)) for date in (start, end)]
    epoch = datetime.datetime(1970, 1, 1, tzinfo=UTC)
    seconds = [(date - epoch) // datetime.timedelta(seconds=1) for date in (start, end)]
    return {"what": what, "pem": pem, "subject": subject, "issuer": issuer, "dates": dates, "unix_s": seconds}


def named(what, text, *parts):
    return row(what, certificate(EC_256, name(*parts), CA, EC_384), text)


def dated(what, start, end, *change):
    pem = certificate(EC_256, start=start, end=end)
    if change:
        old, new = change
        pem = changed(pem, old, new)
        start = datetime.datetime.strptime(new.decode()[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return row(what, pem, start=start, end=end)


def certificates():
    client = name(
        (NameOID.ORGANIZATION_NAME, "Example"), (NameOID.COMMON_NAME, "SG000017"), (NameOID.EMAIL_ADDRESS, "sg@example.org")
    )
    text = "emailAddress=sg@example.org, CN=SG000017, O=Example"
    authority = [x509.BasicConstraints(ca=True, path_length=None)]
    yield row("RSA 2048, self-signed", certificate(RSA_2048, extensions=authority))
    yield row("RSA 4096, issued", certificate(RSA_4096, client, CA, RSA_4096), text)
    yield row("EC P-256, self-signed", certificate(EC_256, extensions=authority))
    yield row("EC P-256, issued by RSA", certificate(EC_256, client, CA, RSA_2048), text)
    yield named(
        "every kind of part",
        "2.5.4.46=q, 2.5.4.97=VATSI-1, serialNumber=17, DC=example, DC=org, ST=S, L=Ljubljana, OU=U, C=SI",
        (NameOID.COUNTRY_NAME, "SI"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "U"),
        (NameOID.LOCALITY_NAME, "Ljubljana"),
        (NameOID.STATE_OR_PROVINCE_NAME, "S"),
        (NameOID.DOMAIN_COMPONENT, "org"),
        (NameOID.DOMAIN_COMPONENT, "example"),
        (NameOID.SERIAL_NUMBER, "17"),
        (ObjectIdentifier("2.5.4.97"), "VATSI-1"),
        (NameOID.DN_QUALIFIER, "q"),
    )
    yield named("UTF-8", "CN=Števec čez ütf 電気 🔌", (NameOID.COMMON_NAME, "Števec čez ütf 電気 🔌"))
    yield named("BMPString", "CN=Števec 電", (NameOID.COMMON_NAME, "Števec 電", Kind.BMPString))
    yield named("UniversalString", "CN=Števec 🔌", (NameOID.COMMON_NAME, "Števec 🔌", Kind.UniversalString))
    yield named("PrintableString", "CN=Plain", (NameOID.COMMON_NAME, "Plain", Kind.PrintableString))
    latin = certificate(EC_256, name((NameOID.COMMON_NAME, "M@nchen", Kind.T61String)), CA, EC_384)
    yield row("T61String in Latin-1", changed(latin, b"M@nchen", b"M\xfcnchen"), "CN=München")
    half = certificate(EC_256, name((NameOID.COMMON_NAME, "aZZb", Kind.BMPString)), CA, EC_384)
    yield row("half a surrogate pair", changed(half, b"\0a\0Z\0Z", b"\0a\xd8\x3d\0Z"), "CN=a\ufffdZb")
    control = certificate(EC_256, name((NameOID.COMMON_NAME, "a__b")), CA, EC_384)
    yield row("control characters", changed(control, b"a__b", b"a\n\0b"), "CN=a\ufffd\ufffdb")
    bits = certificate(EC_256, name((NameOID.COMMON_NAME, "what")), CA, EC_384)
    yield row("no text", changed(bits, b"\x0c\x04what", b"\x03\x04what"), "CN=?")
    yield named("commas", "CN=Example, Inc.", (NameOID.COMMON_NAME, "Example, Inc."))
    both = [(NameOID.COMMON_NAME, "a"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "b")]
    yield named("a part of two values", "CN=a+OU=b, O=c", (NameOID.ORGANIZATION_NAME, "c"), both)
    yield named("no parts", "")
    unit, common = (NameOID.ORGANIZATIONAL_UNIT_NAME, "y" * 64), (NameOID.COMMON_NAME, "x" * 64)
    yield named("long", "CN=" + "x" * 64 + ", OU=" + "y" * 28, unit, common)
    yield named("a long value", "2.5.4.97=" + "aé" * 45 + "a", common, (ObjectIdentifier("2.5.4.97"), "aé" * 200))
    yield named("OID of many arcs", "1.3.6.1.4.1.311.60.2.1.3=SI", (ObjectIdentifier("1.3.6.1.4.1.311.60.2.1.3"), "SI"))
    yield named("long OID", "2.999.16777215.8=x", (ObjectIdentifier("2.999.16777215.8"), "x"))
    day = datetime.datetime
    yield dated("UTCTime's first", day(1950, 1, 1, tzinfo=UTC), day(1999, 12, 31, 23, 59, 59, tzinfo=UTC))
    yield dated("before 1970", day(1969, 12, 31, 23, 59, 59, tzinfo=UTC), day(2049, 12, 31, 23, 59, 59, tzinfo=UTC))
    yield dated("GeneralizedTime", day(2050, 1, 1, tzinfo=UTC), day(2106, 2, 7, 6, 28, 16, tzinfo=UTC))
    yield dated("a leap day", day(2024, 2, 29, 12, 30, 45, tzinfo=UTC), day(2400, 2, 29, tzinfo=UTC))
    yield dated("no end known", START, day(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    late = day(2051, 3, 4, 5, 6, 7, tzinfo=UTC)
    yield dated("before 1950", late, day(2060, 1, 1, tzinfo=UTC), b"20510304050607Z", b"19000228235959Z")
    yield dated("year 1", late, day(2060, 1, 1, tzinfo=UTC), b"20510304050607Z", b"00010101000000Z")


def key(what, private, kind, cover=None):
    cover = cover or form.NoEncryption()
    return {"what": what, "pem": private.private_bytes(form.Encoding.PEM, kind, cover).decode()}


def main():
    pkcs8, old = form.PrivateFormat.PKCS8, form.PrivateFormat.TraditionalOpenSSL
    cover = form.BestAvailableEncryption(b"secret")
    content = {
        "source": "made by make_x509.py with PyPI's cryptography; the keys serve nowhere",
        "certificates": list(certificates()),
        "keys": [
            key("PKCS#8 RSA 2048", RSA_2048, pkcs8),
            key("PKCS#1 RSA 2048", RSA_2048, old),
            key("PKCS#1 RSA 4096", RSA_4096, old),
            key("PKCS#8 EC P-256", EC_256, pkcs8),
            key("SEC 1 EC P-256", EC_256, old),
        ],
        "encrypted": [
            key("PKCS#8, encrypted", EC_256, pkcs8, cover),
            key("SEC 1, encrypted", EC_256, old, cover),
        ],
    }
    OUT.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
