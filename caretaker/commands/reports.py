"""caretaker inspector-pack, audit."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from caretaker.clock import SystemClock
from caretaker.commands.common import (
    DATA,
    DataOption,
    SiteOption,
    console,
    must_exist,
    settings_of,
)
from caretaker.errors import CaretakerError, ConfigurationError
from reports.document import html, pdf
from reports.integrity import seal
from reports.pack import gather
from reports.workbook import workbook
from storage import audit as chain
from storage.connection import open_reader

app = typer.Typer()

Lang = Annotated[str, typer.Option("--lang", help="zh-CN or en; the site's by default.")]


@app.command("inspector-pack")
def inspector_pack(
    begin: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")],
    folder: Annotated[Path, typer.Option("--out", help="Where the files go.")] = Path(),
    data: DataOption = DATA,
    site: SiteOption = None,
    lang: Lang = "",
) -> None:
    """Write cold storage's records of a period for an inspector, as PDF and as a workbook.

    Example: caretaker inspector-pack --from 2026-09-01 --to 2026-11-30
    """
    settings, _ = settings_of(data, site)
    chosen = lang or settings.lang
    if chosen not in {"zh-CN", "en"}:
        raise CaretakerError(f"{chosen} is not spoken here; use zh-CN or en")
    first, last = _days(begin, end)
    now_ms = SystemClock().now_ms()
    connection = open_reader(must_exist(data))
    try:
        connection.execute("BEGIN")
        pack = gather(connection, settings, first_day=first, last_day=last, now_ms=now_ms)
        sealed = seal(connection, pack)
        folder.mkdir(parents=True, exist_ok=True)
        stem = folder / f"cold-storage-{first}-{last}"
        book = stem.with_suffix(".xlsx")
        book.write_bytes(workbook(connection, pack, sealed, lang=chosen))
    finally:
        connection.close()
    console.print(f"{book}")
    try:
        paper = stem.with_suffix(".pdf")
        paper.write_bytes(pdf(html(pack, sealed, lang=chosen, made_ms=now_ms)))
        console.print(f"{paper}")
    except ConfigurationError as error:
        console.print(f"{error}")
        raise typer.Exit(1) from error
    console.print(f"SHA-256 of the data: {sealed.digest}")


def _days(begin: datetime, end: datetime) -> tuple[date, date]:
    first, last = begin.date(), end.date()
    if last < first:
        raise CaretakerError("--to is before --from; exchange the two")
    if (last - first).days > 400:
        raise CaretakerError("that is more than 400 days; take a shorter period")
    return first, last


audit_app = typer.Typer(no_args_is_help=True, help="The audit log, a hash chain: verify it.")


@audit_app.command("verify")
def verify(
    data: DataOption = DATA,
    head: Annotated[
        str, typer.Option(help="A head noted earlier, ID:HASH; it must still stand there.")
    ] = "",
) -> None:
    """Check every row of the audit log, and that no tail was cut since a noted head.

    Example: caretaker audit verify --head 812:9f2c...
    """
    connection = open_reader(must_exist(data))
    try:
        broken = chain.verify(connection)
        number, digest = chain.head(connection)
        if broken:
            console.print(f"Row {broken} does not fit the chain: it or one before was changed.")
            raise typer.Exit(1)
        if head:
            noted, _, value = head.partition(":")
            try:
                stands = chain.has(connection, int(noted), bytes.fromhex(value))
            except ValueError as error:
                raise CaretakerError("--head is ID:HASH, as audit verify prints it") from error
            if not stands:
                console.print(f"Row {noted} is gone or another: rows were cut or exchanged.")
                raise typer.Exit(1)
    finally:
        connection.close()
    console.print(f"Every row fits. Note the head elsewhere: {number}:{digest.hex()}")
