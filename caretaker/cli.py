"""The command `caretaker`; every error says what is wrong and how to mend it."""

import sys

import typer

from caretaker import __version__
from caretaker.commands import (
    alerts,
    dashboards,
    devices,
    export,
    influx,
    keep,
    kpi,
    meter,
    reports,
    rules,
    run,
    setup,
)
from caretaker.errors import CaretakerError

app = typer.Typer(
    name="caretaker",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Caretaker (校管家) watches a school campus over MQTT.",
)
for module in (run, setup, devices, alerts, export, meter, keep, rules, reports):
    app.registered_commands += module.app.registered_commands
app.add_typer(influx.app, name="influx")
app.add_typer(dashboards.app, name="dashboards")
app.add_typer(meter.meter_app, name="meter")
app.add_typer(kpi.app, name="kpi")
app.add_typer(reports.audit_app, name="audit")


@app.command()
def version() -> None:
    """Print the version.

    Example: caretaker version
    """
    typer.echo(__version__)


def main() -> None:
    """Run the command line; a known error is told without a traceback and ends with 2."""
    try:
        app()
    except CaretakerError as error:
        typer.secho(f"caretaker: {error}", fg="red", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
