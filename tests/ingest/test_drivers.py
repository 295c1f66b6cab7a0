"""Every driver reads its own samples: accepted, taken as status, refused."""

from pathlib import Path

import pytest

from caretaker.clock import ManualClock
from caretaker.errors import ConfigurationError
from ingest.decoder import Decoder
from ingest.driver import Driver, Sample, load_drivers, read_driver
from ingest.samples import misread, proven_drivers

NOW_MS = 1_788_220_860_000  # a minute after the samples' time
DRIVERS = load_drivers()
MODELS = [(driver, model) for driver in DRIVERS for model in driver.models]
CASES = [(driver, sample) for driver in DRIVERS for sample in driver.samples]
CASES += [(driver, sample) for driver, model in MODELS for sample in model.samples]


@pytest.mark.parametrize(
    ("driver", "sample"), CASES, ids=[f"{d.name}-{i}" for i, (d, _) in enumerate(CASES)]
)
def test_sample(driver: Driver, sample: Sample) -> None:
    assert misread(DRIVERS, sample, clock=ManualClock(NOW_MS), names=[driver.name]) == ""


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


ACME = """
name = "acme"
model = "ACME"
topics = ["acme/{device}/up"]
device = "acme:{device}"
[[field]]
path = "t"
quantity = "temperature"
unit = "0.1 C"
[[sample]]
topic = "acme/k1/up"
payload = '{"t": 45}'
gives = { "/temperature" = 4.5 }
device = "acme:k1"
[[sample]]
topic = "acme/k1/up"
payload = '{"t": "lots"}'
refused = "wrong-type"
"""


@pytest.mark.parametrize(
    ("wrong", "key", "said"),
    [
        (("4.5", "45"), "sample[0]", "/temperature is 4.5, expected 45"),
        (('"wrong-type"', '"out-of-range"'), "sample[1]", "expected out-of-range"),
        (("acme:k1", "acme:k2"), "sample[0]", "acme:k2"),
        (("acme/k1/up", "acme/k1"), "sample[0]", "read by"),
        (('refused = "wrong-type"', "status = true"), "sample", "no sample has refused"),
        (("quantity =", "quantiy ="), "field[0].quantiy", "no key"),
        (("model =", "modell ="), "modell", "no key"),
        (("gives =", "give ="), "sample[0].give", "no key"),
        (("0.1 C", "tenths"), "field[0].unit", "no unit"),
    ],
)
def test_a_driver_of_the_site_that_misreads_its_sample_stops_the_start(
    tmp_path: Path, wrong: tuple[str, str], key: str, said: str
) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(ACME, encoding="utf-8")
    assert "acme" in {driver.name for driver in proven_drivers(tmp_path, clock=ManualClock(NOW_MS))}
    file.write_text(ACME.replace(*wrong, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        proven_drivers(tmp_path, clock=ManualClock(NOW_MS))
    assert (error.value.file, error.value.key) == ("acme.toml", key)
    assert said in error.value.problem
    assert error.value.remedy
