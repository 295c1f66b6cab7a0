"""A mosquitto beside Caretaker, as compose runs it: TLS only, one login a device, queues on disk.

Everything here is text; what writes it and where is `caretaker.deployment`. The queue is saved at
each change, so that it survives a `kill -9`; limits bound what one device can do, and nothing is
reachable without a login.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from caretaker.errors import ConfigurationError
from ingest.broker.port import device_topics

OWN = "caretaker"
HEALTH = "health"
HEALTH_TOPIC = "$caretaker/ping"
"""Begins with a dollar, so that a subscription to `#` never sees it."""

GATEWAYS = frozenset({"tele", "stat", "cmnd", "zigbee2mqtt", "wmbusmeters"})
"""Roots of dialects: a login of that name may use all its devices' topics, as a gateway must."""

_RESERVED = frozenset({OWN, HEALTH, "shellies", "homeassistant", "spbv1", "application", "v1"})
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ITERATIONS = 101
"""mosquitto's own number; the passwords are random, 192 bits, so that none can be guessed."""


_FILES = PurePosixPath("/mosquitto/config")
_STORE = PurePosixPath("/mosquitto/data")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the broker finds its files and what it listens on."""

    files: PurePosixPath = _FILES
    store: PurePosixPath = _STORE
    port: int = 8883
    address: str = ""


def configuration(places: Places | None = None) -> str:
    """Return mosquitto.conf."""
    at = places or Places()
    files = at.files
    return f"""\
# Made by `caretaker init --compose` and kept by it: what you change here stays.
listener {at.port}{f" {at.address}" if at.address else ""}
certfile {files / "server.crt"}
keyfile {files / "server.key"}
tls_version tlsv1.2
max_connections 2000

allow_anonymous false
password_file {files / "passwords"}
acl_file {files / "acl"}

# What is queued for Caretaker outlives the broker: saved at each change. Each save writes the whole
# queue, so it gets slower as the queue grows: 85 messages a second up to 2,000 queued, 29 at 7,800.
# With more than about 50 devices set autosave_on_changes false: then it is saved each second,
# 10,000 messages a second pass, and a kill of the broker costs the last second.
persistence true
persistence_location {at.store}/
autosave_on_changes true
autosave_interval 1
persistent_client_expiration 60d

# A night of 200 devices at one message each ten seconds, and then some; drops show in $SYS.
max_queued_messages 1000000
max_queued_bytes 0
max_inflight_messages 20000
max_packet_size 1048576
max_keepalive 600
sys_interval 10
set_tcp_nodelay true

log_dest stdout
log_type error
log_type warning
log_type notice
connection_messages true
"""


def access_rules() -> str:
    """Return the ACL: Caretaker everything, each device only topics that hold its own name."""
    own = [f"user {OWN}", "topic readwrite #", "topic read $SYS/#", ""]
    health = [f"user {HEALTH}", f"topic readwrite {HEALTH_TOPIC}", ""]
    devices = [f"pattern readwrite {topic}" for topic in device_topics("%u")]
    return "\n".join([*own, *health, "# %u is the login's name.", *devices, ""])


def check_login(name: str, *, gateway: bool = False) -> None:
    """Refuse a name that would open more than its own topics (CVE-2017-7650, roots of dialects).

    >>> check_login("kitchen_plug")

    Raises ConfigurationError.
    """
    problem = ""
    if _NAME.fullmatch(name) is None:
        problem = "a login has letters, digits, _ and -, at most 64"
    elif name.lower() in _RESERVED:
        problem = "that name is Caretaker's own or the root of a dialect"
    elif (name in GATEWAYS) is not gateway:
        problem = (
            f"{name} names no gateway; those are {', '.join(sorted(GATEWAYS))}"
            if gateway
            else "as a login it may use the topics of every device of that dialect"
        )
    if problem:
        raise ConfigurationError(
            file="broker login",
            key=name,
            problem=problem,
            remedy="Take another name, or --gateway for a gateway that speaks for its devices.",
        )


def password_file(logins: Mapping[str, str]) -> str:
    """Return mosquitto's password file, PBKDF2-HMAC-SHA512 with a salt for each login."""
    return "".join(f"{name}:{_hashed(password)}\n" for name, password in sorted(logins.items()))


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    text = [base64.b64encode(part).decode() for part in (salt, key)]
    return f"$7${_ITERATIONS}${text[0]}${text[1]}"


def health_options(password: str, *, authority: PurePosixPath, port: int = 8883) -> str:
    """Return the options of `mosquitto_rr` for the health check, so that none is an argument."""
    return (
        f"-h localhost\n-p {port}\n--cafile {authority}\n-u {HEALTH}\n-P {password}\n"
        f"-i health\n-q 1\n-W 5\n-t {HEALTH_TOPIC}\n-e {HEALTH_TOPIC}\n-m ok\n"
    )
