"""Certificates that are good for an hour, of authorities made up here."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Certificates:
    """The files of an authority, of one certificate of it, and of the key of that."""

    ca: Path
    cert: Path
    key: Path

    @property
    def of_dask(self) -> tuple[str, ...]:
        """As options of Dask's own commands."""
        files = ("--tls-ca-file", self.ca, "--tls-cert", self.cert, "--tls-key", self.key)
        return tuple(map(str, files))

    @property
    def options(self) -> tuple[object, ...]:
        return ("--tls-ca", self.ca, "--tls-cert", self.cert, "--tls-key", self.key)


def make_certificates(folder: Path) -> Certificates:
    """Make an authority, and a certificate for 127.0.0.1."""
    folder.mkdir()
    made = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    authority, mine = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _named("authority", authority).sign(authority, hashes.SHA256())
    leaf = _named("cluster", mine, root.subject).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
    )
    made.ca.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    made.cert.write_bytes(
        leaf.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    made.key.write_bytes(
        mine.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def _named(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name | None = None
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer or subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(hours=1),
        not_valid_after=now + timedelta(hours=1),
    ).add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
