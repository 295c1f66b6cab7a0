"""When an incident calls: tiers until somebody acknowledges, then repeats; pure in its facts."""

import json
from dataclasses import asdict, dataclass

from caretaker.clock import MINUTE_MS
from caretaker.config import CallTier, Escalation
from caretaker.vocabulary import Severity
from storage.incidents import RECOVERING, RESOLVED, Incident

NEVER_MS = 2**62


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of an incident so far; kept with it.

    `raised` is the raise that `tiers` and `repeats` belong to; `calls` numbers all that was said.
    """

    raised: int = 0
    tiers: int = 0
    repeats: int = 0
    calls: int = 0
    acknowledged: bool = False
    resolved: bool = False

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be said now, and what will have been said then."""

    occasion: str
    levels: tuple[int, ...]
    then: Told


def tiers_of(plan: Escalation, severity: Severity) -> tuple[CallTier, ...]:
    """Return a severity's tiers."""
    found: tuple[CallTier, ...] = getattr(plan, severity.value)
    return found or (CallTier(0, (1,)),)


def due(
    incident: Incident, told: Told, *, plan: Escalation, raised_by: str, now_ms: int, grave: bool
) -> Due | None:
    """Return what is to be said of an incident now, if anything.

    `raised_by` is what raised it last: opened, escalated, relapsed or reraised. `grave` means that
    it must be told even when it is over.
    """
    if incident.state in {RECOVERING, RESOLVED}:
        return _ended(incident, told, plan=plan, grave=grave)
    if incident.acknowledged_ms is not None:
        if told.calls and not told.acknowledged:
            return Due("acknowledged", (), _said(told, acknowledged=True))
        return None
    if not incident.calling:
        return None
    tiers = tiers_of(plan, incident.severity)
    fresh = told.raised != incident.raised_ms
    done, repeats = (0, 0) if fresh else (told.tiers, told.repeats)
    elapsed_min = (now_ms - incident.raised_ms) / MINUTE_MS
    passed = sum(tier.after_min <= elapsed_min for tier in tiers)
    repeated = int(elapsed_min // plan.repeat_min) if plan.repeat_min else 0
    then = Told(
        raised=incident.raised_ms,
        tiers=max(passed, done),
        repeats=repeated,
        calls=told.calls + 1,
    )
    if passed > done:
        levels = _levels(tiers[done:passed])
        first = "escalated" if raised_by == "escalated" and told.raised else "opened"
        if raised_by == "reraised":
            first = "reraised"
        return Due(first if done == 0 else "tier", levels, then)
    if repeated > repeats and incident.severity is not Severity.NOTICE:
        return Due("repeat", _levels(tiers[:done]), then)
    return None


def _ended(incident: Incident, told: Told, *, plan: Escalation, grave: bool) -> Due | None:
    if not told.calls and grave:
        levels = tiers_of(plan, incident.severity)[0].levels
        return Due("late", levels, _said(told, resolved=True))
    over = incident.state == RESOLVED or incident.proved
    if told.calls and over and not told.resolved:
        return Due("resolved", (), _said(told, resolved=True))
    return None


def _said(told: Told, *, acknowledged: bool = False, resolved: bool = False) -> Told:
    return Told(
        told.raised, told.tiers, told.repeats, told.calls + 1,
        told.acknowledged or acknowledged, told.resolved or resolved,
    )  # fmt: skip


def _levels(tiers: tuple[CallTier, ...]) -> tuple[int, ...]:
    return tuple(sorted({level for tier in tiers for level in tier.levels}))


def next_ms(incident: Incident, told: Told, *, plan: Escalation, now_ms: int) -> int:
    """Return when something may be due again [ms UTC] if nothing else happens."""
    if not incident.calling:
        return NEVER_MS
    fresh = told.raised != incident.raised_ms
    done, repeats = (0, 0) if fresh else (told.tiers, told.repeats)
    minutes = [tier.after_min for tier in tiers_of(plan, incident.severity)[done:]]
    if plan.repeat_min:
        minutes.append((repeats + 1) * plan.repeat_min)
    later = [incident.raised_ms + m * MINUTE_MS for m in minutes]
    return min((at for at in later if at > now_ms), default=NEVER_MS)
