"""The experiments of the fault plan; a new one is a module and a line here."""

from types import ModuleType

from tests.faults.experiments import (
    f04_kill,
    f21_silence,
    f22_channels,
    f23_storm,
    f24_two_engines,
)

EXPERIMENTS: tuple[ModuleType, ...] = (
    f04_kill,
    f21_silence,
    f22_channels,
    f23_storm,
    f24_two_engines,
)
"""Each has `NAME`, `TITLE` and `run(folder, *, full) -> Result`."""
