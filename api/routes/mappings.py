"""Mappings: a person says what the messages of a topic mean, tries it, and keeps it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path

from api import schemas
from api.device_view import text_of
from api.guard import Operator, Parts, RefusedError, Viewer
from api.schemas import mapping as shapes
from api.services import Services
from caretaker.config import MappingField, MappingSettings
from caretaker.errors import ConfigurationError
from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Quality
from ingest.mapping import from_json, in_force, to_json
from ingest.replay import replay
from ingest.trial import Tried, attempt, held, usable, waiting
from ingest.units import choices
from storage import mappings

router = APIRouter(tags=["mappings"], prefix="/mappings")

_FROM_FILE = "site.toml"
_SAID = frozenset({"topics", "device", "separator", "unit"})
"""What the page has words of its own for when it is wrong."""

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


@router.get("")
def list_mappings(parts: Parts, role: Viewer) -> shapes.Mappings:
    """Return the mappings in force, the topics that wait for one, and the quantities to name."""
    del role
    with parts.journal.reader() as connection:
        kept = mappings.listing(connection)
    in_file = {mapping.name for mapping in parts.site.mappings}
    return shapes.Mappings(
        items=[_out(mapping, _FROM_FILE, 0) for mapping in parts.site.mappings]
        + [_out(from_json(m.body), m.author, m.at_ms) for m in kept if m.name not in in_file],
        waiting=[
            shapes.MappingTopic(
                topic=item.topic,
                count=item.count,
                last_ms=item.last_ms,
                reason=item.reason,
                payload=text_of(item.payload),
                leaves=_leaves(item.leaves),
                separator=item.separator,
                decimal=item.decimal,
            )
            for item in waiting(parts.journal)
        ],
        quantities=[
            shapes.MappingQuantity(
                name=q.name, unit=q.unit, units=list(choices(q.name)), en=q.en, zh=q.zh
            )
            for q in QUANTITIES.values()
        ],
    )


@router.post("/preview", responses={422: {"model": schemas.Refusal}})
def preview_mapping(
    body: shapes.MappingDraft, parts: Parts, role: Operator
) -> shapes.MappingPreview:
    """Return what a mapping would make of the last messages of its topic; nothing is stored.

    A draft without fields returns what stands in the messages.
    """
    del role
    tried = _try(parts, _settings(body))
    return shapes.MappingPreview(
        usable=usable(tried),
        leaves=_leaves(tried[0].leaves) if tried else [],
        messages=[_trial(item) for item in tried],
    )


@router.post("", responses={409: {"model": schemas.Refusal}, 422: {"model": schemas.Refusal}})
def keep_mapping(body: shapes.MappingIn, parts: Parts, role: Operator) -> shapes.MappingKept:
    """Keep a mapping that reads at least one of the last messages, and use what waited for it."""
    with parts.journal.reader() as connection:
        names = [kept.name for kept in mappings.listing(connection)]
    if body.name in names:
        raise RefusedError(
            409,
            "name_taken",
            f"There is a mapping called {body.name} already.",
            "Choose another name, or change that one.",
        )
    return _keep(body, parts, role.name.lower())


@router.put(
    "/{name}",
    responses={
        404: {"model": schemas.Refusal},
        409: {"model": schemas.Refusal},
        422: {"model": schemas.Refusal},
    },
)
def change_mapping(
    name: Name, body: shapes.MappingIn, parts: Parts, role: Operator
) -> shapes.MappingKept:
    """Put another mapping in place of one of the page; the readings that one made stay."""
    with parts.journal.reader() as connection:
        names = [kept.name for kept in mappings.listing(connection)]
    if name not in names:
        raise _none()
    if body.name != name:
        raise RefusedError(
            422, "invalid", "A mapping keeps its name.", "Remove it and make another one."
        )
    return _keep(body, parts, role.name.lower())


@router.delete("/{name}", responses={404: {"model": schemas.Refusal}})
def remove_mapping(name: Name, parts: Parts, role: Operator) -> shapes.Mappings:
    """Forget a mapping made on the page; the readings it made stay."""
    removed = parts.journal.call(
        lambda connection: mappings.remove(
            connection, name, author=role.name.lower(), now_ms=parts.clock.now_ms()
        )
    )
    if not removed:
        raise _none()
    _apply(parts)
    return list_mappings(parts, role)


def _none() -> RefusedError:
    return RefusedError(
        404, "not_found", "There is no such mapping of the page.", "GET /mappings lists them."
    )


def _keep(body: shapes.MappingIn, parts: Services, author: str) -> shapes.MappingKept:
    mapping = _settings(body)
    if any(mapping.name == other.name for other in parts.site.mappings):
        raise RefusedError(
            409,
            "owned_by_file",
            f"{mapping.name} stands in site.toml, so only the file may change it.",
            "Choose another name, or change site.toml and restart Caretaker.",
        )
    if not usable(_try(parts, mapping)):
        raise RefusedError(
            422,
            "untested",
            "This mapping reads none of the last messages of its topic.",
            "Look at the preview; mend topic, path or unit. Is the device sending?",
        )
    now_ms = parts.clock.now_ms()
    parts.journal.call(
        lambda connection: mappings.keep(
            connection, mapping.name, to_json(mapping), author=author, now_ms=now_ms
        )
    )
    _apply(parts)
    waited = held(parts.journal, mapping)
    replayed, refused = replay(parts.journal, parts.decoder, ids=waited) if waited else (0, 0)
    parts.devices_changed()
    return shapes.MappingKept(
        mapping=_out(mapping, author, now_ms),
        replayed=replayed,
        still_refused=refused,
    )


def _apply(parts: Services) -> None:
    with parts.journal.reader() as connection:
        kept = [item.body for item in mappings.listing(connection)]
    parts.decoder.set_mappings(in_force(parts.site.mappings, kept, file=_FROM_FILE))


def _leaves(found: Sequence[tuple[str, object]]) -> list[shapes.MappingLeaf]:
    return [shapes.MappingLeaf(path=path, value=str(value)[:80]) for path, value in found]


def _settings(body: shapes.MappingDraft | shapes.MappingIn) -> MappingSettings:
    fields = tuple(MappingField(**field.model_dump()) for field in body.fields)
    return MappingSettings(**body.model_dump(exclude={"fields"}), fields=fields)


def _try(parts: Services, mapping: MappingSettings) -> list[Tried]:
    try:
        return attempt(parts.journal, mapping, clock=parts.clock)
    except ConfigurationError as error:
        part = error.key.rpartition(".")[2].partition("[")[0]
        code = f"mapping_{part}" if part in _SAID else "invalid"
        raise RefusedError(422, code, f"{error.key}: {error.problem}", error.remedy) from error


def _out(mapping: MappingSettings, author: str, at_ms: int) -> shapes.MappingOut:
    return shapes.MappingOut.model_validate(to_json(mapping) | {"author": author, "at_ms": at_ms})


def _trial(item: Tried) -> shapes.MappingTrial:
    return shapes.MappingTrial(
        topic=item.message.topic,
        at_ms=item.message.received_ms,
        payload=text_of(item.message.payload),
        readings=[
            shapes.MappingReading(
                device=arrival.device,
                channel=m.channel,
                quantity=m.quantity,
                value=m.value,
                unit=QUANTITIES[m.quantity].unit,
                at_ms=m.at_ms,
                own_time=not m.quality & (Quality.NO_CLOCK | Quality.CLOCK),
            )
            for arrival in item.arrivals
            for m in arrival.measured
        ],
        refused=[
            shapes.MappingRefusal(reason=refusal.reason.value, detail=refusal.detail)
            for arrival in item.arrivals
            for refusal in arrival.rejected
        ],
    )
