"""Reports to take away: the inspector pack as PDF or workbook, by one click."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import schemas
from api.guard import Parts, RefusedError, Viewer
from caretaker.errors import ConfigurationError
from reports.document import html, pdf
from reports.integrity import record, seal
from reports.pack import gather
from reports.workbook import workbook

router = APIRouter(tags=["reports"], prefix="/reports")

_LONGEST_DAYS = 400
_TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@router.get(
    "/inspector",
    response_class=Response,
    responses={
        200: {"content": {kind: {} for kind in _TYPES.values()}},
        422: {"model": schemas.Refusal},
        501: {"model": schemas.Refusal},
    },
)
def inspector_pack(
    parts: Parts,
    role: Viewer,
    begin: Annotated[date, Query(alias="from", description="first day, local")],
    end: Annotated[date, Query(alias="to", description="last day, local, included")],
    form: Annotated[Literal["pdf", "xlsx"], Query(alias="format")] = "pdf",
    lang: Annotated[Literal["", "zh-CN", "en"], Query()] = "",
) -> Response:
    """Return cold storage's records of a period; that it was taken stands in the audit log."""
    if not 0 <= (end - begin).days <= _LONGEST_DAYS:
        raise RefusedError(
            422, "invalid", "to: before from, or more than 400 days after it.", "Mend the period."
        )
    if not date(2000, 1, 2) <= begin <= date(2100, 1, 1):
        raise RefusedError(422, "invalid", "from: no such period.", "Take a day since 2000.")
    now_ms = parts.clock.now_ms()
    chosen = lang or parts.site.lang
    with parts.journal.reader() as connection:
        pack = gather(connection, parts.site, first_day=begin, last_day=end, now_ms=now_ms)
        sealed = seal(connection, pack)
        body = workbook(connection, pack, sealed, lang=chosen) if form == "xlsx" else b""
    if form == "pdf":
        try:
            body = pdf(html(pack, sealed, lang=chosen, made_ms=now_ms))
        except ConfigurationError as error:
            raise RefusedError(501, "no_pdf", error.problem, error.remedy) from error
    parts.journal.call(
        lambda connection: record(connection, pack, sealed, actor=role.name.lower(), now_ms=now_ms)
    )
    name = f"cold-storage-{begin}-{end}.{form}"
    return Response(
        body,
        media_type=_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
