"""How long the boards take over a year of many meters: python -m tests.bench.boards.

Writes a year by the names of `caretaker.measurements` into an InfluxDB of its own (Debian's 1.6.7,
or `--influxd PATH` of version 2), then asks every query of every board, over the board's own
range and over the year.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from analytics.kpis.inputs import KpiPeriod
from analytics.kpis.registry import REGISTRY
from dashboards.generate import FOLDER
from tests import stores
from tests.conftest import program
from tests.dashboards.grafana import Reader, board_of
from tests.dashboards.influxdb import Influx

NOW = datetime(2026, 11, 25, 10, 35, tzinfo=ZoneInfo("Asia/Shanghai"))
MIDNIGHT = NOW.replace(hour=0, minute=0)
_HOUR_NS = 3_600_000_000_000
_END_NS = round(MIDNIGHT.timestamp()) * 1_000_000_000


def _year(meters: int, units: int) -> Iterator[str]:
    yield from _meters(meters)
    yield from _kpis()
    yield from _cold(units)
    yield from _rest()


def _meters(count: int) -> Iterator[str]:
    for number in range(count):
        quantity = "energy" if number % 3 else "volume"
        head = (
            f"site=demo,building=b{number % 8},device=d{number},point=main,"
            f"quantity={quantity},role=other,name=meter\\ {number}"
        )
        for hour in range(365 * 24):
            at = _END_NS - hour * _HOUR_NS
            yield f"rollup_1h,{head} amount={hour % 24}.5,coverage=1,estimated=0,count=4 {at}"
        for day in range(365):
            at = _END_NS - day * 24 * _HOUR_NS
            yield f"rollup_1d,{head} amount={day % 7}.5,coverage=1,estimated=0,count=96 {at}"


def _kpis() -> Iterator[str]:
    fields = (
        "value={0},numerator={0},denominator=1,usual_low={0},usual_median={0},usual_high={0},"
        "previous={0},last_year={0},target={0},coverage=0.99,estimated_share=0.01,enough=1"
    )
    scopes = ["scope_kind=campus,scope=demo,scope_name=demo"]
    scopes += [f"scope_kind=building,scope=b{n},scope_name=b{n}" for n in range(8)]
    for name, row in REGISTRY.items():
        for scope in scopes if "building" in row.scopes else scopes[:1]:
            head = f"site=demo,{scope},kpi={name}"
            if KpiPeriod.HOUR in row.periods:
                for hour in range(365 * 24):
                    at = _END_NS - hour * _HOUR_NS
                    local = f"{-hour % 24:02d}"
                    yield f"kpi_hour,{head},hour={local} {fields.format(hour % 24 + 1)} {at}"
            for period, step in (("day", 1), ("week", 7), ("month", 30), ("term", 120)):
                if period not in row.periods:
                    continue
                for day in range(0, 365, step):
                    at = _END_NS - day * 24 * _HOUR_NS
                    weekday = (MIDNIGHT - timedelta(days=day)).isoweekday()
                    tag = f",weekday={weekday}" if period == "day" else ""
                    yield f"kpi_{period},{head}{tag} {fields.format(day % 7 + 1)} {at}"


def _cold(units: int) -> Iterator[str]:
    for number in range(units):
        head = f"site=demo,building=b0,device=c{number},name=unit\\ {number},role=fridge"
        for slot in range(365 * 288):
            at = _END_NS - slot * _HOUR_NS // 12
            yield (
                f"cold_unit,{head} air_c={4 + slot % 5 / 10},food_c=4,limit_hi_c=8,limit_lo_c=0,"
                f"exposure_min=0,decision_min=120,defrost={int(slot % 96 < 5)},door_open=0,"
                f"duty=0.5 {at}"
            )


def _rest() -> Iterator[str]:
    for number in range(2_000):
        at = _END_NS - number * 4 * _HOUR_NS
        state = 2 if number < 5 else 5
        yield (
            f"incident,site=demo,building=b{number % 8},device=d{number % 50},name=m{number % 50},"
            f"rule=device_silent id={number},state_code={state},severity_code={number % 3 + 1},"
            f"open={int(number < 5)},opened_ms={at // 1_000_000},acknowledge_s=900,recover_s=4000"
            f" {at}"
        )
    for minute in range(365 * 1440):
        at = _END_NS - minute * _HOUR_NS // 60
        yield f"pipeline,site=demo,part=projection lag_s=1,ok=1 {at}"
        yield f"pipeline,site=demo,part=ingest readings_total={10**9 - minute} {at}"
        yield (
            f"pipeline,site=demo,part=devices devices_silent=0,coverage=0.99,estimated_share=0 {at}"
        )
    for hour in range(365 * 24):
        for number in range(20):
            yield (
                f"device_health,site=demo,building=b0,device=d{number},name=m{number},role=other"
                f" silent_s=20,coverage=1,estimated_share=0 {_END_NS - hour * _HOUR_NS}"
            )


def _measure(influx: Influx, path: Path, since: str) -> list[float]:
    """Return the seconds of each query of a board, three times."""
    board = board_of(path)
    board["time"]["from"] = since or board["time"]["from"]
    now_ms, midnight_ms = (round(at.timestamp() * 1000) for at in (NOW, MIDNIGHT))
    asked = list(Reader(board, influx, now_ms, midnight_ms).settle().queries())
    taken = []
    for _ in range(3):
        for query in asked:
            start = time.perf_counter()
            influx.ask(query.influxql)
            taken.append(time.perf_counter() - start)
    return taken


def _row(name: str, taken: list[float]) -> None:
    cut = statistics.quantiles(taken, n=20)
    whole = sum(taken) / 3
    sys.stdout.write(
        f"{name:28} {len(taken) // 3:3d} queries  p50 {cut[9] * 1e3:7.1f} ms  p95"
        f" {cut[18] * 1e3:7.1f} ms  max {max(taken) * 1e3:7.1f} ms  one after another"
        f" {whole:5.2f} s\n"
    )


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=200)
    parser.add_argument("--units", type=int, default=10)
    parser.add_argument("--influxd", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        second = bool(options.influxd)
        run = stores.influxd_2 if second else stores.influxd_1
        with run(options.influxd or program("influxd"), Path(folder) / "influxdb") as store:
            influx = Influx.of(store)
            start, count = time.perf_counter(), 0
            points = _year(options.meters, options.units)
            while lines := list(islice(points, 20_000)):
                influx.write(lines)
                count += len(lines)
            filled = time.perf_counter() - start
            sys.stdout.write(f"{count:,} points of a year in {filled:.0f} s\n")
            for since, name in (("", "own range"), ("now-1y", "a year")):
                everything: list[float] = []
                for path in sorted((FOLDER / "en").glob("*.json")):
                    taken = _measure(influx, path, since)
                    _row(f"{path.stem}, {name}", taken)
                    everything += taken
                _row(f"all, {name}", everything)


if __name__ == "__main__":
    main()
