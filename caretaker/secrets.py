"""Tokens and passwords of one data directory, generated, readable by their owner only."""

import os
import secrets as random
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from caretaker.errors import ConfigurationError

FILE = "secrets.toml"

# fmt: off
_KNOWN = frozenset((
    "admin", "admin123", "administrator", "caretaker", "changeme", "change-me", "change_me",
    "default", "demo", "example", "grafana", "guest", "influx", "influxdb", "letmein",
    "mosquitto", "mqtt", "my-super-secret-auth-token", "my-super-secret-token", "mytoken",
    "my-token", "pass", "passw0rd", "password", "password123", "public", "qwerty", "root", "secret",
    "test", "token", "user", "1234", "12345", "123456", "12345678", "123456789", "admin:admin",
    "root:root", "your-token", "your_token", "xxx", "xxxxxxxx", "todo",
))
# fmt: on
"""What stands in examples and is tried first by whoever scans a network."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not stand in site.toml. `channels` and `broker` hold secrets by name."""

    viewer_token: str
    operator_token: str
    admin_token: str
    broker_password: str
    external_broker_password: str = ""
    device_passwords: dict[str, str] = field(default_factory=dict, repr=False)
    channels: dict[str, str] = field(default_factory=dict, repr=False)
    influx: dict[str, str] = field(default_factory=dict, repr=False)
    """`write` for the projection, `read` for read-back and Grafana; user:password in version 1."""

    def __repr__(self) -> str:
        """Show nothing: a log line must not carry a secret."""
        return "Secrets(...)"


def _new() -> str:
    return random.token_urlsafe(24)


def load_or_create(data_dir: Path) -> Secrets:
    """Return the directory's secrets, generated (0600) the first time.

    Raises ConfigurationError when others may read them or the file cannot be understood.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / FILE
    if not path.exists():
        made = Secrets(_new(), _new(), _new(), _new())
        _write(path, made)
        return made
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigurationError(
            file=str(path),
            key="file mode",
            problem="other users of this machine can read it",
            remedy=f"Run: chmod 600 {path}",
        )
    found = _read(path)
    for key, value in _each(found):
        refuse_known(value, key=key, file=str(path))
    return found


def _each(known: Secrets) -> Iterator[tuple[str, str]]:
    yield from (
        ("tokens.viewer", known.viewer_token),
        ("tokens.operator", known.operator_token),
        ("tokens.admin", known.admin_token),
        ("broker.caretaker", known.broker_password),
        ("broker.external", known.external_broker_password),
    )
    for section, values in (
        ("channels", known.channels),
        ("influx", known.influx),
        ("devices", known.device_passwords),
    ):
        yield from ((f"{section}.{name}", value) for name, value in values.items())


def with_devices(data_dir: Path, known: Secrets, names: Iterable[str]) -> Secrets:
    """Return the secrets with a broker password for each name, kept on disk if any is new."""
    missing = [name for name in names if name not in known.device_passwords]
    if not missing:
        return known
    passwords = known.device_passwords | {name: _new() for name in missing}
    changed = replace(known, device_passwords=passwords)
    _write(data_dir / FILE, changed)
    return changed


def with_external_broker(data_dir: Path, known: Secrets, password: str) -> Secrets:
    """Return the secrets with the password for a broker beside Caretaker, kept on disk."""
    changed = replace(known, external_broker_password=password)
    _write(data_dir / FILE, changed)
    return changed


def refuse_known(value: str, *, key: str, file: str) -> None:
    """Refuse a password or token that everybody knows; an empty one means there is none.

    Raises ConfigurationError, which does not repeat the value.
    """
    if value.strip().lower() in _KNOWN:
        raise ConfigurationError(
            file=file,
            key=key,
            problem="is a password that stands in every example",
            remedy="Write a random one, e.g. from: openssl rand -base64 24",
        )


def with_influx(data_dir: Path, known: Secrets, tokens: Mapping[str, str]) -> Secrets:
    """Return the secrets with these InfluxDB tokens, kept on disk."""
    changed = replace(known, influx=known.influx | dict(tokens))
    _write(data_dir / FILE, changed)
    return changed


def rotate(data_dir: Path, known: Secrets) -> Secrets:
    """Return the secrets with new login tokens, kept on disk; the old ones open nothing more."""
    changed = replace(known, viewer_token=_new(), operator_token=_new(), admin_token=_new())
    _write(data_dir / FILE, changed)
    return changed


def _read(path: Path) -> Secrets:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return Secrets(
            viewer_token=str(table["tokens"]["viewer"]),
            operator_token=str(table["tokens"]["operator"]),
            admin_token=str(table["tokens"]["admin"]),
            broker_password=str(table["broker"]["caretaker"]),
            external_broker_password=str(table["broker"].get("external", "")),
            device_passwords={k: str(v) for k, v in table.get("devices", {}).items()},
            channels={k: str(v) for k, v in table.get("channels", {}).items()},
            influx={k: str(v) for k, v in table.get("influx", {}).items()},
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            file=str(path),
            key=str(error).strip("'"),
            problem="is missing or cannot be read",
            remedy="Restore the file from a backup, or delete it: new logins are made then.",
        ) from error


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write(path: Path, known: Secrets) -> None:
    lines = [
        "# Made by Caretaker. Keep it to yourself: who can read it can log in.",
        "[tokens]",
        f"viewer = {_quoted(known.viewer_token)}",
        f"operator = {_quoted(known.operator_token)}",
        f"admin = {_quoted(known.admin_token)}",
        "",
        "[broker]",
        f"caretaker = {_quoted(known.broker_password)}  # the embedded broker",
        f"external = {_quoted(known.external_broker_password)}  # your own broker, if it asks",
        "",
        "[channels]  # the secret of a notification channel, by its name",
        *(f"{_quoted(name)} = {_quoted(value)}" for name, value in known.channels.items()),
        "",
        "[influx]  # write: Caretaker's token; read: for read-back and Grafana",
        *(f"{_quoted(name)} = {_quoted(value)}" for name, value in known.influx.items()),
        "",
        "[devices]  # what each device logs in with at the embedded broker",
        *(f"{_quoted(name)} = {_quoted(value)}" for name, value in known.device_passwords.items()),
        "",
    ]
    write_private(path, "\n".join(lines))


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only; its owner stays."""
    scratch = path.with_name(f"{path.name}.new")
    scratch.unlink(missing_ok=True)
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if os.geteuid() == 0 and path.exists():
        owner = path.stat()
        os.chown(scratch, owner.st_uid, owner.st_gid)
    scratch.replace(path)
