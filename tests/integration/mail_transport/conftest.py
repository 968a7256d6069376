"""A fault server for each test, and a certificate for all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import Certificate, make_certificate
from tests.smtp import SmtpServer


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make a certificate with")
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def other_certificate(certificate: Certificate) -> Certificate:
    """Trusted by nobody, and for another name."""
    return make_certificate(Path(certificate.path).parent, "other.example")
