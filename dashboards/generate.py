"""The boards as files: what compose provisions and what the tests hold against the code."""

import json
from pathlib import Path
from typing import Any

from dashboards.boards import BOARDS
from dashboards.text import LANGS

FOLDER = Path(__file__).parent / "generated"


def documents() -> dict[Path, dict[str, Any]]:
    """Return each board's JSON by its file; the number in front keeps the readers' order."""
    return {
        FOLDER / lang / f"{place}-{board.name}.json": board.to_json(lang)
        for lang in LANGS
        for place, board in enumerate(BOARDS, start=1)
    }


def _written(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def stale() -> list[Path]:
    """Return the files that are not what the code says, or should not be there."""
    wanted = documents()
    wrong = [
        path
        for path, document in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != _written(document)
    ]
    return wrong + [path for path in FOLDER.glob("*/*.json") if path not in wanted]


def write() -> None:
    """Write every board and remove files that no board stands behind."""
    wanted = documents()
    for path in FOLDER.glob("*/*.json"):
        if path not in wanted:
            path.unlink()
    for path, document in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_written(document), encoding="utf-8")
