"""A certificate authority of the campus and the broker's certificate, made by openssl."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from caretaker.errors import CaretakerError

AUTHORITY_DAYS = 7300
SERVER_DAYS = 3650
"""A certificate that runs out silences every device at once, so it outlives the hardware."""


def _openssl(*words: str) -> None:
    binary = shutil.which("openssl")
    if binary is None:
        raise CaretakerError(
            "openssl is not on PATH: install the package `openssl`, or run"
            " `docker compose run --rm init`"
        )
    done = subprocess.run(  # noqa: S603  (no shell, constant program)
        [binary, *words], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CaretakerError(f"openssl {words[0]} failed: {done.stderr.strip()[-300:]}")


def make_authority(*, certificate: Path, key: Path) -> None:
    """Write a new authority: RSA 2048, which small devices can check, for 20 years."""
    old = os.umask(0o077)
    try:
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256"),
            *("-keyout", str(key), "-out", str(certificate), "-days", str(AUTHORITY_DAYS)),
            *("-subj", "/CN=Caretaker campus authority"),
            *("-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )
    finally:
        os.umask(old)


def make_server(
    names: Sequence[str], *, authority: Path, authority_key: Path, certificate: Path, key: Path
) -> None:
    """Write a server's certificate for host names and addresses, signed by the authority."""
    alternatives = ",".join(_alternative(name) for name in names)
    old = os.umask(0o077)
    try:
        with TemporaryDirectory() as scratch:
            request, extensions = Path(scratch) / "request", Path(scratch) / "extensions"
            extensions.write_text(
                "basicConstraints=critical,CA:FALSE\n"
                "keyUsage=critical,digitalSignature,keyEncipherment\n"
                "extendedKeyUsage=serverAuth\n"
                "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
                f"subjectAltName={alternatives}\n",
                encoding="utf-8",
            )
            _openssl(
                *("req", "-new", "-newkey", "rsa:2048", "-nodes", "-sha256"),
                *("-keyout", str(key), "-out", str(request), "-subj", f"/CN={names[0]}"),
            )
            _openssl(
                *("x509", "-req", "-sha256", "-in", str(request), "-CA", str(authority)),
                *("-CAkey", str(authority_key), "-days", str(SERVER_DAYS)),
                *("-set_serial", f"0x{os.urandom(16).hex()}"),
                *("-extfile", str(extensions), "-out", str(certificate)),
            )
    finally:
        os.umask(old)


def _alternative(name: str) -> str:
    """Return a subject alternative name.

    >>> _alternative("192.168.1.5"), _alternative("broker.school")
    ('IP:192.168.1.5', 'DNS:broker.school')
    """
    try:
        return f"IP:{ip_address(name)}"
    except ValueError:
        if not all(part.replace("-", "").isalnum() and part.isascii() for part in name.split(".")):
            raise CaretakerError(f"{name!r} is neither a host name nor an address") from None
        return f"DNS:{name}"
