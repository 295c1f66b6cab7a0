"""Which embedded broker runs: nats-server from its wheel, else mosquitto, else a clear error."""

from pathlib import Path

from caretaker.errors import BrokerError
from ingest.broker.mosquitto import MosquittoBroker
from ingest.broker.nats import NatsBroker
from ingest.broker.port import Login


def embedded_broker(
    kind: str,
    *,
    data_dir: Path,
    port: int,
    logins: tuple[Login, ...],
    host: str = "127.0.0.1",
) -> NatsBroker | MosquittoBroker:
    """Return the broker of that kind, not started; `auto` takes the first that is there.

    Raises BrokerError naming what to install.
    """
    reasons: list[str] = []
    if kind in {"auto", "nats"}:
        try:
            return NatsBroker(data_dir=data_dir, port=port, logins=logins, host=host)
        except BrokerError as error:
            reasons.append(str(error))
    if kind in {"auto", "mosquitto"}:
        try:
            return MosquittoBroker(data_dir=data_dir, port=port, logins=logins, host=host)
        except BrokerError as error:
            reasons.append(str(error))
    raise BrokerError(
        f"no embedded broker ({'; '.join(reasons) or f'{kind!r} is unknown'}): install mosquitto,"
        " or name your own with --broker mqtt://host:1883"
    )
