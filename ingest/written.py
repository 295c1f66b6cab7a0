"""Values written as text: several in one message, a comma for the point, a time without a zone."""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from caretaker.vocabulary import Rejected, RejectReason
from ingest.times import instant

SEPARATORS = (";", "\t", "|", ",", " ")
_PAIR = re.compile(r"\s*([^\W\d][^=:]{0,40}?)\s*[=:]\s*(.*?)\s*", re.DOTALL)
_BETWEEN = re.compile(r"[ \t]*[,;][ \t]*|[ \t]+|\r?\n")
_FIGURE = re.compile(r"[+-]?\d+(\.\d+)?")
_MAX_PLACES = 100
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_COMMA = re.compile(r"([+-]?\d{1,3}(?:\.\d{3})+|[+-]?\d+),(\d+)(?=\s*[^\d\s,.]|\s*$)")
_LOCAL = re.compile(
    r"(\d{4})[-/.](\d\d?)[-/.](\d\d?)[T ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?"
    r"|(\d{4})(\d\d)(\d\d)[T ]?(\d\d)(\d\d)(\d\d)?"
)
_LONGEST = 2_000


def parts(text: str, separator: str) -> dict[str, str] | list[str]:
    """Return what stands between separators: by name where each part is `name=value`.

    >>> parts("21.5; 48 ;ON", ";"), parts("T=21,H: 48", ","), parts("21.5  48", " ")
    (['21.5', '48', 'ON'], {'T': '21', 'H': '48'}, ['21.5', '48'])
    """
    pieces = text.split() if separator == " " else text.strip().split(separator)
    pairs = [_PAIR.fullmatch(piece) for piece in pieces]
    if all(pairs):
        return {pair[1]: pair[2] for pair in pairs if pair}
    return [piece.strip() for piece in pieces]


def listed(text: str) -> list[str] | None:
    """Return the places of a text that is a row of values, or None where it is none.

    A comma, a semicolon, a tab or spaces stand between them (CSV, emonhub); the first is place 0.

    >>> listed("240.1, 512,-3;0"), listed("10\\t21.5"), listed("21.5"), listed("all well today")
    (['240.1', '512', '-3', '0'], ['10', '21.5'], None, None)
    """
    places = _BETWEEN.split(text.strip())
    figures = sum(_FIGURE.fullmatch(place) is not None for place in places)
    return places if 1 < len(places) <= _MAX_PLACES and 2 * figures >= len(places) else None


def likely_separator(text: str) -> str:
    """Return what seems to part the values of a text, for a person to confirm; '' for nothing.

    >>> [likely_separator(t) for t in ("21,5;48,2;ON", "T=19.5,H=55", "12,7", "20 kPa", "1, 2, 3")]
    [';', ',', '', '', ',']
    >>> likely_separator("20,5;2026-01-01 08:00:00"), likely_separator("T=warm")
    (';', '')
    """
    if _NUMBER.fullmatch(text.strip()):
        return ""
    for separator in SEPARATORS:
        found = parts(text, separator)
        values = found.values() if isinstance(found, dict) else found
        numbers = sum(_NUMBER.fullmatch(value) is not None for value in values)
        # A comma or a space also stands within one value.
        if len(found) > 1 and numbers >= (2 if separator in ", " else 1):
            return separator
    return ""


def likely_decimal(values: Sequence[object]) -> str:
    """Return the sign before the decimals as the texts among the values seem to use it.

    >>> likely_decimal(["21,5", "ON"]), likely_decimal(["21.5", "1,200"]), likely_decimal([21.5])
    (',', '.', '.')
    """
    texts = [value.strip() for value in values if isinstance(value, str)]
    points = any(re.match(r"[+-]?\d+\.\d", text) for text in texts)
    return "," if not points and any(_COMMA.match(text) for text in texts) else "."


def text_of(payload: bytes) -> str | None:
    """Return a message as a short readable text, or None when it is none."""
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        return None
    return text if len(text) <= _LONGEST and text.replace("\t", " ").isprintable() else None


def shaped(payload: object, *, separator: str = "", decimal: str = ".") -> object:
    """Return a payload with its texts taken apart and their numbers written with a point.

    >>> shaped("21,5;48,2", separator=";", decimal=","), shaped({"a": ["1.234,5 kWh"]}, decimal=",")
    (['21.5', '48.2'], {'a': ['1234.5 kWh']})
    """
    if separator and isinstance(payload, str):
        payload = parts(payload, separator)
    elif separator and isinstance(payload, int | float):
        payload = [payload]  # today only one value came
    return _pointed(payload) if decimal == "," else payload


def _pointed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _pointed(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_pointed(child) for child in value]
    if isinstance(value, str) and (match := _COMMA.match(value.strip())):
        return f"{match[1].replace('.', '')}.{match[2]}{value.strip()[match.end() :]}"
    return value


def instant_in(raw: object, zone: ZoneInfo | None) -> int | Rejected:
    """Return ms UTC of a time; one without a zone is a clock on a wall in `zone`.

    >>> shanghai = ZoneInfo("Asia/Shanghai")
    >>> instant_in("2026-09-01 08:00:00", shanghai) == instant_in("20260901080000", shanghai)
    True
    >>> instant_in("2026/9/1 8:00", shanghai) == instant_in("2026-09-01T00:00:00Z", shanghai)
    True
    >>> instant_in("2026-09-01 08:00:00", None).detail
    'a time without a zone has no instant'
    """
    if zone is not None and isinstance(raw, str | int) and not isinstance(raw, bool):
        match = _LOCAL.fullmatch(str(raw).strip())
        if match is not None:
            figures = [int(group) for group in match.groups() if group is not None]
            try:
                return round(datetime(*figures, tzinfo=zone).timestamp() * 1000)  # type: ignore[misc,arg-type]
            except ValueError:
                return Rejected(RejectReason.BAD_TIME, "no such date")
    return instant(raw)
