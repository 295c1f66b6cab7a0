"""caretaker dashboards: the Grafana boards."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from caretaker.commands.common import DATA, DataOption, SiteOption, console, settings_of
from caretaker.errors import CaretakerError
from dashboards.text import LANGS

app = typer.Typer(no_args_is_help=True, help="The Grafana boards.")


@app.command()
def publish(
    url: Annotated[str, typer.Option(help="Grafana's address, http://host:3000.")],
    token_file: Annotated[
        Path, typer.Option(help="A file with the token of a service account, role Editor.")
    ],
    lang: Annotated[
        list[str] | None, typer.Option(help="zh-CN or en, may stand twice; the site's language.")
    ] = None,
    page: Annotated[
        str, typer.Option(help="Where a browser reaches Caretaker; [api] in site.toml.")
    ] = "",
    data: DataOption = DATA,
    site: SiteOption = None,
) -> None:
    """Push the boards to a Grafana that is already there; what is there as here is left alone.

    Compose needs no push: it provisions the boards from files.

    Example: caretaker dashboards publish --url http://grafana:3000 --token-file token
    """
    # Grafana's client takes a sixth of the time that every command needs to start.
    from dashboards.publish import publish as push  # noqa: PLC0415

    settings, _ = settings_of(data, site)
    langs = lang or [settings.lang]
    if not set(langs) <= set(LANGS):
        raise CaretakerError(f"--lang is one of {', '.join(LANGS)}")
    try:
        token = token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CaretakerError(f"{token_file} cannot be read: {error}") from error
    if not token:
        raise CaretakerError(f"{token_file} is empty: write the service account's token into it")
    host = "127.0.0.1" if settings.api.host == "0.0.0.0" else settings.api.host  # noqa: S104  (compared)
    where = page or f"http://{host}:{settings.api.port}"
    if urlsplit(where).scheme not in {"http", "https"}:
        raise CaretakerError(f"--page {where!r}: write http://host:8420")
    counted: dict[str, int] = {}
    for found in push(url, token, langs=langs, page=where, zone=settings.zone.key):
        counted[found.outcome] = counted.get(found.outcome, 0) + 1
        console.print(f"{found.outcome:10} {escape(found.title)}  {escape(found.url)}")
    console.print(", ".join(f"{count} {outcome}" for outcome, count in counted.items()))
