"""Broker addresses as people write them."""

from urllib.parse import unquote, urlsplit

from caretaker.errors import ConfigurationError
from ingest.broker.port import Address


def address_of(
    url: str, *, file: str = "site.toml", username: str = "", password: str = "", ca_file: str = ""
) -> Address:
    """Return where `mqtt://user:password@host:port` points; mqtts means TLS.

    >>> found = address_of("mqtts://cook:s3cret@broker.school")
    >>> (found.host, found.port, found.username, found.tls)
    ('broker.school', 8883, 'cook', True)

    Raises ConfigurationError.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or port == -1:
        raise ConfigurationError(
            file=file,
            key="broker.url",
            problem=f"{url!r} is no broker address",
            remedy="Write mqtt://host:1883 or mqtts://host:8883, with user:password@ if needed.",
        )
    tls = parts.scheme == "mqtts"
    return Address(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        username=unquote(parts.username or username),
        password=unquote(parts.password or password),
        tls=tls,
        ca_file=ca_file,
    )
