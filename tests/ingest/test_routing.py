"""Which dialects are asked is a question of time only: the answer is that of asking all in turn."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival
from ingest.codecs.port import Heard, Route
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.recent import brief
from ingest.routing import Router
from ingest.transport.port import Message
from tests.corpus.score import RECEIVED_MS, messages

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "payloads"
DRIVERS = load_drivers()
_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 4.5, 1e9, "", "on", "4.5", "3.1V", "2026-09-01T08:00:00Z", 1788220800, [],
    {}, [1, 2, 3], {"value": 3, "unit": "V"}, [{"type": "Air Temperature", "value": 3}], "NaN",
)  # fmt: skip
_KEYS = (
    "timestamp", "node", "group", "rw_prot", "linkquality", "brand", "model_id", "Time", "ENERGY",
    "src", "method", "params", "id", "media", "meter", "object", "deviceInfo", "devEUI", "fPort",
    "payload", "result", "unit", "value", "temperature_c", "mac", "data", "n", "v", "u", "bn",
)  # fmt: skip


def sent() -> list[tuple[str, bytes]]:
    """Return the corpus' messages and the samples of all drivers."""
    found = [
        (message.topic, message.payload)
        for path in sorted(FOLDER.glob("*.jsonl"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines())
        for message in messages(json.loads(line), number, RECEIVED_MS)
    ]
    for driver in DRIVERS:
        for sample in (s for one in (driver, *driver.models) for s in one.samples):
            found += [*sample.messages_before, (sample.topic, sample.body)]
    return found


def mutated(chance: random.Random, value: Any, depth: int = 0) -> Any:
    """Return a value with keys left out, added, renamed and put elsewhere, and of other types."""
    if isinstance(value, dict):
        items = list(value.items())
        at = chance.randrange(len(items)) if items else 0
        match chance.randrange(6):
            case 0 if items:
                items.pop(at)
            case 1:
                items.insert(at, (chance.choice(_KEYS), chance.choice(_ODD)))
            case 2:
                chance.shuffle(items)
            case 3 if items:
                items[at] = (items[at][0], chance.choice(_ODD))
            case 4 if items:
                items[at] = (chance.choice(_KEYS), items[at][1])
            case _:
                pass
        if items and depth < 5:
            at = chance.randrange(len(items))
            items[at] = (items[at][0], mutated(chance, items[at][1], depth + 1))
        return dict(items)
    if isinstance(value, list):
        items = [*value, *chance.sample(value, min(len(value), chance.randrange(2)))]
        chance.shuffle(items)
        return [mutated(chance, item, depth + 1) if depth < 5 else item for item in items]
    return chance.choice(_ODD) if chance.randrange(2) else value


def stream(seed: int, turns: int) -> Iterator[Message]:
    """Yield messages as sent, then mutated and on each other's topics, hours apart."""
    chance = random.Random(seed)
    known = sent()
    topics = [topic for topic, _ in known]
    made = list(known)
    for _ in range(turns):
        for topic, payload in known:
            try:
                told = json.loads(payload)
            except ValueError:
                body = payload[: chance.randrange(len(payload) + 1)]
            else:
                body = json.dumps(mutated(chance, told), ensure_ascii=False).encode()
            else_where = chance.choice((f"x/{chance.randrange(40)}", chance.choice(topics)))
            made.append((else_where if chance.randrange(3) == 0 else topic, body))
    again = list(made)
    chance.shuffle(again)
    for number, (topic, payload) in enumerate(made + again):
        yield Message(topic, payload, RECEIVED_MS + number * 3_600_000)


class _AsksAll(Router):
    """Asks every dialect, and remembers nothing."""

    def unnamed(self, heard: Heard) -> Iterator[Route]:
        """Yield all that any topic may mean."""
        topic = heard.message.topic
        yield from self.routes(topic)[len(self.named(topic)) :]

    def named(self, topic: str) -> tuple[Route, ...]:
        """Return what the templates say of a topic, found anew."""
        return tuple(self._find(topic))


class _AskingAll(Decoder):
    """Decodes by asking every dialect in turn."""

    def decode(self, message: Message) -> tuple[Arrival, ...]:
        """Return what a message became."""
        self._readers = (self._readers[0], _AsksAll(DRIVERS))
        return super().decode(message)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_remembered_of_topics_and_shapes_changes_no_result(seed: int) -> None:
    quick = Decoder(DRIVERS, clock=ManualClock(RECEIVED_MS))
    slow = _AskingAll(DRIVERS, clock=ManualClock(RECEIVED_MS))
    for message in stream(seed, turns=1):
        assert quick.decode(message) == slow.decode(message), message


def test_few_dialects_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder(DRIVERS, clock=ManualClock(RECEIVED_MS))
    asked = 0
    ask = Decoder._by

    def counted(self: Decoder, *args: Any) -> Any:
        nonlocal asked
        asked += 1
        return ask(self, *args)

    monkeypatch.setattr(Decoder, "_by", counted)
    every = [Message(topic, payload, RECEIVED_MS) for topic, payload in sent()]
    for message in every:
        decoder.decode(message)
    assert asked < 2.5 * len(every)


def test_shapes_and_topics_without_end_are_forgotten() -> None:
    decoder = Decoder(DRIVERS, clock=ManualClock(RECEIVED_MS))
    router = decoder._readers[1]
    for number in range(12_000):
        body = json.dumps({f"k{number}": 1, "x" * (number % 3_000): 2}).encode()
        decoder.decode(Message(f"made/up/{number}", body, RECEIVED_MS))
    assert 0 < len(router._known) <= 10_000
    assert 0 < len(router._shapes) <= 2_000
    assert all(brief(shape) for shape in router._shapes._now)
