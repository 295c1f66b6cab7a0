"""Every driver reads its own samples: accepted, taken as status, refused."""

import pytest

from caretaker.clock import ManualClock
from caretaker.errors import ConfigurationError
from ingest.decoder import Decoder
from ingest.driver import Driver, Sample, load_drivers, read_driver
from ingest.transport.port import Message

NOW_MS = 1_788_220_860_000  # a minute after the samples' time
DRIVERS = load_drivers()
MODELS = [(driver, model) for driver in DRIVERS for model in driver.models]
CASES = [(driver, sample) for driver in DRIVERS for sample in driver.samples]
CASES += [(driver, sample) for driver, model in MODELS for sample in model.samples]


@pytest.mark.parametrize(
    ("driver", "sample"), CASES, ids=[f"{d.name}-{i}" for i, (d, _) in enumerate(CASES)]
)
def test_sample(driver: Driver, sample: Sample) -> None:
    decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
    for topic, body in sample.messages_before:
        decoder.decode(Message(topic, body, NOW_MS))
    arrivals = decoder.decode(Message(sample.topic, sample.body, NOW_MS))
    assert {arrival.driver for arrival in arrivals} == {driver.name}
    found = {
        arrival.device: {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured}
        for arrival in arrivals
    }
    reasons = {str(r.reason) for arrival in arrivals for r in arrival.rejected}
    assert reasons == ({sample.refused} if sample.refused else set())
    assert [a.available for a in arrivals] == [sample.available] * len(arrivals)
    if sample.devices:
        assert found == {key: pytest.approx(dict(gives)) for key, gives in sample.devices.items()}
        return
    assert len(arrivals) == 1
    assert found[arrivals[0].device] == pytest.approx(dict(sample.gives))
    if sample.device:
        assert arrivals[0].device == sample.device


def test_every_driver_has_an_accepted_and_a_refused_sample() -> None:
    for driver in (*DRIVERS, *(model for _, model in MODELS)):
        assert any(sample.gives or sample.devices for sample in driver.samples), driver.name
        assert any(sample.refused for sample in driver.samples), driver.name


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('name = "x"\nmodel = "y"', "topics"),
        ('name = "x"\nmodel = "y"\ntopics = ["a/#"]', "topics"),
        (
            'name="x"\nmodel="y"\ntopics=["a"]\n[[field]]\npath="p"\nquantity="energy"',
            "field[0].unit",
        ),
        (
            'name="x"\nmodel="y"\ntopics=["a"]\n[[field]]\npath="p"\nquantity="joy"\nunit="W"',
            "field[0].quantity",
        ),
        ("name = ", "(syntax)"),
        ('name="x"\nmodel="y"\ntopics=["a"]\ncodec="z"', "codec"),
    ],
)
def test_a_bad_driver_file_names_file_and_key(text: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Decoder((read_driver(text, file="acme.toml"),), clock=ManualClock(NOW_MS))
    assert error.value.file == "acme.toml"
    assert error.value.key == key
    assert error.value.remedy
