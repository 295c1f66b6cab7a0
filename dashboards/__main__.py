"""`python -m dashboards` writes the generated boards; `--check` says which are stale."""

import sys

from dashboards.generate import FOLDER, stale, write

if __name__ == "__main__":
    found = stale()
    if "--check" in sys.argv[1:]:
        for path in found:
            sys.stderr.write(f"stale: {path.relative_to(FOLDER)}; run: python -m dashboards\n")
        sys.exit(1 if found else 0)
    write()
    sys.stdout.write(f"{len(found)} boards changed\n")
