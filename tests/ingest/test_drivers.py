"""Every driver reads its own samples: accepted, taken as status, refused."""

import pytest

from caretaker.clock import ManualClock
from caretaker.errors import ConfigurationError
from ingest.decoder import Decoder
from ingest.driver import Driver, Sample, load_drivers, read_driver
from ingest.transport.port import Message

NOW_MS = 1_788_220_860_000  # a minute after the samples' time
DRIVERS = load_drivers()
CASES = [(driver, sample) for driver in DRIVERS for sample in driver.samples]


@pytest.mark.parametrize(
    ("driver", "sample"), CASES, ids=[f"{d.name}-{i}" for i, (d, _) in enumerate(CASES)]
)
def test_sample(driver: Driver, sample: Sample) -> None:
    decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
    arrival = decoder.decode(Message(sample.topic, sample.payload.encode(), NOW_MS))
    assert arrival.driver == driver.name
    found = {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured}
    assert found == pytest.approx(dict(sample.gives))
    assert [str(r.reason) for r in arrival.rejected] == ([sample.refused] if sample.refused else [])
    if sample.device:
        assert arrival.device == sample.device


def test_every_driver_has_an_accepted_and_a_refused_sample() -> None:
    for driver in DRIVERS:
        assert any(sample.gives for sample in driver.samples), driver.name
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
    ],
)
def test_a_bad_driver_file_names_file_and_key(text: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_driver(text, file="acme.toml")
    assert error.value.file == "acme.toml"
    assert error.value.key == key
    assert error.value.remedy
