"""Runs the fault plan of the alerts and prints one table: expected, delivered, missed.

Run: python -m tests.faults.run [--full] [F4 F23 ...] [--out FILE]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.experiments import EXPERIMENTS
from tests.faults.result import Result, table


def main() -> int:
    """Run what was asked for; return 1 when one did not pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="which experiments; all when absent")
    parser.add_argument("--full", action="store_true", help="every point, and real waiting times")
    parser.add_argument("--out", type=Path, help="write the results as JSON lines")
    options = parser.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    results: list[Result] = []
    lines: list[str] = []
    for module in EXPERIMENTS:
        if options.names and module.NAME not in options.names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            result: Result = module.run(Path(folder) / "x", full=options.full)
            took_s = round(time.monotonic() - began, 1)
        results.append(result)
        lines.append(
            json.dumps(result.row() | {"took_s": took_s, "commit": commit}, ensure_ascii=False)
        )
        print(lines[-1], flush=True)
    print()
    print(table(results))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
