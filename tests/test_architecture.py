"""The house rules, checked by machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from alerting.texts import BODIES, SEVERITY, TITLES

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "caretaker",
    "storage",
    "ingest",
    "analytics",
    "alerting",
    "api",
    "dashboards",
    "simulators",
)


def _tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_imports_go_downward_only() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("suffix", ["*.py", "*.ts", "*.tsx"])
def test_no_module_is_too_long(suffix: str) -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in _tracked(suffix)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
        and "texts" not in path.parts
    }
    assert not long


def test_nothing_is_called_utils() -> None:
    assert not [path for path in _tracked("*.py") if re.match(r"utils?|helpers?", path.stem)]


def test_no_path_of_a_machine_is_named() -> None:
    pattern = re.compile(r"(/work/|/root/|/home/\w+/)")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in _tracked("*.py", "*.md", "*.toml", "*.yml", "Makefile", ".ci/run", "*.lock")
        if path != Path(__file__).resolve()
        and (match := pattern.search(path.read_text(encoding="utf-8")))
    ]
    assert not found


def test_links_between_documents_resolve() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in _tracked("*.md")
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert not broken


def test_every_text_exists_in_both_languages() -> None:
    for table in (SEVERITY, TITLES, BODIES):
        assert set(table) == {"zh-CN", "en"}
        assert set(table["zh-CN"]) == set(table["en"])


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_says_what_it_is(room: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in (ROOT / room).rglob("*.py")
        if not path.read_text(encoding="utf-8").lstrip().startswith('"""')
    ]
    assert not silent
