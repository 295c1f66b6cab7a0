"""Which MQTT receiver a site uses."""

from collections.abc import Callable, Sequence

from caretaker.clock import Clock
from caretaker.config import BrokerSettings
from ingest.broker.port import Address
from ingest.transport.gathered.transport import GatheredTransport
from ingest.transport.paho import PahoTransport

AnyTransport = GatheredTransport | PahoTransport
RECEIVERS: dict[str, type[AnyTransport]] = {"gathered": GatheredTransport, "paho": PahoTransport}
DEFAULT = BrokerSettings().receiver


def _ignore(event: str, detail: str) -> None:
    del event, detail


def mqtt_transport(
    address: Address,
    *,
    client_id: str,
    topics: Sequence[str] = ("#",),
    receiver: str = DEFAULT,
    on_event: Callable[[str, str], None] = _ignore,
    clock: Clock | None = None,
) -> AnyTransport:
    """Return a session at a broker, read by one of RECEIVERS; raises KeyError for another name."""
    return RECEIVERS[receiver](
        address, client_id=client_id, topics=topics, on_event=on_event, clock=clock
    )
