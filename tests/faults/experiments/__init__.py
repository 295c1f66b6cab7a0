"""The experiments of the fault plan; a new one is a module and a line here."""

from types import ModuleType

from tests.faults.experiments import (
    f02_syscall,
    f03_io_errors,
    f04_kill,
    f17_clocks,
    f21_silence,
    f22_channels,
    f23_storm,
    f24_two_engines,
    f25_rules,
    i08_health,
)

EXPERIMENTS: tuple[ModuleType, ...] = (
    f02_syscall,
    f03_io_errors,
    f04_kill,
    f17_clocks,
    f21_silence,
    f22_channels,
    f23_storm,
    f24_two_engines,
    f25_rules,
    i08_health,
)
"""Each has `NAME`, `TITLE` and `run(folder, *, full) -> Result`."""
