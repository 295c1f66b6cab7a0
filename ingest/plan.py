"""The field table of a driver, compiled: each key of a payload is looked up once, not each field.

A lazy automaton over the keys of a payload. A state stands for all fields that still fit the keys
walked so far; what a key leads to is worked out once and remembered.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.driver import UNIT_UNKNOWN, UNIT_WRITTEN, Field
from ingest.recent import brief

MAX_LIST = 256
"""So many items of a list are looked at."""
MAX_CHANNEL = 64
_MAX_KEY = 128
_MAX_KEYS = 20_000
"""So many keys a plan remembers before it begins anew: a hostile device's are without end."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field whose path ends here, with the channel that its stars make.

    `name` is the channel as it is stored where nothing stands before it. `conditional`: the row is
    only for some messages. `plain`: what it says of a number does not depend on what stands
    elsewhere.
    """

    order: int
    field: Field
    channel: str
    name: str
    stars: tuple[str, ...]
    conditional: bool
    plain: bool


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    starred: list[tuple[re.Pattern[str], "_Node"]] = field(default_factory=list)
    ends: list[tuple[int, Field]] = field(default_factory=list)


@dataclass(slots=True)
class _Memo:
    """What all states of a plan remember together."""

    first: dict[str, "State | None"] = field(default_factory=dict)
    shapes: dict[tuple[str, ...], "tuple[tuple[str, State], ...]"] = field(default_factory=dict)
    size: int = 0

    def grow(self, keys: int = 1) -> None:
        """Count keys; beyond the bound everything is forgotten."""
        self.size += keys
        if self.size > _MAX_KEYS:
            self.first.clear()
            self.shapes.clear()
            self.size = 0


class State:
    """Where a walk stands: the fields that end here, and where each key leads."""

    __slots__ = ("_memo", "_next", "_shapes", "_threads", "inner", "leaves", "sole")

    def __init__(
        self, threads: tuple[tuple[_Node, tuple[str, ...]], ...], memo: _Memo | None = None
    ) -> None:
        self._threads = threads
        self._memo = memo or _Memo()
        self._next: dict[str, State | None] = {} if memo else self._memo.first
        self._shapes = {} if memo else self._memo.shapes
        self.inner = any(node.literals or node.starred for node, _ in threads)
        ends = [_leaf(order, f, stars) for node, stars in threads for order, f in node.ends]
        self.leaves: tuple[Leaf, ...] = tuple(sorted(ends, key=lambda leaf: leaf.order))
        head = self.leaves[0] if self.leaves and not self.inner else None
        self.sole = head if head is not None and head.plain and not head.conditional else None
        """The field that every number here is of, where there is one."""

    def step(self, key: str) -> "State | None":
        """Return where `key` leads; None when no field goes that way."""
        try:
            return self._next[key]
        except KeyError:
            pass
        found: list[tuple[_Node, tuple[str, ...]]] = []
        for node, stars in self._threads:
            if key in node.literals:
                found.append((node.literals[key], stars))
            for pattern, child in node.starred:
                match = pattern.fullmatch(key)
                if match is not None:
                    found.append((child, (*stars, *match.groups())))
        state = State(tuple(found), self._memo) if found else None
        if len(key) <= _MAX_KEY:
            self._memo.grow()
            self._next[key] = state
        return state

    def steps(self, keys: tuple[str, ...]) -> "tuple[tuple[str, State], ...]":
        """Return where the keys of an object lead, without those that lead nowhere."""
        found = self._shapes.get(keys)
        if found is None:
            after = [(key, self.step(key)) for key in keys]
            found = tuple((key, state) for key, state in after if state is not None)
            if brief(keys):
                self._shapes[keys] = found
                self._memo.grow(len(keys))
        return found

    @property
    def remembered(self) -> int:
        """How many keys all states of the plan remember."""
        return self._memo.size


def _leaf(order: int, field: Field, stars: tuple[str, ...]) -> Leaf:
    channel = field.channel.format(*stars)
    return Leaf(
        order,
        field,
        channel,
        channel[:MAX_CHANNEL] if channel.isprintable() else "",
        stars,
        conditional=bool(field.when or field.unless or field.between is not None),
        plain=not (
            field.channel_at
            or field.unit_at
            or field.time_at
            or field.words
            or field.nonzero
            or field.invert
            or field.unit in {UNIT_UNKNOWN, UNIT_WRITTEN}
        ),
    )


def _pattern(level: str, star: re.Pattern[str] | None) -> re.Pattern[str]:
    """Return what a level with stars matches, each star a group.

    >>> _pattern("*:*", None).fullmatch("switch:0").groups()
    ('switch', '0')
    """
    inside = f"({star.pattern})" if star else "(.*?)"
    return re.compile(inside.join(re.escape(part) for part in level.split("*")), re.DOTALL)


def compile_fields(fields: Iterable[Field]) -> State:
    """Return the first state of the automaton of a field table.

    >>> from ingest.driver import read_driver
    >>> table = '[[field]]\\npath = "DS18B20*.T"\\nchannel = "{0}"\\nquantity = "door"'
    >>> driver = read_driver('name="x"\\nmodel="x"\\ntopics=["x"]\\n' + table, file="x")
    >>> compile_fields(driver.fields).step("DS18B20-2").step("T").leaves[0].channel
    '-2'
    """
    root = _Node()
    for order, item in enumerate(fields):
        node = root
        last = max((at for at, level in enumerate(item.path) if "*" in level), default=0)
        for at, level in enumerate(item.path):
            if "*" in level:
                # equal patterns are one compiled object
                pattern = _pattern(level, item.star if at == last else None)
                known = dict(node.starred)
                child = known.get(pattern)
                if child is None:
                    child = _Node()
                    node.starred.append((pattern, child))
            else:
                child = node.literals.setdefault(level, _Node())
            node = child
        node.ends.append((order, item))
    return State(((root, ()),))
