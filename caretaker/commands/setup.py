"""caretaker init and check."""

import shutil
import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from alerting.channels import build_channels
from caretaker.app import JOURNAL
from caretaker.clock import SystemClock
from caretaker.commands.common import (
    DATA,
    SITE,
    DataOption,
    SiteOption,
    console,
    running_url,
    settings_of,
)
from caretaker.config import SiteSettings
from caretaker.deployment import prepare, reachable_as
from caretaker.errors import BrokerError, CaretakerError, ConfigurationError
from caretaker.secrets import load_or_create
from caretaker.template import TEMPLATE
from ingest.broker.choose import embedded_broker
from ingest.broker.supervise import answers
from ingest.decoder import Decoder
from ingest.mapping import drivers_from
from ingest.samples import proven_drivers
from ingest.transport.url import address_of
from storage.connection import open_reader
from storage.schema import MIGRATIONS

app = typer.Typer()
_DISK_LOW = 2 * 1024**3


ComposeOption = Annotated[
    Path | None,
    typer.Option(
        "--compose", help="The folder with docker-compose.yml: make all that it needs below data/."
    ),
]
NameOption = Annotated[
    list[str] | None,
    typer.Option("--name", help="A host name or address by which devices reach the broker."),
]


@app.command()
def init(data: DataOption = DATA, compose: ComposeOption = None, name: NameOption = None) -> None:
    """Write a commented site.toml and make the logins; with --compose also what compose needs.

    For compose that is a certificate authority, the broker's certificate and logins, and the
    passwords of InfluxDB and Grafana, each in a file of its own (0600). What is there is kept.

    Example: caretaker init --data /var/lib/caretaker
    """
    if compose is not None:
        _init_compose(compose, name or [])
        return
    data.mkdir(parents=True, exist_ok=True)
    path = data / SITE
    if path.exists():
        raise CaretakerError(f"{path} exists and is kept: edit it, then run `caretaker check`")
    path.write_text(TEMPLATE, encoding="utf-8")
    load_or_create(data)
    console.print(f"{path} is written; every line says what it is for.")
    console.print("Next: edit it, `caretaker check`, `caretaker run`.")


def _init_compose(home: Path, names: list[str]) -> None:
    if not (home / "docker-compose.yml").exists():
        raise CaretakerError(f"{home} holds no docker-compose.yml: name the project's folder")
    known = list(dict.fromkeys([*names, *reachable_as()]))
    made = prepare(home, names=known)
    for path in made:
        console.print(f"[green]made[/green]  {escape(str(path))}")
    if not made:
        console.print("Everything was there and is kept.")
    if any(path.name == "server.crt" for path in made):
        console.print(f"The broker's certificate is good for {escape(', '.join(known))}.")
    console.print("Next: edit data/caretaker/site.toml, then `docker compose up -d`.")
    console.print("Grafana's login: caretaker, data/credentials/grafana_admin_password.")
    console.print("Devices trust data/caretaker/mosquitto/ca.crt.")


@dataclass(slots=True)
class _Findings:
    wrong: int = 0

    def good(self, what: str, detail: str = "") -> None:
        console.print(f"[green]ok[/green]     {what:14} {escape(detail)}")

    def bad(self, what: str, problem: str, remedy: str) -> None:
        self.wrong += 1
        console.print(f"[red]wrong[/red]  {what:14} {escape(problem)}")
        console.print(f"       {'':14} {escape(remedy)}")


@app.command()
def check(data: DataOption = DATA, site: SiteOption = None) -> None:
    """Say what is wrong with settings, store, broker and disk, and how to mend it.

    Example: caretaker check
    """
    found = _Findings()
    settings: SiteSettings | None = None
    try:
        settings, file = settings_of(data, site)
        found.good("settings", file if Path(file).exists() else "defaults, no site.toml")
        secrets = load_or_create(data)
        found.good("secrets", "0600")
        build_channels(settings.channels, secrets=secrets.channels, file=file)
        found.good("channels", ", ".join(channel.name for channel in settings.channels))
        drivers = proven_drivers(data / "drivers", clock=SystemClock())
        decoder = Decoder(drivers, clock=SystemClock())  # it knows the codecs and their options
        decoder.set_mappings(drivers_from(settings.mappings, file=file))
        found.good("drivers", ", ".join(driver.name for driver in drivers))
    except ConfigurationError as error:
        found.bad("settings", f"{error.file}: {error.key}: {error.problem}", error.remedy)
    _store(found, data)
    url = running_url(data) if data.exists() else ""
    if url:
        found.good("running", url)
    if settings is not None:
        _broker(found, settings, data, running=bool(url))
        if not url:
            _port(found, settings)
    free = shutil.disk_usage(data if data.exists() else Path()).free
    if free < _DISK_LOW:
        found.bad("disk", f"{free / 1e9:.1f} GB free", "A year of a school needs about 2 GB.")
    else:
        found.good("disk", f"{free / 1e9:.1f} GB free")
    if found.wrong:
        raise typer.Exit(1)


def _store(found: _Findings, data: Path) -> None:
    path = data / JOURNAL
    if not path.exists():
        found.good("store", "none yet; the first start makes it")
        return
    connection = open_reader(path)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    sound = connection.execute("PRAGMA quick_check").fetchone()[0]
    connection.close()
    if sound != "ok":
        found.bad("store", f"{path}: {sound}", "Restore the newest backup: caretaker restore")
    elif version > len(MIGRATIONS):
        found.bad("store", f"schema {version} is newer than this program", "Install the newer one.")
    else:
        found.good("store", f"schema {version}, {path.stat().st_size / 1e6:.0f} MB")


def _broker(found: _Findings, settings: SiteSettings, data: Path, *, running: bool) -> None:
    if settings.broker.url:
        try:
            address = address_of(settings.broker.url)
        except ConfigurationError as error:
            found.bad("broker", f"{error.key}: {error.problem}", error.remedy)
            return
        with closing(socket.socket()) as probe:
            probe.settimeout(3)
            try:
                probe.connect((address.host, address.port))
            except OSError as error:
                found.bad(
                    "broker",
                    f"{address.host}:{address.port} does not answer ({error})",
                    "Start it, or correct [broker] url; is a firewall between?",
                )
                return
        found.good("broker", f"{address.host}:{address.port} answers")
        return
    try:
        kind = embedded_broker(
            settings.broker.kind, data_dir=data / "broker", port=settings.broker.port, logins=()
        ).kind
    except BrokerError as error:
        found.bad("broker", str(error), "Install it, or name a broker in [broker] url.")
        return
    if not running and answers(settings.broker.port):
        found.bad(
            "broker",
            f"port {settings.broker.port} is taken by another program",
            "Another broker? Name it in [broker] url, or choose another port.",
        )
        return
    found.good("broker", f"built-in {kind}, port {settings.broker.port}")


def _port(found: _Findings, settings: SiteSettings) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.api.host, settings.api.port))
        except OSError as error:
            found.bad(
                "page",
                f"{settings.api.host}:{settings.api.port}: {error.strerror}",
                "Choose another port in [api].",
            )
            return
    found.good("page", f"{settings.api.host}:{settings.api.port} is free")
