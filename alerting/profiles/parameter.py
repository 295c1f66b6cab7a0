"""One number of the rule-book with what stands behind it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

BOOK = date(2026, 9, 1)
"""Since when the first edition of the rule-book's numbers applies."""


class Mark(StrEnum):
    """How well a number is known (rule-book 0.1)."""

    PRIMARY = "P"  # the primary text was read
    SECOND_HAND = "S"  # a copy was read; check the original before a compliance claim
    MEMORY = "M"  # from memory, unconfirmed
    DESIGN = "D"  # a design default: engineering judgement
    SCHOOL = "X"  # the school's own, with author and reason


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a rule: value, unit, evidence mark, source id, and since when it applies.

    `author` and `reason` say who changed it at this school and why; empty: the profile's own.
    """

    value: float
    unit: str
    mark: Mark = Mark.DESIGN
    source: str = ""
    valid_from: date = BOOK
    author: str = ""
    reason: str = ""


Table = dict[str, dict[str, Parameter]]
"""Parameter name -> role (or `*` for every role) -> number."""


def design(value: float, unit: str, source: str = "") -> Parameter:
    """Return a design default.

    >>> design(15, "min").mark
    <Mark.DESIGN: 'D'>
    """
    return Parameter(float(value), unit, Mark.DESIGN, source)


def law(value: float, unit: str, mark: Mark, source: str) -> Parameter:
    """Return a number that a text of law or guidance gives."""
    return Parameter(float(value), unit, mark, source)
