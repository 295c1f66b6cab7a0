"""F2, F4: kill -9 at the n-th system call, n = 1.. until it lives to its end, and the restart."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.chain import Chain, strace
from tests.faults.result import Result

NAME = "F2"
TITLE = "kill -9 at the n-th system call, reading to hand-over"

CALLS = ("pwrite64", "fdatasync", "write", "ftruncate", "unlink", "openat", "connect", "sendto",
         "recvfrom")  # fmt: skip
"""The calls that change or say anything: journal, acknowledgement, and the way to the receiver."""

_SHORT = {"pwrite64": range(3, 400, 29), "fdatasync": (2, 5), "write": (3,), "sendto": (1,),
          "recvfrom": (1,)}  # fmt: skip
_MOST = 2_000


def run(folder: Path, *, full: bool) -> Result:
    """In full every n of every call, while it lives, opens, is born and closes."""
    result = Result(NAME, TITLE)
    folder.mkdir(parents=True)
    template = made(folder / "template")
    kills: dict[str, int] = {}
    for phase, call, numbers, seed in _plan(full=full, template=template):
        for n in numbers:
            name = f"{phase}-{call}-{n}" + ("" if seed else "-born")
            killed = once(folder / name, phase=phase, call=call, n=n, template=seed, result=result)
            if not killed:
                break
            kills[phase] = kills.get(phase, 0) + 1
    result.duplicates_allowed = sum(kills.values())
    result.note = ", ".join(f"{count} kills: {phase}" for phase, count in kills.items())
    if sum(kills.values()) < 7:
        result.problems.append("hardly anything was killed")
    return result


def _plan(*, full: bool, template: Path) -> Iterator[tuple[str, str, Sequence[int], Path | None]]:
    if not full:
        for call, numbers in _SHORT.items():
            yield "live", call, numbers, template
        return
    for call in CALLS:
        yield "live", call, range(1, _MOST), template
    for call in ("pwrite64", "fdatasync", "ftruncate", "unlink"):
        yield "open", call, range(1, _MOST), template
        yield "close", call, range(1, _MOST), template
    yield "open", "pwrite64", range(1, _MOST, 13), None
    yield "open", "fdatasync", range(1, _MOST, 3), None


def made(folder: Path) -> Path:
    """Return a journal that a process has made and closed."""
    chain = Chain(folder)
    chain.begin()
    chain.finish()
    assert chain.end() == 0
    chain.stop()
    return chain.journal


def once(
    folder: Path, *, phase: str, call: str, n: int, template: Path | None, result: Result
) -> bool:
    """Kill one life at its n-th `call` from `phase` on; return whether it came to that."""
    chain = Chain(folder, template=template)
    try:
        pid = chain.begin(hold=phase)
        if phase == "close":
            chain.feed()
        if phase != "live":
            chain.hear()
        inject = f"inject={call}:signal=KILL:when={n}"
        with strace(pid, "-e", f"trace={call}", "-e", inject):
            chain.go_on()
            if phase != "close":
                chain.feed()
            code = chain.end()
        killed = code != 0
        if killed:
            began = time.monotonic()
            chain.begin()
            chain.feed()
            if chain.end() != 0:
                result.problems.append(f"{folder.name}: the life after it came to no end")
            result.due(time.monotonic() - began, within_s=60.0)
        told = chain.told()
        result.count(chain.wanted(), {name: len(keys) for name, keys in told.items()})
        result.messages += len(chain.hook.got)
        wrong = chain.problems()
        wrong += [f"{name} was told twice under two keys" for name, keys in told.items()
                  if len(set(keys)) > 1]  # fmt: skip
        result.problems += [f"{folder.name}: {problem}" for problem in wrong]
    finally:
        chain.stop()
    return killed
