# SPDX-License-Identifier: AGPL-3.0-or-later
"""A self-signed certificate for the homeservers: federation is HTTPS, on loopback too."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Where a certificate and its key are, in PEM."""

    certificate: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """A certificate for loopback, by name and by address, good for a week."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Certificate(certificate=folder / "tls.crt", key=folder / "tls.key")
    key = ec.generate_private_key(ec.SECP256R1())
    files.certificate.write_bytes(_self_signed(key).public_bytes(serialization.Encoding.PEM))
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    loopback = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName(loopback), critical=False)
        .sign(key, hashes.SHA256())
    )
