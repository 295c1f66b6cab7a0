"""`make corpus`: the table of the payload corpus by family, and what is not right with --notes.

Run: python -m tests.corpus [--folder ../shared/payloads] [--notes] [--family 02_tasmota]
"""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.corpus.score import Score, frames, run

_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "payloads"


GOAL = 0.99
STABLE = frozenset(
    {
        "01_zigbee2mqtt",
        "02_tasmota",
        "03_shelly",
        "04_wmbusmeters",
        "05_rtl433",
        "08_homie_esphome_ha_omg",
        "10_plain",
    }
)
"""Families whose grammar says quantity and unit; of the others much stands in a second message."""

_LEGEND = """\
right       extracted and held, of what is expected. The goal of 99 % is for stable grammars: those
            whose messages say quantity and unit themselves; for the others it is shown without one
extracted   a reading with the expected quantity, value in the canonical unit, channel and instant
held        rightly not read: nothing says the unit, so it waits for a person (never guessed)
sentinels   fault codes such as 127 or -3276.8 / how many of them made no reading (goal: all)
history     past registers, statistics, link quality: values that are there and are not of now
false live  of these, read as if of now (goal: 0)
collisions  two values for one channel of a device in one message (goal: 0)
extra       readings that the corpus expects nothing of; look at them with --notes
unread      messages of which nothing was read: descriptors, values held, what is not right\
"""


def table(scores: list[Score]) -> Table:
    """Return the scores as a table."""
    made = Table()
    made.add_column("family")
    for name in (
        "messages", "expected", "extracted", "held", "right", "goal", "sentinels", "history",
        "false live", "collisions", "extra", "unread",
    ):  # fmt: skip
        made.add_column(name, justify="right")
    for score in scores:
        made.add_row(
            score.family,
            *map(str, (score.messages, score.expected, score.extracted, score.held)),
            f"{score.share:.1%}",
            _goal(score),
            f"{score.refused} / {score.sentinels}" if score.sentinels else "",
            str(score.stale or ""),
            *(str(count) for count in (score.false_live, score.collisions)),
            *(str(count or "") for count in (score.extra, score.undecoded)),
        )
    return made


def _goal(score: Score) -> str:
    if score.family not in STABLE:
        return ""
    return "99 % met" if score.share >= GOAL else "99 % missed"


def summary(scores: list[Score], framed: Score) -> str:
    """Return how the families stand to their goals, in a sentence each."""
    stable = [score for score in scores if score.family in STABLE]
    expected = sum(score.expected for score in stable)
    right = sum(score.extracted + score.held for score in stable)
    missed = [score.family for score in stable if score.share < GOAL]
    false_live = sum(score.false_live for score in scores)
    read = sum(score.sentinels - score.refused for score in scores)
    return "\n".join(
        [
            f"Stable grammars: {right} of {expected} right"
            f" ({right / max(expected, 1):.1%}, goal 99 %)"
            + (f"; below it: {', '.join(missed)}." if missed else "; each family meets it."),
            (
                f"DL/T 645 and CJ/T 188 frames with a right checksum: {framed.extracted} of"
                f" {framed.expected} expectations in {framed.messages} frames (goal 100 %)."
            ),
            f"False live readings: {false_live} (goal 0). Fault codes read as values: {read}.",
            "What is not right, line by line: make corpus CORPUS_ARGS=--notes",
        ]
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=_FOLDER)
    parser.add_argument("--notes", action="store_true")
    parser.add_argument("--family", default="")
    wanted = parser.parse_args()
    scores = [score for score in run(wanted.folder) if wanted.family in score.family]
    console = Console(width=160)
    console.print(table(scores))
    console.print(_LEGEND, markup=False, highlight=False)
    console.print()
    console.print(summary(scores, frames(wanted.folder)), markup=False, highlight=False)
    if wanted.notes:
        for score in scores:
            for note in score.notes:
                console.print(
                    f"{score.family} {note.row} {note.device}: {note.kind}: {note.what}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )


if __name__ == "__main__":
    main()
