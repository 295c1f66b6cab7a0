"""From a topic to the dialects it may be, the most specific first."""

from collections.abc import Iterable, Iterator

from ingest.codecs.port import Meaning, Route
from ingest.driver import EVERY_TOPIC, Driver, Topic

_CACHED_TOPICS = 5_000
_CACHED_LENGTH = 512
_ANY = "+"  # no topic's level is called so
_Row = tuple[int, Topic, Driver, Meaning]


class Router:
    """Knows the topic templates of all drivers; those of `first` come before the others.

    Of two templates that fit, the one with more fixed characters is surer. Drivers that know a
    message by its content are asked after all that know its topic.
    """

    def __init__(self, drivers: Iterable[Driver], *, first: Iterable[Driver] = ()) -> None:
        ordered = [
            (order, template, driver, meaning)
            for order, (_, template, driver, meaning) in enumerate(
                (
                    *sorted(_templates(first), key=lambda item: item[0]),
                    *sorted(_templates(drivers), key=lambda item: item[0]),
                )
            )
        ]
        near: dict[str, list[_Row]] = {}
        for row in ordered:
            level, slash, _ = row[1].starts.partition("/")
            near.setdefault(level if slash else _ANY, []).append(row)
        self._open = near.pop(_ANY, [])
        self._by_level = {
            level: sorted((*self._open, *rows), key=lambda row: row[0])
            for level, rows in near.items()
        }
        self._known: dict[str, tuple[Route, ...]] = {}
        self._before: dict[str, tuple[Route, ...]] = {}

    def routes(self, topic: str) -> tuple[Route, ...]:
        """Return what a topic may mean, the most specific template first."""
        found = self._known.get(topic)
        if found is None:
            found = self._before.get(topic) or tuple(self._find(topic))
            if len(self._known) >= _CACHED_TOPICS:
                # What was asked for lately stays: names made up by the thousand push none out.
                self._known, self._before = {}, self._known
            if len(topic) <= _CACHED_LENGTH:
                self._known[topic] = found
        return found

    def _find(self, topic: str) -> Iterator[Route]:
        whole = {"device": topic}  # shared by all that know no topic: names are read-only
        for _, template, driver, meaning in self._by_level.get(topic.partition("/")[0], self._open):
            if template is EVERY_TOPIC:
                yield Route(driver, whole, meaning, anywhere=True)
            elif (names := template.names(topic)) is not None:
                yield Route(driver, names, meaning)

    def prefer(self, topic: str, route: Route) -> None:
        """Ask the dialect that a topic spoke first next time, of those known by content."""
        routes = self._known.get(topic)
        if routes is None:
            return  # too long to be kept, or forgotten since
        sure = tuple(r for r in routes if not r.anywhere)
        self._known[topic] = (*sure, route, *(r for r in routes if r.anywhere and r is not route))


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
