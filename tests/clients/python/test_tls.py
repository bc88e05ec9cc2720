"""TLS with a certificate that was made for this test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kaiwa_client import Credentials, KaiwaClient
from kaiwa_client.clock import SystemClock
from tests.clients.python.conftest import RETRY, CommandLine
from tests.support.fake_kaiwa import EMAIL, PASSWORD, FakeKaiwa, fake_kaiwa


def _certificate() -> tuple[bytes, bytes]:
    """Key and certificate of 127.0.0.1 in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kaiwa")])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, certificate.public_bytes(pem)


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    return tmp_path / "ca.pem"


@pytest.fixture
async def secure(ca_file: Path) -> AsyncIterator[FakeKaiwa]:
    """A server that speaks TLS; `ca_file` vouches for it."""
    key, certificate = _certificate()
    ca_file.write_bytes(certificate)  # noqa: ASYNC240
    async with fake_kaiwa(grpc.ssl_server_credentials([(key, certificate)])) as server:
        yield server


async def test_the_library_connects(secure: FakeKaiwa, ca_file: Path) -> None:
    credentials = Credentials(EMAIL, PASSWORD)
    async with KaiwaClient(f"https://{secure.address}", credentials=credentials, ca_file=ca_file) as client:
        assert (await client.me()).username == "mika"


@pytest.mark.parametrize("options", [["--tls"], ["--address"]])
async def test_the_command_connects(kaiwa: CommandLine, secure: FakeKaiwa, ca_file: Path, options: list[str]) -> None:
    kaiwa.environment["KAIWA_ADDRESS"] = secure.address
    kaiwa.environment["KAIWA_PASSWORD"] = PASSWORD
    where = [*options, f"https://{secure.address}"] if options == ["--address"] else options
    assert await kaiwa("login", "--email", EMAIL, *where, "--ca-file", str(ca_file)) == 0
    assert await kaiwa("whoami", *where, "--ca-file", str(ca_file)) == 0
    assert kaiwa.out.endswith(f"at https://{secure.address}\n")


async def test_the_command_tells_tls_from_nobody_there(kaiwa: CommandLine, fake: FakeKaiwa) -> None:
    assert await kaiwa("whoami", "--tls") == 3
    assert kaiwa.err.startswith(f"kaiwa: No TLS with https://{fake.address}")


async def test_a_server_that_nobody_vouches_for_is_not_trusted(secure: FakeKaiwa) -> None:
    client = KaiwaClient(f"https://{secure.address}", token="t", retry=RETRY)
    async with client:
        with pytest.raises(Exception, match="Can't reach Kaiwa"):
            await client.me()
    assert secure.state.calls == []
