"""`make corpus`: the table of the payload corpus by family, and what is not right with --notes.

Run: python -m tests.corpus [--folder ../shared/payloads] [--notes] [--family 02_tasmota]
"""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.corpus.score import Score, run

_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "payloads"


def table(scores: list[Score]) -> Table:
    """Return the scores as a table."""
    made = Table(
        "family", "messages", "expected", "extracted", "held", "right", "sentinels", "refused",
        "history", "false live", "collisions", "extra", "undecoded",
    )  # fmt: skip
    for score in scores:
        made.add_row(
            score.family,
            *map(str, (score.messages, score.expected, score.extracted, score.held)),
            f"{score.share:.1%}",
            *map(str, (score.sentinels, score.refused, score.stale, score.false_live)),
            *map(str, (score.collisions, score.extra, score.undecoded)),
        )
    return made


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
