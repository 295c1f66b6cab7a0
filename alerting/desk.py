"""Everything between the journal and the people, as one part: the composition root builds it."""

from collections.abc import Callable, Mapping

from alerting.canary import CanarySink
from alerting.channels import build_channels
from alerting.channels.mqtt import Mqtt
from alerting.drills import Drills, site_name
from alerting.notify.buttons import Buttons, Command
from alerting.notify.deliver import Courier
from alerting.notify.links import Signer
from alerting.unwell import Check, Unwell
from alerting.watchdog import Watchdog
from caretaker.clock import Clock
from caretaker.config import SiteSettings
from caretaker.secrets import Secrets
from caretaker.worker import Worker
from ingest.broker.port import Address
from ingest.transport.port import Message
from storage import lease
from storage.journal import Journal

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
Send = Callable[[str, bytes], None]


def _our_own_word(message: Message) -> None:
    """Leave alone what a siren was told: it comes back to us by the subscription to everything."""
    del message


class AlertDesk:
    """Courier, watchdog, drills, buttons and links of one running Caretaker.

    Built before anything is touched, so that a wrong setting stops the start; `open` gives it the
    journal, `start` the way to the broker.
    """

    def __init__(self, site: SiteSettings, *, secrets: Secrets, file: str, clock: Clock) -> None:
        self.signer = Signer.of(secrets.operator_token, clock=clock)
        self.fenced: Callable[[], None] = lambda: None
        self._site = site
        self._clock = clock
        self._broker: Address | None = None
        self._send: Send | None = None
        self._sink = CanarySink()
        self._channels = build_channels(
            site.channels, secrets=secrets.channels, file=file, broker=lambda: self._broker
        )
        self._journal: Journal | None = None
        self._parts: tuple[Courier, Watchdog, Drills, Buttons] | None = None

    def open(
        self,
        journal: Journal,
        *,
        devices_changed: Callable[[], None],
        unwell: Unwell | None = None,
        checks: Callable[[], list[Check]] = list,
    ) -> None:
        """Stand on this journal; `checks` says how all parts are, `unwell` keeps what is not."""
        site, clock = self._site, self._clock
        self._journal = journal
        courier = Courier(
            journal,
            {**self._channels, self._sink.name: self._sink},
            site=site,
            clock=clock,
            link=self._link(),
            sign=self.signer.sign,
            fence=self._leads,
        )
        drills = Drills(
            journal, site, clock=clock, publish=self._publish, devices_changed=devices_changed
        )
        watchdog = Watchdog(
            journal,
            site,
            clock=clock,
            sink=self._sink,
            publish=self._publish,
            drills=drills,
            unwell=unwell or Unwell(),
            checks=checks,
            fenced=self._taken_over,
        )
        self._parts = (courier, watchdog, drills, Buttons(journal, site, clock=clock))

    def _link(self) -> str:
        api = self._site.api
        host = "127.0.0.1" if api.host in _LOOPBACK else api.host
        return api.public_url or f"http://{host}:{api.port}"

    def _leads(self) -> bool:
        journal = self._journal
        if journal is None or not journal.epoch:
            return True
        with journal.reader() as connection:
            return lease.current(connection)[0] == journal.epoch

    def _taken_over(self) -> None:
        self.fenced()

    def _publish(self, topic: str, body: bytes) -> None:
        if self._send is not None:
            self._send(topic, body)

    @property
    def drills(self) -> Drills:
        """The drills; there once it is open."""
        assert self._parts is not None
        return self._parts[2]

    def commands(self) -> Mapping[str, Command]:
        """Return what ingest must hand over by topic: buttons, our own beat, our own sirens."""
        assert self._parts is not None
        _, watchdog, _, buttons = self._parts
        own = {c.topic: _our_own_word for c in self._channels.values() if isinstance(c, Mqtt)}
        return {**own, **buttons.commands(), watchdog.beat_topic: watchdog.beat}

    def topics(self) -> tuple[str, ...]:
        """Return what to subscribe to: what the site says, and the desk's own words if need be."""
        wanted = self._site.broker.topics
        if "#" in wanted:
            return wanted
        own = [f"caretaker/1/{site_name(self._site)}/+/readings", *self.commands()]
        return (*wanted, *(topic for topic in own if topic not in wanted))

    def start(
        self, send: Send, *, broker: Address, reconnect: Callable[[], None] = lambda: None
    ) -> None:
        """Begin to deliver and to watch; `send` publishes on the broker we listen to.

        `reconnect` is called when our own word does not come back from it.
        """
        assert self._parts is not None
        self._send, self._broker = send, broker
        courier, watchdog, *_ = self._parts
        courier.start()
        watchdog.start(reconnect=reconnect)

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Return the threads at work."""
        if self._parts is None:
            return ()
        courier, watchdog, *_ = self._parts
        return (*courier.workers, watchdog.worker)

    def stop(self) -> None:
        """Stop watching and delivering; what waits stays in the journal."""
        assert self._parts is not None
        courier, watchdog, *_ = self._parts
        watchdog.stop()
        courier.stop()

    def checks(self, faults: Mapping[str, object]) -> list[Check]:
        """Return how the alerts fare; `faults` are what rules cannot judge now."""
        if self._parts is None:
            return [("alerting", False, "stopped", "")]
        courier, watchdog, *_ = self._parts
        failing = dict(courier.failing)
        worse = [f"{name}: {why}" for name, why in {**failing, **faults}.items()]
        value = "; ".join(worse) or ("at work" if courier.alive else "stopped")
        remedy = "Check the channel in site.toml; what waits is tried again." if failing else ""
        alerting: Check = ("alerting", courier.alive and not worse, value, remedy)
        return [alerting, *watchdog.checks()]
