"""Whose rules the limits follow: profiles CN, UK, US, EU (rule-book 0.2 and 2.1).

A site picks one; a school's override carries its author and reason.
"""

from collections.abc import Iterable, Mapping

from alerting.profiles.base import BASE
from alerting.profiles.cn import CN
from alerting.profiles.eu import EU
from alerting.profiles.parameter import Mark, Parameter, Table
from alerting.profiles.uk import UK
from alerting.profiles.us import US

__all__ = ["NAMES", "PROFILES", "Mark", "Parameter", "Table", "numbers_of", "profile_numbers"]

PROFILES: dict[str, Table] = {"CN": CN, "UK": UK, "US": US, "EU": EU}

NAMES: Mapping[str, str] = {
    name: next(iter(by_role.values())).unit
    for table in (BASE, *PROFILES.values())
    for name, by_role in table.items()
}
"""Every parameter a profile knows, with its unit."""


def numbers_of(tables: Iterable[Table], role: str) -> dict[str, Parameter]:
    """Return the numbers of a role; a later table wins, and a role's own number over `*`."""
    found: dict[str, Parameter] = {}
    for table in tables:
        for name, by_role in table.items():
            number = by_role.get(role) or by_role.get("*")
            if number is not None:
                found[name] = number
    return found


def profile_numbers(profile: str, role: str) -> dict[str, Parameter]:
    """Return a profile's numbers for a role. Raises KeyError for an unknown profile.

    >>> profile_numbers("US", "fridge")["limit_hi_c"]
    Parameter(value=5.0, unit='degC', mark=<Mark.PRIMARY: 'P'>, source='S7', \
valid_from=datetime.date(2026, 9, 1), author='', reason='')
    >>> profile_numbers("CN", "freezer")["limit_hi_c"].value
    -12.0
    """
    return numbers_of((BASE, PROFILES[profile]), role)
