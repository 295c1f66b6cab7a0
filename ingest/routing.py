"""From a topic to the dialects it may be, the most specific first."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ingest.codecs.port import Heard, Meaning, Route, Shape
from ingest.driver import Driver
from ingest.recent import Recent, brief
from ingest.topics import EVERY_TOPIC, Topic

_CACHED_TOPICS = 5_000
_CACHED_LENGTH = 512
_CACHED_SHAPES = 1_000
_ANY = "+"  # no topic's level is called so

MayRead = Callable[[Driver, Shape, bool], bool]
"""Whether a driver may read a payload of a shape; told too whether it knows it by content only."""


class _Row(NamedTuple):
    order: int
    template: Topic
    driver: Driver
    meaning: Meaning

    def every(self, topic: str) -> Route:
        """Return what any topic means by a template that all fit."""
        names = {self.template.every: topic}
        return Route(self.driver, names, self.meaning, self.template is EVERY_TOPIC)


class Router:
    """Knows the topic templates of all drivers; those of `first` come before the others.

    Of two templates that fit, the one with more fixed characters is surer. Drivers that know a
    message by its content are asked after all that know its topic. Those that are for every topic
    are chosen by the shape of the payload: `may_read` tells which need not be asked.
    """

    def __init__(
        self,
        drivers: Iterable[Driver],
        *,
        first: Iterable[Driver] = (),
        may_read: MayRead = lambda *_: True,
    ) -> None:
        ordered = [
            _Row(order, template, driver, meaning)
            for order, (_, template, driver, meaning) in enumerate(
                (
                    *sorted(_templates(first), key=lambda item: item[0]),
                    *sorted(_templates(drivers), key=lambda item: item[0]),
                )
            )
        ]
        last = len(ordered)
        while last and ordered[last - 1].template.every:
            last -= 1
        self._every = tuple(ordered[last:])
        self._may_read = may_read
        near: dict[str, list[_Row]] = {}
        for row in ordered[:last]:
            level, slash, _ = row.template.starts.partition("/")
            near.setdefault(level if slash else _ANY, []).append(row)
        self._open = near.pop(_ANY, [])
        self._by_level = {
            level: sorted((*self._open, *rows), key=lambda row: row.order)
            for level, rows in near.items()
        }
        self._known = Recent[str, tuple[Route, ...]](_CACHED_TOPICS)
        self._shapes = Recent[Shape, tuple[_Row, ...]](_CACHED_SHAPES)

    def named(self, topic: str) -> tuple[Route, ...]:
        """Return what a topic may mean by the templates that say something of it."""
        found = self._known.get(topic)
        if found is None:
            found = tuple(self._find(topic))
            if len(topic) <= _CACHED_LENGTH:
                self._known.keep(topic, found)
        return found

    def unnamed(self, heard: Heard) -> Iterator[Route]:
        """Yield what a message may mean by its payload, whatever its topic."""
        shape, topic = heard.shape, heard.message.topic
        rows = self._shapes.get(shape)
        if rows is None:
            rows = tuple(
                row
                for row in self._every
                if self._may_read(row.driver, shape, row.template is EVERY_TOPIC)
            )
            if brief(shape):
                self._shapes.keep(shape, rows)
        for row in rows:
            yield row.every(topic)

    def routes(self, topic: str) -> tuple[Route, ...]:
        """Return what a topic may mean whatever the payload, the most specific template first."""
        return (*self.named(topic), *(row.every(topic) for row in self._every))

    def _find(self, topic: str) -> Iterator[Route]:
        for _, template, driver, meaning in self._by_level.get(topic.partition("/")[0], self._open):
            if (names := template.names(topic)) is not None:
                yield Route(driver, names, meaning)


def _templates(
    drivers: Iterable[Driver],
) -> Iterator[tuple[tuple[int, int], Topic, Driver, Meaning]]:
    """Yield each template with what it sorts by: most literal characters first, states first."""
    for driver in drivers:
        for rank, (meaning, topics) in enumerate(
            (
                (Meaning.STATUS, driver.status),
                (Meaning.AVAILABILITY, driver.availability),
                (Meaning.READINGS, driver.topics),
            )
        ):
            for topic in topics:
                yield (-topic.literal, rank), topic, driver, meaning
        if driver.anywhere:
            bare = not all(driver.anywhere)  # not even keys to know it by: asked last
            yield (1, bare), EVERY_TOPIC, driver, Meaning.READINGS
