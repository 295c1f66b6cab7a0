"""The door in front of the routes: role by token or session, errors in one shape."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

from api.auth import Role
from api.services import Services

COOKIE = "caretaker_session"
HEADER = "x-caretaker"


class RefusedError(Exception):
    """A request that gets a clear error; nothing was changed."""

    def __init__(self, status: int, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.remedy = remedy

    def response(self) -> JSONResponse:
        """Return the error as every client reads it."""
        body = {"error": {"code": self.code, "message": self.message, "remedy": self.remedy}}
        return JSONResponse(body, status_code=self.status)


def services(request: Request) -> Services:
    """Return the running parts."""
    found: Services = request.app.state.services
    return found


def caller(request: Request) -> Role:
    """Return the caller's role, or refuse with 401; a browser's change needs our own header."""
    parts = services(request)
    bearer = request.headers.get("authorization", "")
    if bearer.lower().startswith("bearer "):
        role = parts.doorman.role_of(bearer[7:])
        if role is not None:
            return role
    role = parts.doorman.session_role(request.cookies.get(COOKIE, ""))
    if role is None:
        raise RefusedError(401, "not_logged_in", "You are not logged in.", "Log in with a token.")
    if request.method not in {"GET", "HEAD"} and HEADER not in request.headers:
        raise RefusedError(
            403,
            "header_missing",
            "The request did not come from the page.",
            "Send the header X-Caretaker: 1.",
        )
    return role


def viewer(role: Annotated[Role, Depends(caller)]) -> Role:
    """Let everybody in who is logged in."""
    return role


def operator(role: Annotated[Role, Depends(caller)]) -> Role:
    """Let in who may change things."""
    if role < Role.OPERATOR:
        raise RefusedError(
            403, "not_allowed", "This login may look, not change.", "Log in as operator."
        )
    return role


Parts = Annotated[Services, Depends(services)]
Viewer = Annotated[Role, Depends(viewer)]
Operator = Annotated[Role, Depends(operator)]
