"""caretaker influx: set up, look at and rebuild the copy in InfluxDB."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from caretaker.clock import SystemClock
from caretaker.commands.common import (
    DATA,
    DataOption,
    SiteOption,
    ask,
    console,
    quiet_journal,
    running_url,
    settings_of,
)
from caretaker.config import SiteSettings
from caretaker.errors import ConfigurationError
from caretaker.secrets import load_or_create, with_influx, write_private
from storage.influx.build import projection_of
from storage.influx.progress import FOLLOWING
from storage.influx.projection import Projection
from storage.influx.setup import set_up

_WAIT_S = 60.0

app = typer.Typer(no_args_is_help=True, help="Set up, look at and rebuild the copy in InfluxDB.")


def _settings(data: Path, site: Path | None) -> SiteSettings:
    settings, file = settings_of(data, site)
    if not settings.influx.url:
        raise ConfigurationError(
            file=file,
            key="influx.url",
            problem="names no InfluxDB",
            remedy='Write it as [influx] url = "http://127.0.0.1:8086".',
        )
    return settings


@contextmanager
def _at_rest(data: Path, settings: SiteSettings) -> Iterator[Projection]:
    """Lend the projection of data that nobody else works on."""
    with quiet_journal(data, settings) as journal:
        projection = projection_of(
            settings,
            load_or_create(data).influx,
            journal,
            clock=SystemClock(),
            counters=lambda: ({}, {}),
        )
        assert projection is not None
        projection.prepare()
        try:
            yield projection
        finally:
            projection.stop()


@app.command()
def status(data: DataOption = DATA, site: SiteOption = None) -> None:
    """Show how far InfluxDB is behind the journal, and what is wrong.

    Example: caretaker influx status
    """
    settings = _settings(data, site)
    if running_url(data):
        found = ask(data, "GET", "/influx")
    else:
        with _at_rest(data, settings) as projection:
            rest = projection.status()
            found = {name: getattr(rest, name) for name in rest.__slots__} | {
                "ok": rest.ok,
                "url": rest.target,
            }
    console.print(f"store     {found['url']} ({found['version']})")
    console.print(f"phase     {found['phase']}, {found['lag_s']:.0f} s behind the journal")
    console.print(
        f"to do     {found['stretches_to_send']} days or hours to send, "
        f"{found['stretches_to_check']} to check"
    )
    console.print(
        f"so far    {found['emitted']} rows taken, {found['expired']} too old, "
        f"{sum(found['rejected'].values())} set aside, {found['resent_hours']} hours sent again"
    )
    if found["failing"]:
        console.print(f"[red]wrong[/red]     {found['failing']}")
        console.print(f"remedy    {found['remedy']}")
    if not found["ok"]:
        raise typer.Exit(1)


@app.command()
def rebuild(data: DataOption = DATA, site: SiteOption = None) -> None:
    """Delete this site's data in InfluxDB and fill it again from the journal.

    Killed in between, it goes on at the next start.

    Example: caretaker influx rebuild
    """
    settings = _settings(data, site)
    if running_url(data):
        ask(data, "POST", "/influx/rebuild")
        console.print("The running Caretaker rebuilds it; see: caretaker influx status")
        return
    with _at_rest(data, settings) as projection:
        projection.rebuild()
        with console.status("Filling InfluxDB from the journal ..."):
            projection.flush()
        projection.keep()
        found = projection.status()
    if found.phase != FOLLOWING or found.failing:
        console.print(f"[red]not whole[/red]: {found.failing or found.phase}. {found.remedy}")
        raise typer.Exit(1)
    console.print(f"{found.emitted} rows written; InfluxDB holds what the journal holds.")


@app.command()
def setup(
    data: DataOption = DATA,
    site: SiteOption = None,
    admin: Annotated[
        str,
        typer.Option(
            envvar="INFLUXDB_ADMIN_TOKEN",
            prompt="Administrator's token (version 1: user:password; empty: no login)",
            prompt_required=False,
            hide_input=True,
            help="Used once, kept nowhere; better in the environment than on the command line.",
        ),
    ] = "",
    admin_token_file: Annotated[
        Path | None, typer.Option(help="A file that holds the administrator's token.")
    ] = None,
    read_token_file: Annotated[
        Path | None, typer.Option(help="Where to write the token that may only read, for Grafana.")
    ] = None,
) -> None:
    """Make bucket, retention and mapping, and two tokens that may only write and only read.

    Run again it changes nothing. A server that is just starting is waited for, a minute at most.

    Example: caretaker influx setup
    """
    settings = _settings(data, site)
    if admin_token_file is not None:
        admin = _token_in(admin_token_file)
    known = load_or_create(data)
    made = set_up(settings.influx, admin=admin, known=known.influx, wait_s=_WAIT_S)
    for step in made.steps:
        console.print(f"  {step}")
    if made.tokens:
        known = with_influx(data, known, made.tokens)
        console.print(f"The tokens stand in {data / 'secrets.toml'}, [influx] write and read.")
    if read_token_file is not None:
        write_private(read_token_file, known.influx.get("read", ""))
    if running_url(data):
        console.print("Restart Caretaker, so that it uses them.")


def _token_in(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            file=str(path),
            key="--admin-token-file",
            problem=f"cannot be read ({error})",
            remedy="Name a file that holds the administrator's token and nothing else.",
        ) from error
