"""A driver reads its own samples as they say, or it is not used."""

import math
from collections.abc import Sequence
from pathlib import Path

from caretaker.clock import Clock
from caretaker.errors import ConfigurationError
from caretaker.vocabulary import Arrival
from ingest.decoder import Decoder
from ingest.driver import Driver, Sample, load_drivers
from ingest.transport.port import Message


def proven_drivers(folder: Path, *, clock: Clock) -> tuple[Driver, ...]:
    """Return the site's own drivers, each proven by its samples, and the built-in ones.

    Raises ConfigurationError naming file, key and remedy.
    """
    drivers = load_drivers(folder)
    own = {path.name for path in folder.glob("*.toml")} if folder.is_dir() else set[str]()
    for driver in drivers:
        for asked in (driver, *driver.models):
            if asked.file in own:
                _prove(drivers, driver, asked, clock=clock)
    return drivers


def _prove(drivers: Sequence[Driver], envelope: Driver, asked: Driver, *, clock: Clock) -> None:
    """Refuse a driver, or a model within its envelope, that misreads a sample or has too few."""
    for kind, there in (
        ("gives", any(sample.gives or sample.devices for sample in asked.samples)),
        ("refused", any(sample.refused for sample in asked.samples)),
    ):
        if not there:
            raise ConfigurationError(
                file=asked.file,
                key="sample",
                problem=f"no sample has {kind}",
                remedy="Add a message it must read and one it must refuse; see docs/drivers.md.",
            )
    for index, sample in enumerate(asked.samples):
        wrong = misread(drivers, sample, clock=clock, names=asked.extends or (envelope.name,))
        if wrong:
            raise ConfigurationError(
                file=asked.file,
                key=f"sample[{index}]",
                problem=wrong,
                remedy="Mend the driver, or say in the sample what the device means by it.",
            )


def misread(
    drivers: Sequence[Driver], sample: Sample, *, clock: Clock, names: Sequence[str]
) -> str:
    """Return what is not read as the sample says, '' when all is; by one of the drivers named."""
    decoder, now_ms = Decoder(tuple(drivers), clock=clock), clock.now_ms()
    for topic, body in sample.messages_before:
        decoder.decode(Message(topic, body, now_ms))
    arrivals = decoder.decode(Message(sample.topic, sample.body, now_ms))
    told = [
        f"{refusal.reason.value} ({refusal.detail})" for a in arrivals for refusal in a.rejected
    ]
    for arrival in arrivals:
        if arrival.driver not in names:
            other = arrival.driver or "nobody"
            return f"its message is read by {other}" + (f": {told[0]}" if told else "")
    reasons = {refusal.reason.value for a in arrivals for refusal in a.rejected}
    wanted = {sample.refused} if sample.refused else set()
    if reasons != wanted:
        return f"refused {', '.join(told) or 'nothing'}, expected {sample.refused or 'nothing'}"
    if any(arrival.available != sample.available for arrival in arrivals):
        return f"available is {arrivals[0].available}, expected {sample.available}"
    return _other_readings(arrivals, sample)


def _other_readings(arrivals: Sequence[Arrival], sample: Sample) -> str:
    found = {
        arrival.device: {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured}
        for arrival in arrivals
    }
    if sample.device and sample.device not in found:
        return f"the device is {', '.join(found)}, expected {sample.device}"
    expected = sample.devices or {arrivals[0].device: sample.gives}
    if set(found) != set(expected):
        return f"devices are {', '.join(sorted(found))}, expected {', '.join(sorted(expected))}"
    for device, gives in expected.items():
        for name in sorted(set(found[device]) | set(gives)):
            value, said = found[device].get(name), gives.get(name)
            if value is None or said is None or not math.isclose(value, said, rel_tol=1e-6):
                return f"{name} is {value}, expected {said}"
    return ""
