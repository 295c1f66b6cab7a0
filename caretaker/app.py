"""The composition root: every part is built here, in the order a reading passes them."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from alerting.canary import Canary
from alerting.desk import AlertDesk
from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.past import PastJudge
from alerting.rulebook import RuleBook
from alerting.rulefile import FILE as RULE_FILE
from alerting.rules import standard_rules
from analytics.kpi_job.job import KpiJob, check_targets
from analytics.kpis.registry import REGISTRY
from api.auth import Doorman
from api.cold_view import band_of
from api.server import LOOPBACK_HOSTS, PageServer, create_app
from api.services import Services
from caretaker import __version__
from caretaker.calendar import SchoolCalendar
from caretaker.clock import Clock, StepSensor
from caretaker.config import SiteSettings
from caretaker.datalock import DataLock
from caretaker.interpreter import settle
from caretaker.secrets import Secrets, refuse_known
from caretaker.worker import Worker
from ingest.broker.choose import embedded_broker
from ingest.broker.port import Address, Broker, Login
from ingest.catch_up import CatchUp
from ingest.decoder import Decoder
from ingest.driver import dials_of
from ingest.gate import Gate
from ingest.ingest import Ingest
from ingest.inspector import Inspector
from ingest.joining import use_aliases
from ingest.mapping import in_force
from ingest.metering import intervals
from ingest.replay import Resumer
from ingest.samples import proven_drivers
from ingest.transport.choose import AnyTransport, mqtt_transport
from ingest.transport.url import address_of
from storage import dialect, dials, mappings
from storage.devices import apply_file_settings
from storage.influx.build import projection_of
from storage.influx.projection import Projection
from storage.journal import Journal

JOURNAL = "journal.sqlite3"
RUNNING = "running.json"
_OWN_LOGIN = "caretaker"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


log = structlog.get_logger()


def open_journal(settings: SiteSettings, *, data_dir: Path, clock: Clock) -> Journal:
    """Return the opened journal of a data directory."""
    journal = Journal(data_dir / JOURNAL, zone=settings.zone, arithmetic=intervals, clock=clock)
    journal.open()
    return journal


class App:
    """Caretaker at work on one data directory: broker, ingest, journal, rules, alerts, page.

    `prepare` opens the journal with its rules, so that history can be filled in; `start` opens
    the doors. `stop` closes in the opposite order and loses nothing.
    """

    def __init__(
        self,
        settings: SiteSettings,
        *,
        data_dir: Path,
        clock: Clock,
        secrets: Secrets,
        site_file: str = "site.toml",
        logins: tuple[Login, ...] = (),
        standby: bool = False,
    ) -> None:
        self.settings = settings
        self.data_dir = data_dir
        self.clock = clock
        self.secrets = secrets
        self.site_file = site_file
        self.decoder = Decoder(proven_drivers(data_dir / "drivers", clock=clock), clock=clock)
        rules = (*standard_rules(settings), Canary())
        self.engine = Engine(
            rules,
            lifecycle=Lifecycle(settings),
            book=RuleBook(rules, data_dir / RULE_FILE),
            steps=StepSensor(clock).look,
        )
        self.broker: Broker | None = None
        self.ingest: Ingest | None = None
        self.transport: AnyTransport | None = None
        self.page: PageServer | None = None
        self.kpis: KpiJob | None = None
        self.listener: socket.socket | None = None
        """Where somebody listens for the page already; it takes the socket over."""
        self._logins = logins
        self._lock = DataLock(data_dir)
        self._journal: Journal | None = None
        self._projection: Projection | None = None
        self._desk = AlertDesk(settings, secrets=secrets, file=site_file, clock=clock)
        self._standby = standby
        self._closers: list[Callable[[], None]] = []
        self._workers: list[Worker] = []
        self._ended = threading.Event()
        self._started_ms = 0

    @property
    def journal(self) -> Journal:
        """The journal; there once `prepare` was called."""
        assert self._journal is not None
        return self._journal

    def prepare(self) -> None:
        """Take the data directory, open the journal and let the rules judge."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        check_targets(self.settings.targets, REGISTRY, file=self.site_file)
        locked = self._lock.take(standby=self._standby)
        self._closers.append(self._lock.release)
        self._journal = open_journal(self.settings, data_dir=self.data_dir, clock=self.clock)
        self._closers.append(self._journal.close)
        self._journal.lead(locked=locked)
        self._closers.append(self._journal.resign)
        now_ms = self.clock.now_ms()
        self._journal.call(
            lambda connection: apply_file_settings(connection, self.settings.devices, now_ms=now_ms)
        )
        shown = dials_of(self.decoder.drivers)
        self._journal.call(lambda connection: dials.declare(connection, shown))
        self.decoder.remember(self._journal.call(dialect.load))
        kept = [item.body for item in self._journal.call(mappings.listing)]
        self.decoder.set_mappings(in_force(self.settings.mappings, kept, file=self.site_file))
        use_aliases(self._journal, self.decoder)
        self._journal.set_judge(self.engine)
        self._projection = projection_of(
            self.settings,
            self.secrets.influx,
            self._journal,
            clock=self.clock,
            counters=self._counters,
        )
        if self._projection is not None:
            self._projection.prepare()
            self._closers.append(self._projection.stop)
        self._desk.open(
            self._journal,
            devices_changed=self.engine.devices_changed,
            unwell=self.engine.unwell,
            checks=self.checks,
        )
        self._desk.fenced = self.end

    def start(self) -> None:
        """Open the doors: broker, page, alerts, ingest."""
        if self._journal is None:
            self.prepare()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        log.info("started", page=self.url, data=str(self.data_dir))

    def _start(self) -> None:
        self._started_ms = self.clock.now_ms()
        settle()
        page = PageServer(
            create_app(self._services(), **self._hosts()),
            host=self.settings.api.host,
            port=self.settings.api.port,
            file=self.site_file,
            listener=self.listener,
        )
        page.start()
        self.page = page
        self._closers.append(page.stop)
        address = self._address()
        if self._projection is not None:
            self._projection.start()
        self.transport = mqtt_transport(
            address,
            receiver=self.settings.broker.receiver,
            client_id=self.settings.broker.client_id,
            topics=self._desk.topics(),
            on_event=lambda event, detail: log.info("broker", happened=event, detail=detail),
            clock=self.clock,
        )
        gate = Gate(self.journal.knows, topics=self._known_topics())
        self.ingest = Ingest(
            self.transport,
            self.decoder,
            self.journal,
            clock=self.clock,
            gate=gate,
            resumer=Resumer(self.journal, self.decoder),
            commands=self._desk.commands(),
        )
        self._desk.start(self.transport.publish, broker=address, reconnect=self.ingest.connect_anew)
        self._closers.append(self._desk.stop)
        self.ingest.start()
        self._closers.append(self.ingest.stop)
        self.kpis = KpiJob(
            self.journal,
            site=self.settings,
            calendar=SchoolCalendar(self.settings.calendar, self.settings.zone),
            clock=self.clock,
            bands=lambda device: band_of(device, self.settings),
        )
        self.kpis.start()
        self._closers.append(self.kpis.stop)
        for part in (
            CatchUp(self.journal, self.decoder, gate, clock=self.clock),
            PastJudge(self.journal, self.engine, clock=self.clock),
            Inspector(self.journal, zone=self.settings.zone, clock=self.clock),
        ):
            part.worker.start()
            self._workers.append(part.worker)
            self._closers.append(part.worker.stop)
        running = self.data_dir / RUNNING
        running.write_text(json.dumps({"pid": os.getpid(), "url": page.url}), encoding="utf-8")
        self._closers.append(lambda: running.unlink(missing_ok=True))

    def _hosts(self) -> dict[str, frozenset[str]]:
        if self.settings.api.host not in _LOOPBACK:
            return {"hosts": frozenset()}
        public = urlsplit(self.settings.api.public_url).hostname
        return {"hosts": LOOPBACK_HOSTS | {public}} if public else {}

    def _address(self) -> Address:
        """Return where messages come from; the embedded broker is started when none is named."""
        settings = self.settings.broker
        if settings.url:
            address = address_of(
                settings.url,
                file=self.site_file,
                username=settings.username,
                password=self.secrets.external_broker_password,
                ca_file=settings.ca_file,
            )
            refuse_known(address.password, key="broker.url", file=self.site_file)
            return address
        own = Login(_OWN_LOGIN, self.secrets.broker_password)
        broker = embedded_broker(
            settings.kind,
            data_dir=self.data_dir / "broker",
            port=settings.port,
            logins=(own, *self._logins),
            host=settings.host,
        )
        broker.start()
        self.broker = broker
        self._closers.append(broker.stop)
        return broker.address(_OWN_LOGIN)

    def _known_topics(self) -> dict[str, str]:
        return {device.last_topic: device.key for device in self.journal.devices()}

    def _services(self) -> Services:
        return Services(
            site=self.settings,
            journal=self.journal,
            clock=self.clock,
            calendar=SchoolCalendar(self.settings.calendar, self.settings.zone),
            decoder=self.decoder,
            doorman=Doorman.of(
                viewer=self.secrets.viewer_token,
                operator=self.secrets.operator_token,
                admin=self.secrets.admin_token,
            ),
            checks=self.checks,
            counters=self._counters,
            devices_changed=self.engine.devices_changed,
            started_ms=self._started_ms,
            version=__version__,
            projection=self._projection,
            signer=self._desk.signer,
            drills=self._desk.drills,
        )

    def checks(self) -> list[tuple[str, bool, str, str]]:
        """Return (part, ok, value, remedy) of broker, ingest and alerts."""
        connected = self.transport is not None and self.transport.connected
        notices = self.broker.notices if self.broker else ()
        found = [
            (
                "broker",
                connected,
                "connected" if connected else "not connected",
                "" if connected else "Is the broker up, and are address and login right?",
            )
        ]
        found += [("broker refusal", True, notice, "") for notice in notices[-1:]]
        ingest = self.ingest
        if ingest is not None:
            well = ingest.alive and not ingest.failing
            found.append(
                (
                    "ingest",
                    well,
                    ingest.failing or f"{ingest.counters['stored']} readings stored",
                    "" if well else "Readings wait at the broker until the store is well again.",
                )
            )
        if self.kpis is not None:
            found.append(self.kpis.check())
        found.append(self._threads())
        refused = self.engine.book.problem
        found.append(
            ("rules", not refused, refused or "in force", refused and "See docs/alerts.md.")
        )
        if self._projection is not None:
            found.append(self._projection.check())
        sick = {f"{rule}, device {device}": why for (rule, device), why in self.engine.sick.items()}
        return found + self._desk.checks(sick)

    def _threads(self) -> tuple[str, bool, str, str]:
        """Return whether every task runs, and none was begun anew within the last minute."""
        workers = [self.journal.worker, *self._workers, *self._desk.workers]
        workers += [self.ingest.worker] if self.ingest is not None else []
        ill = [f"{worker.name}: {worker.problem}" for worker in workers if worker.problem]
        remedy = "It was begun anew; report this with the log." if ill else ""
        return ("threads", not ill, "; ".join(ill) or "at work", remedy)

    def _counters(self) -> tuple[dict[str, int], dict[str, int]]:
        if self.ingest is None:
            return {}, {}
        return dict(self.ingest.counters), dict(self.ingest.rejected)

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.page.url if self.page else ""

    def wait(self) -> None:
        """Block until `end` is called."""
        self._ended.wait()

    def end(self) -> None:
        """Let `wait` return; safe in a signal handler."""
        self._ended.set()

    def stop(self) -> None:
        """Close everything that was opened, the last first."""
        with contextlib.ExitStack() as stack:
            for closer in self._closers:
                stack.callback(closer)
            self._closers = []
        log.info("stopped", data=str(self.data_dir))


def on_port(settings: SiteSettings, *, broker: int, page: int) -> SiteSettings:
    """Return the settings with other ports; 0 keeps what stands there."""
    return replace(
        settings,
        broker=replace(settings.broker, port=broker or settings.broker.port),
        api=replace(settings.api, port=page or settings.api.port),
    )
