"""caretaker backup, restore, token."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from caretaker.app import JOURNAL
from caretaker.clock import from_ms
from caretaker.commands.common import DATA, DataOption, console, must_exist, running_url
from caretaker.deployment import BROKER_FILES, write_broker_files
from caretaker.errors import CaretakerError
from caretaker.secrets import load_or_create, rotate, with_devices
from ingest.broker.standalone import check_login
from storage.backup import Report, restore, verify
from storage.backup import backup as take

app = typer.Typer()


def _tell(report: Report) -> None:
    table = Table(show_header=False, box=None)
    table.add_row("newest reading", f"{from_ms(report.newest_ms):%Y-%m-%d %H:%M:%S} UTC")
    table.add_row("schema", str(report.schema))
    for name, count in report.rows.items():
        table.add_row(f"{name} rows", f"{count:,}")
    table.add_row("SHA-256", report.sha256)
    console.print(table)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")], data: DataOption = DATA
) -> None:
    """Copy the journal, also while Caretaker runs. Keep secrets.toml and site.toml beside it.

    Example: caretaker backup /media/usb/caretaker-2026-11-24.sqlite3
    """
    report = take(must_exist(data), file)
    console.print(f"Backed up to {file} and checked.")
    _tell(report)


@app.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    check_only: Annotated[
        bool, typer.Option("--verify", help="Only check the backup; nothing is written.")
    ] = False,
    data: DataOption = DATA,
) -> None:
    """Check a backup, and put it into an empty data directory.

    Example: caretaker restore caretaker-2026-11-24.sqlite3 --verify
    """
    if check_only:
        report = verify(file)
        console.print(f"{file} is whole and sound.")
    else:
        report = restore(file, data / JOURNAL)
        console.print(f"Restored into {data}.")
    _tell(report)


@app.command()
def token(
    data: DataOption = DATA,
    device: Annotated[
        str, typer.Option(help="Make a login of its own for this device at the broker.")
    ] = "",
    gateway: Annotated[
        bool,
        typer.Option(
            "--gateway", help="The login is a gateway's: zigbee2mqtt, wmbusmeters, tele ..."
        ),
    ] = False,
    renew: Annotated[
        bool, typer.Option("--rotate", help="Make new ones; the old open nothing more.")
    ] = False,
) -> None:
    """Show what people log in with, by role, and devices at the broker, by name.

    A device with a login of its own may use only topics that hold its name; the login `meter`
    may use all. Beside compose's broker, its password file is written anew.

    Example: caretaker token --device kitchen_plug
    """
    secrets = load_or_create(data)
    beside = (data / BROKER_FILES / "passwords").exists()
    if (renew or (device and not beside)) and running_url(data):
        raise CaretakerError("stop Caretaker first: it reads the logins when it starts")
    if renew:
        secrets = rotate(data, secrets)
    if device:
        check_login(device, gateway=gateway)
        secrets = with_devices(data, secrets, [device])
        if beside:
            write_broker_files(data, secrets)
            console.print("Now: docker compose kill -s HUP mosquitto")
    for role, value in (
        ("viewer", secrets.viewer_token),
        ("operator", secrets.operator_token),
        ("admin", secrets.admin_token),
    ):
        console.print(f"{role:9} {value}")
    for name, password in secrets.device_passwords.items():
        console.print(f"MQTT user {name} {password}")
