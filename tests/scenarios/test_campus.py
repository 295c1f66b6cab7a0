"""The simulated campus: physics that adds up, and detections scored against its labels."""

import itertools
import json
from pathlib import Path

import pytest
from rich.console import Console

from caretaker.app import App
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from caretaker.demo import HandoverClock, fill
from caretaker.secrets import load_or_create
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.transport.port import Message
from simulators.campus import Campus
from simulators.faults import Fault, demo_faults
from simulators.site import DEVICES, demo_site
from storage import incidents
from storage.incidents import Incident

SITE = demo_site()
END_MS = 1_795_525_200_000  # Tuesday 24 November 2026, 21:00 in Shanghai


def values(campus: Campus, to_ms: int) -> dict[str, list[tuple[int, float]]]:
    """Return what the decoder reads from the campus's real bytes, by device and quantity."""
    decoder = Decoder(load_drivers(), clock=ManualClock(to_ms))
    found: dict[str, list[tuple[int, float]]] = {}
    for sent in campus.advance(to_ms):
        (arrival,) = decoder.decode(Message(sent.topic, sent.payload, sent.at_ms))
        assert not arrival.rejected, (sent.topic, arrival.rejected)
        for item in arrival.measured:
            key = f"{arrival.device}/{item.channel}/{item.quantity}"
            found.setdefault(key, []).append((item.at_ms, item.value))
    return found


def test_every_message_is_understood_and_every_device_speaks() -> None:
    found = values(Campus(END_MS - DAY_MS), END_MS)
    assert {key.split("/")[0] for key in found} >= {"native:demo", "tasmota:canteen_kitchen"}
    for spec in DEVICES:
        assert any(key.startswith(spec.key + "/") for key in found), spec.key


def test_the_main_meter_is_the_sum_of_its_parts() -> None:
    found = values(Campus(END_MS - 2 * DAY_MS), END_MS)

    def moved(key: str) -> float:
        rows = found[key]
        return rows[-1][1] - rows[0][1]

    parts = ("teaching-a", "teaching-b", "canteen-hall", "air-conditioning")
    below = sum(moved(f"native:demo/{name}//energy") for name in parts)
    main = moved("shelly:shellypro3em-a0dd00e1f201//energy")
    lamps = main / 1.01 - below  # the rest is the yard's lamps: 1.2 kW while it is dark
    assert lamps == pytest.approx(1.2 * 24, rel=0.06)


def test_registers_never_fall_without_a_fault() -> None:
    found = values(Campus(END_MS - 5 * DAY_MS), END_MS)
    for key, rows in found.items():
        if key.endswith(("/energy", "/volume")):
            assert all(b[1] >= a[1] for a, b in itertools.pairwise(rows)), key


def test_a_campus_goes_on_exactly_where_it_was_kept() -> None:
    faults = demo_faults(END_MS, zone=SITE.zone)
    campus = Campus(END_MS - 2 * DAY_MS, faults=faults)
    campus.advance(END_MS - 5 * HOUR_MS - 17 * MINUTE_MS)
    again = Campus.from_state(json.loads(json.dumps(campus.state())))
    assert campus.advance(END_MS + DAY_MS) == again.advance(END_MS + DAY_MS)


def live_through(folder: Path, *, days: int, faults: tuple[Fault, ...]) -> list[Incident]:
    """Fill a journal with the campus's days by the demo's own path and return all incidents."""
    start_ms = END_MS - days * DAY_MS
    clock = HandoverClock(ManualClock(start_ms))
    app = App(SITE, data_dir=folder, clock=clock, secrets=load_or_create(folder))
    app.prepare()
    try:
        campus = Campus(start_ms, faults=faults)
        console = Console(quiet=True)
        fill(app, campus, clock, until_ms=END_MS, console=console, save=folder / "campus.json")
        with app.journal.reader() as connection:
            names = {device.id: device.key for device in app.journal.devices()}
            found = incidents.listing(connection, state="all", limit=1000)
        assert set(names.values())
        return found
    finally:
        app.stop()


@pytest.mark.slow
def test_the_healthy_twin_raises_nothing_for_thirty_days(tmp_path: Path) -> None:
    assert live_through(tmp_path, days=30, faults=()) == []


@pytest.mark.slow
def test_the_demos_faults_are_found_and_nothing_else(tmp_path: Path) -> None:
    faults = demo_faults(END_MS, zone=SITE.zone)
    found = live_through(tmp_path, days=45, faults=faults)
    by_rule: dict[str, list[Incident]] = {}
    for item in found:
        by_rule.setdefault(item.rule, []).append(item)
    wanted = {
        fault.device: fault
        for fault in faults
        if fault.kind in {"compressor_failure", "door_left_open"}
    }
    warm = by_rule["cold_storage_warm"]
    assert len(warm) == len(wanted)
    for item in warm:
        assert any(
            fault.start_ms < item.opened_ms < fault.start_ms + 5 * HOUR_MS
            for fault in wanted.values()
        ), item
    flow = by_rule["continuous_flow"]
    starts = [f.start_ms for f in faults if f.kind in {"running_toilet", "pipe_burst"}]
    assert len(flow) == len(starts)
    for item in flow:
        delay = min(item.opened_ms - start for start in starts if item.opened_ms > start)
        assert delay <= 25 * HOUR_MS
    assert len(by_rule["device_silent"]) == 1  # the dead sensor
    assert set(by_rule) <= {
        "cold_storage_warm",
        "cold_door_open",  # of the door left open
        "continuous_flow",
        "device_silent",
        "cold_warning",
        "food_hold",  # the compressor's failure lasted longer than the clock
    }
