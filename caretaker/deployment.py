"""What compose needs before its first start: folders, certificates, logins, passwords.

Everything is made once and kept; nothing of it is in the repository, and only its owner reads it.
"""

import os
import re
import secrets as random
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from caretaker.certificates import make_authority, make_server
from caretaker.secrets import Secrets, load_or_create, with_external_broker, write_private
from caretaker.template import TEMPLATE
from ingest.broker.standalone import (
    HEALTH,
    OWN,
    access_rules,
    configuration,
    health_options,
    password_file,
)

BROKER_FILES = "mosquitto"
"""The broker's folder within Caretaker's data, since Caretaker makes its logins."""

_CONTAINER_USER = 10001
_IN_BROKER = PurePosixPath("/mosquitto/config")
_SITE: tuple[tuple[str, str, str], ...] = (
    ("broker", "url", '"mqtts://mosquitto:8883"'),
    ("broker", "username", f'"{OWN}"'),
    ("broker", "ca_file", '"/data/mosquitto/ca.crt"'),
    ("api", "host", '"0.0.0.0"'),
    ("api", "allow_remote", "true"),
    ("influx", "url", '"http://influxdb:8086"'),
    ("influx", "version", '"2"'),
)
"""What differs from the template: Caretaker stands beside broker, InfluxDB and Grafana."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie below the folder that holds docker-compose.yml."""

    home: Path

    @property
    def data(self) -> Path:
        """Caretaker's data directory."""
        return self.home / "data" / "caretaker"

    @property
    def credentials(self) -> Path:
        """Files that compose hands to one service each."""
        return self.home / "data" / "credentials"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder that a container writes to or reads."""
        names = ("mosquitto", "influxdb", "influxdb-config", "grafana", "grafana-token")
        return (
            self.data,
            self.credentials,
            self.data / BROKER_FILES,
            *(self.home / "data" / name for name in names),
        )


def prepare(home: Path, *, names: Sequence[str]) -> list[Path]:
    """Make what is missing below `home` and return it; what is there is kept.

    `names` are the host names and addresses by which devices reach the broker.
    """
    layout = Layout(home)
    old = os.umask(0o077)
    try:
        before = {path for path in layout.home.glob("data/**/*") if path.is_file()}
        for folder in layout.folders:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        _site(layout)
        secrets = _secrets(layout)
        for name in ("influx_admin_token", "influx_admin_password", "grafana_admin_password"):
            _keep(layout.credentials / name, random.token_urlsafe(32))
        _certificates(layout, names)
        write_broker_files(layout.data, secrets)
        owner = _hand_over(layout)
        _keep(home / ".env", f"CARETAKER_UID={owner[0]}\nCARETAKER_GID={owner[1]}\n")
        (home / ".env").chmod(0o644)  # holds no secret, and compose may run as somebody else
        made = {path for path in layout.home.glob("data/**/*") if path.is_file()} - before
        return sorted(made)
    finally:
        os.umask(old)


def reachable_as() -> list[str]:
    """Return the names by which this machine may be reached: no packet is sent to find them."""
    found = ["mosquitto", "localhost", "127.0.0.1", socket.gethostname()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET: only asks the routing table
            found.append(str(probe.getsockname()[0]))
        except OSError:
            pass
    return list(dict.fromkeys(found))


def write_broker_files(data: Path, secrets: Secrets) -> None:
    """Write the broker's password file for the logins that are known, and what is missing."""
    folder = data / BROKER_FILES
    known = folder / HEALTH / "mosquitto_rr"
    health = random.token_urlsafe(24)
    if known.exists():
        options = known.read_text(encoding="utf-8").splitlines()
        health = next(line[3:] for line in options if line.startswith("-P "))
    logins = {OWN: secrets.external_broker_password, HEALTH: health} | secrets.device_passwords
    write_private(folder / "mosquitto.conf", configuration())
    write_private(folder / "acl", access_rules())
    write_private(folder / "passwords", password_file(logins))
    known.parent.mkdir(exist_ok=True, mode=0o700)
    write_private(known, health_options(health, authority=_IN_BROKER / "ca.crt"))


def _secrets(layout: Layout) -> Secrets:
    secrets = load_or_create(layout.data)
    if secrets.external_broker_password:
        return secrets
    return with_external_broker(layout.data, secrets, random.token_urlsafe(24))


def _site(layout: Layout) -> None:
    text = TEMPLATE
    for section, key, value in _SITE:
        text = with_value(text, section=section, key=key, value=value)
    _keep(layout.data / "site.toml", text)


def with_value(text: str, *, section: str, key: str, value: str) -> str:
    """Return a site file's text with one value replaced; comments stay.

    >>> with_value('[a]\\nx = 1  # one\\n[b]\\nx = 2\\n', section="b", key="x", value="3")
    '[a]\\nx = 1  # one\\n[b]\\nx = 3\\n'
    """
    pattern = rf"(?m)(^\[{section}\]\n(?:(?!\[).*\n)*?{key} = )\S+"
    found, count = re.subn(pattern, lambda match: match.group(1) + value, text, count=1)
    if count != 1:
        raise KeyError(f"[{section}] {key}")
    return found


def _certificates(layout: Layout, names: Sequence[str]) -> None:
    folder = layout.data / BROKER_FILES
    authority, key = folder / "ca.crt", layout.credentials / "ca.key"
    if not authority.exists():
        make_authority(certificate=authority, key=key)
    if not (folder / "server.crt").exists():
        make_server(
            names,
            authority=authority,
            authority_key=key,
            certificate=folder / "server.crt",
            key=folder / "server.key",
        )


def _hand_over(layout: Layout) -> tuple[int, int]:
    """Return who the containers run as; root hands the files to a user without rights."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    for path in [layout.home / "data", *layout.home.glob("data/**/*")]:
        os.chown(path, _CONTAINER_USER, _CONTAINER_USER)
    return _CONTAINER_USER, _CONTAINER_USER


def _keep(path: Path, text: str) -> None:
    if not path.exists():
        write_private(path, text)
