"""The page behind the link in a message: one tap takes an incident on, without a login."""

import sqlite3
from html import escape
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse

from alerting.notify.compose import Composer
from alerting.notify.links import Grant
from alerting.texts import ACKNOWLEDGE, render
from api.guard import Parts
from api.services import Services
from storage import devices as device_records
from storage import incidents

router = APIRouter(tags=["incidents"])

Token = Annotated[str, Path(max_length=300, pattern=r"^[A-Za-z0-9_-]+$")]
_STYLE = (
    "body{font:17px/1.6 system-ui,sans-serif;max-width:32rem;margin:0 auto;padding:24px;"
    "background:#f6f7f4;color:#18211d}h1{font-size:22px}button{font:inherit;font-weight:600;"
    "width:100%;min-height:56px;border:0;border-radius:14px;background:#1b7a55;color:#fff}"
)


@router.get("/a/{token}", response_class=HTMLResponse)
def ask(token: Token, parts: Parts) -> HTMLResponse:
    """Show the incident and the button; looking changes nothing (chat programs open links)."""
    grant = _grant(parts, token)
    if grant is None:
        return _page(parts, ACKNOWLEDGE[parts.site.lang]["gone"], status=410)
    with parts.journal.reader() as connection:
        words = _words(parts, connection, grant)
        item = incidents.find(connection, grant.incident)
    return _asked(parts, item, words)


def _asked(
    parts: Services, item: incidents.Incident | None, words: tuple[str, str], *, status: int = 200
) -> HTMLResponse:
    """Show an incident with the button, which is good for what is shown and nothing later."""
    if item is None or _taken(item):
        return _page(parts, *words, ACKNOWLEDGE[parts.site.lang]["taken"])
    label = escape(ACKNOWLEDGE[parts.site.lang]["button"])
    button = (
        f'<form method="post" action="?raised={item.raised_ms}">'
        f'<button type="submit">{label}</button></form>'
    )
    return _page(parts, *words, html=button, status=status)


def _taken(item: incidents.Incident) -> bool:
    return item.acknowledged_ms is not None or item.state == incidents.RESOLVED


@router.post("/a/{token}", response_class=HTMLResponse)
def take(token: Token, parts: Parts, raised: Annotated[int, Query(ge=0)] = 0) -> HTMLResponse:
    """Take the incident on in the person's name, as it was shown.

    Once: a press that is sent again, by whomever, does nothing to what was raised since.
    """
    grant = _grant(parts, token)
    if grant is None:
        return _page(parts, ACKNOWLEDGE[parts.site.lang]["gone"], status=410)
    now_ms = parts.clock.now_ms()

    def work(connection: sqlite3.Connection) -> tuple[incidents.Incident, tuple[str, str], bool]:
        item = incidents.need(connection, grant.incident)
        shown = item.raised_ms == raised and not _taken(item)
        if shown:
            incidents.acknowledge(connection, item.id, actor=grant.person or "link", now_ms=now_ms)
        return item, _words(parts, connection, grant), shown

    try:
        item, words, shown = parts.journal.call(work)
    except KeyError:
        return _page(parts, ACKNOWLEDGE[parts.site.lang]["gone"], status=410)
    if not shown:
        return _asked(parts, item, words, status=200 if _taken(item) else 409)
    parts.devices_changed()
    return _page(parts, *words, ACKNOWLEDGE[parts.site.lang]["thanks"])


def _grant(parts: Services, token: str) -> Grant | None:
    return None if parts.signer is None else parts.signer.read(token)


def _words(parts: Services, connection: sqlite3.Connection, grant: Grant) -> tuple[str, str]:
    item = incidents.find(connection, grant.incident)
    if item is None:
        return ACKNOWLEDGE[parts.site.lang]["gone"], ""
    place = Composer(parts.site, link="", sign=lambda *_: "").place(
        item, device_records.find(connection, item.device)
    )
    return render(
        lang=parts.site.lang,
        rule=item.rule,
        kind="opened",
        device=place,
        since_ms=item.since_ms,
        zone=parts.site.zone,
        evidence=item.evidence,
        drill=item.kind == incidents.DRILL,
    )


def _page(
    parts: Services, title: str, *texts: str, html: str = "", status: int = 200
) -> HTMLResponse:
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in texts if text)
    body = (
        f'<!doctype html><html lang="{parts.site.lang}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<main><h1>{escape(title)}</h1>{paragraphs}{html}</main></html>"
    )
    return HTMLResponse(body, status_code=status, headers={"Cache-Control": "no-store"})
