"""Which of the waiting notifications go in one message: few alone, many together."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.outbox import Waiting

ALONE = 3
"""So many waiting messages are sent one by one; more, and they share a digest."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes in one message: one matter, perhaps to several people, or a digest of several."""

    items: tuple[Waiting, ...]
    digest: bool = False


def bundles(waiting: Sequence[Waiting], *, room: int) -> list[Bundle]:
    """Return messages in the order they are to be sent, the most severe first.

    The same matter for several people of one channel is one message. When more matters wait than
    the channel has room for, or than a person can read one by one, they share one digest.

    >>> a, b = (Waiting(n, n, "opened", "c", f"{n}", 0, person="p") for n in (1, 2))
    >>> [len(x.items) for x in bundles([a, b], room=5)], len(bundles([a, b], room=1))
    ([1, 1], 1)
    """
    matters: dict[tuple[int, str, int], list[Waiting]] = {}
    for item in waiting:
        matters.setdefault((item.incident, item.kind, item.created_ms), []).append(item)
    groups = [tuple(items) for items in matters.values()]
    if len(groups) > min(ALONE, room):
        return [Bundle(tuple(item for group in groups for item in group), digest=True)]
    return [Bundle(items) for items in groups]
