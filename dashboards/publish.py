"""Pushing the boards to a Grafana that is already there, by its HTTP API."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from grafana_client.api import GrafanaApi
from grafana_client.client import (
    GrafanaBadInputError,
    GrafanaClientError,
    GrafanaException,
    GrafanaUnauthorizedError,
)
from niquests.exceptions import RequestException

from caretaker.errors import CaretakerError
from dashboards.board import Board
from dashboards.boards import BOARDS
from dashboards.panels import Json
from dashboards.query import DATASOURCE
from dashboards.text import Text

_Answer = TypeVar("_Answer")
FOLDER_TITLE = Text("校管家", "Caretaker")


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one board: `created`, `updated` or `unchanged`."""

    title: str
    url: str
    outcome: str


def publish(
    url: str,
    token: str,
    *,
    langs: Sequence[str],
    page: str,
    zone: str,
    boards: Sequence[Board] = BOARDS,
) -> Iterator[Published]:
    """Bring each board to Grafana as it is here; one that is so already is left alone.

    `page` is where a browser reaches Caretaker, `zone` the site's time zone. Raises
    CaretakerError with the remedy.
    """
    api = _connected(url, token)
    _needs_datasource(api, url)
    for lang in langs:
        folder = f"caretaker-{lang.lower().split('-', maxsplit=1)[0]}-published"
        _needs_folder(api, url, folder=folder, title=FOLDER_TITLE.in_(lang))
        for board in boards:
            document = with_constants(board.to_json(lang), page=page, zone=zone)
            yield _push(api, url, document, folder=folder)


def with_constants(document: Json, *, page: str, zone: str) -> Json:
    """Return a board with the site's own page and time zone instead of the defaults."""
    wanted = {"page": page.rstrip("/"), "zone": zone}
    for variable in document["templating"]["list"]:
        value = wanted.get(variable["name"])
        if value:
            chosen = {"text": value, "value": value}
            variable |= {"query": value, "current": chosen}
            variable["options"] = [chosen | {"selected": True}]
    return document


def within(ours: Any, theirs: Any) -> bool:
    """Return whether all of ours stands in theirs; what a server adds of its own does not count.

    >>> within({"a": [{"b": 1}]}, {"a": [{"b": 1, "id": 7}], "version": 3})
    True
    >>> within({"a": [1]}, {"a": [1, 2]})
    False
    """
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(
            key in theirs and within(value, theirs[key]) for key, value in ours.items()
        )
    if isinstance(ours, list):
        return (
            isinstance(theirs, list)
            and len(ours) == len(theirs)
            and all(within(one, other) for one, other in zip(ours, theirs, strict=True))
        )
    return bool(ours == theirs)


def _connected(url: str, token: str) -> GrafanaApi:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise CaretakerError(
            f"{url!r} is no address of a Grafana: write http://host:3000, without a login in it"
        )
    path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
    address = parts._replace(path=path, query="", fragment="").geturl()
    api: GrafanaApi = GrafanaApi.from_url(address, credential=token, timeout=20.0)
    return api


def _asked(url: str, ask: Callable[[], _Answer]) -> _Answer:
    try:
        return ask()
    except GrafanaUnauthorizedError as error:
        raise CaretakerError(
            f"{url} does not know this token: make one for a service account with the role Editor"
        ) from error
    except GrafanaBadInputError as error:
        raise CaretakerError(f"{url} refused it: {_words(error)}") from error
    except GrafanaClientError as error:
        if error.status_code == 403:
            raise CaretakerError(
                f"{url}: the token may not do that; its service account needs the role Editor"
            ) from error
        raise
    except GrafanaException as error:
        raise CaretakerError(f"{url} failed: {error.message}. Try again later.") from error
    except RequestException as error:
        raise CaretakerError(f"{url} does not answer; is Grafana up there? ({error})") from error


def _words(error: GrafanaException) -> str:
    found = error.response
    return str(found.get("message", found)) if isinstance(found, dict) else str(found)


def _needs_datasource(api: GrafanaApi, url: str) -> None:
    try:
        found = _asked(url, lambda: api.datasource.get_datasource_by_uid(DATASOURCE["uid"]))
    except GrafanaClientError as error:
        raise CaretakerError(
            f"{url} has no datasource with the uid {DATASOURCE['uid']}: add InfluxDB there in its"
            " InfluxQL mode, or provision deploy/grafana/provisioning/datasources/caretaker.yaml"
        ) from error
    if found.get("type") != DATASOURCE["type"]:
        raise CaretakerError(f"{url}: the datasource {DATASOURCE['uid']} is no InfluxDB")


def _needs_folder(api: GrafanaApi, url: str, *, folder: str, title: str) -> None:
    try:
        _asked(url, lambda: api.folder.get_folder(folder))
    except GrafanaClientError:
        _asked(url, lambda: api.folder.create_folder(title, uid=folder))


def _push(api: GrafanaApi, url: str, document: Json, *, folder: str) -> Published:
    uid, title = document["uid"], document["title"]
    try:
        there = _asked(url, lambda: api.dashboard.get_dashboard(uid))
    except GrafanaClientError:
        there = None
    if there is not None and there["meta"].get("provisioned"):
        raise CaretakerError(
            f"{url}: {title} is provisioned from a file there, and updates itself with the project"
        )
    if there is not None and within(document, there["dashboard"]):
        return Published(title, str(there["meta"].get("url", "")), "unchanged")
    body = {
        "dashboard": document | {"id": None},
        "folderUid": folder,
        "message": "caretaker dashboards publish",
        "overwrite": True,
    }
    answer = _asked(url, lambda: api.dashboard.update_dashboard(body))
    outcome = "created" if there is None else "updated"
    return Published(title, str(answer.get("url", "")), outcome)
