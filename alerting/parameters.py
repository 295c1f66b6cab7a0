"""Which number a rule uses for a device: profile, then the school's own, then the rule file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from alerting.profiles import NAMES, PROFILES, Mark, Parameter, profile_numbers
from caretaker.config import SiteSettings
from caretaker.errors import ConfigurationError
from caretaker.vocabulary import Device

_CHILLED = frozenset({"fridge", "sample_fridge"})


METERS = frozenset({"register_max", "max_rate"})
"""Limits of a device that speak of its meter, not of a rule."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One block of the rule file: a rule, for whom, on or off, with numbers of its own."""

    id: str
    rule: str
    on: bool = True
    roles: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    numbers: Mapping[str, float] | None = None
    author: str = ""
    reason: str = ""
    line: int = 0

    def matches(self, device: Device) -> bool:
        """Return whether the block speaks of a device."""
        by_role = not self.roles or device.role.value in self.roles
        return by_role and (not self.devices or device.key in self.devices)


def numbers(
    site: SiteSettings,
    device: Device,
    *,
    settings: Sequence[Setting] = (),
    today: date | None = None,
) -> dict[str, Parameter]:
    """Return every number for a device, each with what stands behind it.

    Later layers win: profile, `[[override]]` and `[limits]` of site.toml, the device's own
    limits, and `settings` (the blocks of the rule file that speak of this rule and device).
    """
    found = profile_numbers(site.profile, device.role.value)
    for override in site.overrides:
        for_it = override.role in ("", device.role.value) and override.device in ("", device.key)
        if for_it and (today is None or override.valid_from <= today):
            _put(
                found,
                override.parameter,
                override.value,
                author=override.author,
                reason=override.reason,
                valid_from=override.valid_from,
            )
    for name, value in site.limits.items():
        # A site's temperature limit speaks of fridges: 8 degC must never become a freezer's.
        if NAMES.get(name) != "degC" or device.role.value in _CHILLED:
            _put(found, name, value, author="site.toml", reason="[limits]")
    for name, value in device.limits.items():
        _put(found, name, value, author=device.source, reason="limits of the device")
    for setting in settings:
        if setting.matches(device):
            for name, value in (setting.numbers or {}).items():
                _put(
                    found,
                    name,
                    value,
                    author=setting.author or "rules.toml",
                    reason=setting.reason or setting.id,
                )
    return found


def limits_of(
    site: SiteSettings,
    device: Device,
    *,
    settings: Sequence[Setting] = (),
    today: date | None = None,
) -> dict[str, float]:
    """Return the bare numbers for a device, as a rule's context holds them.

    >>> from caretaker.vocabulary import DeviceRole, DeviceStatus
    >>> fridge = Device(1, "t:f", "t", DeviceStatus.ADOPTED, role=DeviceRole.FRIDGE)
    >>> limits = limits_of(SiteSettings(limits={"limit_hi_c": 6.0}), fridge)
    >>> limits["limit_hi_c"], limits["exposure_hi_c"], limits["decision_min"]
    (6.0, 6.0, 120.0)
    """
    found = numbers(site, device, settings=settings, today=today)
    limits = {name: parameter.value for name, parameter in found.items()}
    if "limit_hi_c" in limits:  # a fridge's clock runs, and its notice begins, at its limit
        limits.setdefault("exposure_hi_c", limits["limit_hi_c"])
        limits.setdefault("notice_hi_c", limits["limit_hi_c"])
    return limits


def check_names(site: SiteSettings, *, file: str = "site.toml") -> None:
    """Raise ConfigurationError for a profile or a parameter that no rule knows."""
    if site.profile not in PROFILES:
        raise ConfigurationError(
            file=file,
            key="site.profile",
            problem=f"{site.profile!r} is no profile",
            remedy=f"Known: {', '.join(PROFILES)}.",
        )
    places = [("limits", name) for name in site.limits]
    places += [
        (f"device[{n}].limits", name)
        for n, device in enumerate(site.devices)
        for name in set(device.limits) - METERS
    ]
    places += [(f"override[{n}].parameter", o.parameter) for n, o in enumerate(site.overrides)]
    for key, name in places:
        if name not in NAMES:
            raise ConfigurationError(
                file=file,
                key=key,
                problem=f"{name!r} is no parameter of a rule",
                remedy="docs/cold-chain.md lists them.",
            )


def _put(
    found: dict[str, Parameter],
    name: str,
    value: float,
    *,
    author: str,
    reason: str,
    valid_from: date | None = None,
) -> None:
    if name not in NAMES:
        return
    known = found.get(name) or Parameter(value, NAMES[name])
    found[name] = replace(
        known,
        value=float(value),
        mark=Mark.SCHOOL,
        source="",
        author=author,
        reason=reason,
        valid_from=valid_from or known.valid_from,
    )
