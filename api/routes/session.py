"""Log in and out; who is asking, and about which site."""

from fastapi import APIRouter, Request, Response

from api import schemas
from api.guard import COOKIE, Parts, RefusedError, Viewer

router = APIRouter(tags=["session"])


@router.post("/login", responses={429: {"model": schemas.Refusal}})
def login(
    body: schemas.LoginRequest, parts: Parts, request: Request, response: Response
) -> schemas.Me:
    """Exchange a token for a session cookie that scripts cannot read."""
    if parts.doorman.throttled():
        raise RefusedError(429, "too_many_tries", "Too many wrong tokens.", "Wait a minute.")
    found = parts.doorman.login(body.token)
    if found is None:
        raise RefusedError(
            401, "wrong_token", "This token is not known.", "caretaker token shows the right ones."
        )
    session, role = found
    response.set_cookie(
        COOKIE, session, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return schemas.Me(actor=role.name.lower(), role=role.name.lower())


@router.post("/logout", status_code=204)
def logout(parts: Parts, request: Request, response: Response, role: Viewer) -> None:
    """End this browser's session."""
    del role
    parts.doorman.logout(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE)


@router.get("/me")
def me(role: Viewer) -> schemas.Me:
    """Say who is asking."""
    return schemas.Me(actor=role.name.lower(), role=role.name.lower())


@router.get("/site")
def site(parts: Parts, role: Viewer) -> schemas.Site:
    """Describe the site; `now_ms` is the clock that all times belong to."""
    del role
    settings = parts.site
    return schemas.Site(
        id=settings.id,
        name=settings.name,
        zone=settings.zone.key,
        lang=settings.lang,
        pupils=settings.pupils,
        now_ms=parts.clock.now_ms(),
        version=parts.version,
        buildings=[
            schemas.Building(id=b.id, name=b.name, area_m2=b.area_m2) for b in settings.buildings
        ],
        areas=[schemas.Area(id=a.id, name=a.name, building=a.building) for a in settings.areas],
        electricity_cny_kwh=settings.tariffs.electricity_cny_kwh,
        water_cny_m3=settings.tariffs.water_cny_m3,
    )
