"""One cause behind many silent devices: a building, a gateway, or the whole site."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from alerting.notify.inhibit import POWER_CUT, UNMONITORED, gateway, within
from caretaker.vocabulary import Device, DeviceStatus, Severity
from storage import incidents
from storage.incidents import ACKNOWLEDGED, FIRING, PENDING, SITE, Incident


@dataclass(frozen=True, slots=True)
class Cause:
    """What many devices' incidents of `source` together are an incident of.

    At least so many of one scope, and at least such a share of it; fewer are told one by one.
    """

    rule: str
    source: str
    least: int
    share: float


CAUSES = (
    Cause(POWER_CUT, "cold_power_cut", least=2, share=0.0),
    Cause(UNMONITORED, "device_silent", least=3, share=0.5),
)
SOURCES = frozenset(cause.source for cause in CAUSES)
_BAD = frozenset({PENDING, FIRING, ACKNOWLEDGED})


@dataclass(frozen=True, slots=True)
class Change:
    """What is to happen to the incident of a scope: opened, refreshed, or ended."""

    rule: str
    scope: str
    known: Incident | None
    over: bool
    severity: Severity = Severity.ALARM
    since_ms: int = 0
    evidence: dict[str, float | int | str] = field(default_factory=dict)

    def apply(self, connection: sqlite3.Connection, *, now_ms: int) -> int:
        """Write it and return the incident's id."""
        if self.known is None:
            return incidents.open_incident(
                connection,
                rule=self.rule,
                version="1",
                device=0,
                severity=self.severity,
                since_ms=self.since_ms,
                now_ms=now_ms,
                evidence=self.evidence,
                kind=SITE,
                scope=self.scope,
            )
        number = self.known.id
        if self.over:
            incidents.recover(connection, number, now_ms=now_ms)
            incidents.prove(connection, number, now_ms=now_ms)
        elif self.known.state == incidents.RECOVERING:
            incidents.relapse(connection, number, now_ms=now_ms)
        elif self.severity is Severity.CRITICAL and self.known.severity is not Severity.CRITICAL:
            incidents.worsen(
                connection, number, severity=self.severity, now_ms=now_ms, evidence=self.evidence
            )
        else:
            incidents.refresh(connection, number, self.evidence)
        return number


class SiteCauses:
    """Compares who has the same fault with who belongs together.

    The widest scope speaks, unless a narrower one holds the very same devices.
    """

    def look(
        self, live: Iterable[Incident], devices: Mapping[int, Device], *, now_ms: int
    ) -> list[Change]:
        """Return what changed since the journal was written."""
        del now_ms
        items, scopes = list(live), _scopes(devices.values())
        return [change for cause in CAUSES for change in _look(cause, items, scopes)]


def _look(
    cause: Cause, items: Collection[Incident], scopes: Mapping[str, list[Device]]
) -> list[Change]:
    silent = {
        item.device: item for item in items if item.rule == cause.source and item.state in _BAD
    }
    known = {item.scope: item for item in items if item.rule == cause.rule}
    down = {
        scope: [device for device in members if device.id in silent]
        for scope, members in scopes.items()
    }
    fits = [scope for scope, members in scopes.items() if _many(cause, down[scope], members)]
    covered = [scope for scope, item in known.items() if item.state in _BAD]
    changes: list[Change] = []
    for scope in scopes:
        found = known.pop(scope, None)
        if scope not in fits:
            if found is not None and found.state in _BAD:
                changes.append(Change(cause.rule, scope, found, over=True))
            continue
        if found is None and (
            all(_inside(device, covered) for device in down[scope])
            or any(down[other] == down[scope] for other in fits[fits.index(scope) + 1 :])
        ):
            continue  # a wider one speaks for it, or a narrower one says the same
        change = _down(cause, scope, found, down[scope], silent)
        if found is None or found.state not in _BAD or found.evidence != change.evidence:
            changes.append(change)
        covered.append(scope)
    changes += [
        Change(cause.rule, scope, item, over=True)
        for scope, item in known.items()
        if item.state in _BAD
    ]
    return changes


def _inside(device: Device, scopes: Collection[str]) -> bool:
    return any(within(device, scope) for scope in scopes)


def _scopes(devices: Iterable[Device]) -> dict[str, list[Device]]:
    """Return the devices of each scope, the widest scope first."""
    site: list[Device] = []
    buildings: dict[str, list[Device]] = defaultdict(list)
    gateways: dict[str, list[Device]] = defaultdict(list)
    for device in devices:
        if device.status is DeviceStatus.INTERNAL:
            continue
        site.append(device)
        if device.building:
            buildings[f"building:{device.building}"].append(device)
        if through := gateway(device):
            gateways[f"gateway:{through}"].append(device)
    return {"site:": site} | dict(sorted(gateways.items())) | dict(sorted(buildings.items()))


def _many(cause: Cause, down: Collection[Device], members: Collection[Device]) -> bool:
    return len(down) >= cause.least and len(down) >= cause.share * len(members)


def _down(
    cause: Cause,
    scope: str,
    known: Incident | None,
    down: Collection[Device],
    silent: Mapping[int, Incident],
) -> Change:
    cold = [device for device in down if device.role.cold]
    evidence: dict[str, float | int | str] = {
        "devices": len(down),
        "cold_units": len(cold),
        "names": "\n".join(device.name or device.key for device in cold or down),
    }
    return Change(
        cause.rule,
        scope,
        known,
        over=False,
        severity=Severity.CRITICAL if cold else Severity.ALARM,
        since_ms=min(silent[device.id].since_ms for device in down),
        evidence=evidence,
    )
