"""What several commands share: where the data are, and who works on them."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import httpx2
import typer
from rich.console import Console

from caretaker.app import JOURNAL, RUNNING, open_journal
from caretaker.clock import SystemClock
from caretaker.config import SiteSettings
from caretaker.datalock import DataLock
from caretaker.errors import CaretakerError, ConfigurationError
from caretaker.secrets import load_or_create
from caretaker.sitefile import read_site
from storage.journal import Journal

DATA = Path("caretaker-data")
SITE = "site.toml"

DataOption = Annotated[
    Path, typer.Option("--data", help="The data directory.", envvar="CARETAKER_DATA")
]
SiteOption = Annotated[
    Path | None, typer.Option("--site", help="The site file; site.toml in the data directory.")
]

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)


def settings_of(data: Path, site: Path | None) -> tuple[SiteSettings, str]:
    """Return the settings and the file they stand in; without a file, the defaults."""
    path = site or data / SITE
    if site is None and not path.exists():
        return SiteSettings(), str(path)
    return read_site(path), str(path)


def must_exist(data: Path) -> Path:
    """Return the journal's path, or say how one comes to be."""
    path = data / JOURNAL
    if not path.exists():
        raise ConfigurationError(
            file=str(data),
            key="--data",
            problem="holds no journal",
            remedy="Name the data directory with --data, or start one with: caretaker run",
        )
    return path


def running_url(data: Path) -> str:
    """Return where a running Caretaker answers for these data, or ''."""
    lock = DataLock(data)
    try:
        lock.take()
    except ConfigurationError:
        try:
            found = json.loads((data / RUNNING).read_text(encoding="utf-8"))
            return str(found["url"])
        except (OSError, ValueError, KeyError) as error:
            raise CaretakerError(
                f"{data}: a Caretaker is just starting or stopping there; try again in a moment"
            ) from error
    lock.release()
    return ""


@contextmanager
def quiet_journal(data: Path, settings: SiteSettings) -> Iterator[Journal]:
    """Lend the journal of data that nobody else works on."""
    must_exist(data)
    lock = DataLock(data)
    lock.take()
    journal = open_journal(settings, data_dir=data, clock=SystemClock())
    try:
        yield journal
    finally:
        journal.close()
        lock.release()


def ask(data: Path, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the running Caretaker as operator and return its answer."""
    secrets = load_or_create(data)
    try:
        answer = httpx2.request(
            method,
            f"{running_url(data)}/api/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {secrets.operator_token}"},
            timeout=60,
        )
    except httpx2.HTTPError as error:
        raise CaretakerError(f"the running Caretaker does not answer: {error}") from error
    found = cast("Any", answer.json())
    if not answer.is_success:
        failure = found["error"]
        raise CaretakerError(f"{failure['message']} {failure['remedy']}".strip())
    return found
