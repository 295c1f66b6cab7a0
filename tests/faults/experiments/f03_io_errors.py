"""F3, F14: the disk is full, or broken, from the n-th call on; then it is well again."""

import time
from pathlib import Path

from tests.faults.chain import Chain, strace
from tests.faults.experiments.f02_syscall import made
from tests.faults.result import Result

NAME = "F3"
TITLE = "disk full or broken from the n-th call on, then well"

_SICK_S = 1.5


def run(folder: Path, *, full: bool) -> Result:
    """No acknowledgement while it lasts, all told by the same process afterwards."""
    result = Result(NAME, TITLE)
    folder.mkdir(parents=True)
    template = made(folder / "template")
    cases = [("pwrite64", "ENOSPC", "+", n) for n in (range(1, 120, 6) if full else (1, 40))]
    cases += [("fdatasync", "EIO", "+", n) for n in (range(1, 8) if full else (2,))]
    if full:  # once only: a cable that slips for a moment
        cases += [("pwrite64", "EIO", "", n) for n in range(1, 120, 10)]
        cases += [("fdatasync", "EIO", "", n) for n in range(1, 8)]
    for call, error, more, n in cases:
        _once(folder / f"{call}-{n}{more}", call, f"error={error}:when={n}{more}", template, result)
    result.note = f"{len(cases)} faults, none with a restart"
    return result


def _once(folder: Path, call: str, fault: str, template: Path, result: Result) -> None:
    chain = Chain(folder, template=template)
    name = f"{call} {fault}"
    try:
        pid = chain.begin(hold="live")
        with strace(pid, "-e", f"trace={call}", "-e", f"inject={call}:{fault}"):
            chain.go_on()
            chain.feed(within_s=_SICK_S)
            result.problems += [f"{name}, while it lasts: {p}" for p in chain.problems()]
            if fault.endswith("when=1+") and chain.promised:
                result.problems.append(f"{name}: promised {chain.promised} all the same")
        began = time.monotonic()
        chain.feed()
        if chain.end() != 0:
            result.problems.append(f"{name}: it did not go on by itself")
        result.due(time.monotonic() - began, within_s=60.0)
        told = chain.told()
        result.count(chain.wanted(), {key: len(found) for key, found in told.items()})
        result.messages += len(chain.hook.got)
        result.problems += [f"{name}: {problem}" for problem in chain.problems()]
    finally:
        chain.stop()
