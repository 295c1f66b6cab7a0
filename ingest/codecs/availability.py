"""Last wills and birth words: whether a device is connected, as it or its gateway says."""

from collections.abc import Sequence

from caretaker.vocabulary import Arrival, Rejected, RejectReason
from ingest.codecs.port import Heard, Route, arrive, bad_name, refuse, usable_name

_WORDS = {
    **dict.fromkeys(("online", "true", "connected", "ready", "alive", "available", "1"), True),
    **dict.fromkeys(
        ("offline", "false", "disconnected", "lost", "dead", "unavailable", "0", "sleeping"), False
    ),
}
_KEYS = ("state", "status", "online", "connected", "availability")


def available(raw: object) -> bool | None:
    """Return whether a word, a truth value or an object with `state` says connected.

    >>> available("Online"), available(False), available({"state": "offline"}), available("init")
    (True, False, False, None)
    """
    if isinstance(raw, dict):
        return next((available(raw[key]) for key in _KEYS if key in raw), None)
    if isinstance(raw, bool | int | str):
        return _WORDS.get(str(raw).strip().lower())
    return None


def decode(heard: Heard, route: Route) -> Sequence[Arrival]:
    """Return what an availability message says of its device."""
    name = route.names.get("device", "")
    if not usable_name(name):
        return (bad_name(heard, route.driver, name),)
    parsed = heard.json
    word = heard.message.payload[:64].decode("utf-8", "replace").strip()
    known = available(word if isinstance(parsed, Rejected) else parsed)
    if known is None:
        if not word:  # a cleared retained message says nothing
            return (refuse(heard, route.driver),)
        refusal = Rejected(RejectReason.WRONG_TYPE, f"{word[:40]!r} is neither online nor offline")
        return (refuse(heard, route.driver, refusal),)
    device = route.driver.device.format(device=name)
    return (arrive(heard, route.driver, device=device, available=known),)
