"""Joins: a person says that a device of the inbox is one that is known under another id."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import schemas
from api.guard import Operator, Parts, RefusedError, Viewer
from api.schemas import joins as shapes
from caretaker.errors import CaretakerError
from ingest.joining import join, use_aliases
from storage import aliases
from storage.aliases import AliasError

router = APIRouter(tags=["inbox"])

Number = Annotated[int, Path(ge=1, le=2**53)]


@router.get("/joins")
def list_joins(parts: Parts, role: Viewer) -> shapes.Joins:
    """Return the ids whose readings are another device's, and who said so."""
    del role
    with parts.journal.reader() as connection:
        found = aliases.listing(connection)
    return shapes.Joins(
        items=[
            shapes.Join(key=item.key, device=item.device, author=item.author, at_ms=item.at_ms)
            for item in found
        ]
    )


@router.post(
    "/inbox/{device}/join",
    responses={404: {"model": schemas.Refusal}, 409: {"model": schemas.Refusal}},
)
def join_device(device: Number, body: shapes.JoinIn, parts: Parts, role: Operator) -> shapes.Join:
    """Make a heard device one with an adopted one: its readings so far and from now on are its.

    A register that both have counts as exchanged when the new one first spoke.
    """
    try:
        made = join(
            parts.journal,
            parts.decoder,
            heard=device,
            device=body.device,
            author=role.name.lower(),
            now_ms=parts.clock.now_ms(),
        )
    except KeyError as error:
        raise RefusedError(
            404, "not_found", "There is no such device.", "GET /devices and /inbox list them."
        ) from error
    except (AliasError, CaretakerError) as error:
        raise RefusedError(
            409, "not_joined", f"They cannot be one: {error}.", "Adopt it as a device of its own."
        ) from error
    parts.devices_changed()
    return shapes.Join(key=made.key, device=made.device, author=made.author, at_ms=made.at_ms)


@router.delete("/joins", responses={404: {"model": schemas.Refusal}})
def part_device(
    key: Annotated[str, Query(min_length=1, max_length=256)], parts: Parts, role: Operator
) -> shapes.Joins:
    """Take a join back: the id is a device of its own again; what it took over stays."""
    done = parts.journal.call(
        lambda connection: aliases.part(
            connection, key, author=role.name.lower(), now_ms=parts.clock.now_ms()
        )
    )
    if not done:
        raise RefusedError(404, "not_found", "No such id was joined.", "GET /joins lists them.")
    use_aliases(parts.journal, parts.decoder)
    parts.devices_changed()
    return list_joins(parts, role)
