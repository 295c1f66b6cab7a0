"""From a topic to the dialects it may be, the most specific first."""

from collections.abc import Iterable, Iterator

from ingest.codecs.port import Meaning, Route
from ingest.driver import EVERY_TOPIC, Driver, Topic

_CACHED_TOPICS = 20_000
_CACHED_LENGTH = 512


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
        self._open: list[tuple[int, Topic, Driver, Meaning]] = []
        self._by_level: dict[str, list[tuple[int, Topic, Driver, Meaning]]] = {}
        for row in ordered:
            level, slash, _ = row[1].starts.partition("/")
            home = self._by_level.setdefault(level, []) if slash else self._open
            home.append(row)
        self._known: dict[str, tuple[Route, ...]] = {}

    def routes(self, topic: str) -> tuple[Route, ...]:
        """Return what a topic may mean, the most specific template first."""
        found = self._known.get(topic)
        if found is None:
            near = self._by_level.get(topic.partition("/")[0], ())
            rows = sorted((*self._open, *near), key=lambda row: row[0])
            found = tuple(
                Route(driver, names, meaning, anywhere=template is EVERY_TOPIC)
                for _, template, driver, meaning in rows
                if (names := template.names(topic)) is not None
            )
            if len(self._known) >= _CACHED_TOPICS:
                self._known.clear()
            if len(topic) <= _CACHED_LENGTH:
                self._known[topic] = found
        return found

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
