"""Each cold-storage unit: air, food, band, exposure clock, defrost, door, compressor."""

from typing import Any

from caretaker.measurements import COLD_UNIT, time_ns
from storage.influx.feeds.revisions import Revisions
from storage.influx.lines import BadNameError, Row, fields, series
from storage.influx.names import Names
from storage.influx.port import Moment


class Cold(Revisions):
    """Feeds the cold-storage samples."""

    name = "cold"
    measurements = (COLD_UNIT.name,)
    table = "cold_sample"
    key = ("device", "at_ms")
    wanted = ("device", "at_ms", *COLD_UNIT.fields, "revision")

    def row(self, names: Names, record: dict[str, Any], moment: Moment) -> Row | None:
        """Return a sample as a row."""
        at_ms = record["at_ms"]
        if at_ms < moment.horizon_ms:
            return None
        try:
            head = series(COLD_UNIT.name, names.device(record["device"]))
        except BadNameError as error:
            return Row("", at_ms, refused=f"bad-name: {error}")
        values = fields({name: record.get(name) for name in COLD_UNIT.fields})
        return Row(f"{head} {values} {time_ns(at_ms)}", at_ms) if values else None
