"""Whether the pipeline is well, from the parts' own words."""

from api import schemas
from api.services import Services
from storage import disk, outbox


def checks(parts: Services) -> list[schemas.Check]:
    """Return each part of the pipeline with its state in plain words."""
    found = [
        schemas.Check(name=name, ok=ok, value=value, remedy=remedy)
        for name, ok, value, remedy in parts.checks()
    ]
    journal = parts.journal
    found.append(
        schemas.Check(
            name="store",
            ok=not journal.failing,
            value=journal.failing or "every acknowledged reading is on disk",
            remedy="Look at the disk's space and health." if journal.failing else "",
        )
    )
    before = f"; failed {journal.judge_failures} times before" if journal.judge_failures else ""
    found.append(
        schemas.Check(
            name="judging",
            ok=not journal.judge_error,
            value=(journal.judge_error or "every reading is judged") + before,
            remedy="Readings are stored and judged later; report this with the log."
            if journal.judge_error
            else "",
        )
    )
    with journal.reader() as connection:
        failed = outbox.counts(connection).get("failed", 0)
    found.append(
        schemas.Check(
            name="notifications",
            ok=not failed,
            value=f"{failed} could not be delivered" if failed else "delivered",
            remedy="Check the channel's settings in site.toml." if failed else "",
        )
    )
    return found


def disk_free_bytes(parts: Services) -> int:
    """Return the space left where the journal lies [byte]."""
    return disk.free_bytes(parts.journal.path.parent)


def database_bytes(parts: Services) -> int:
    """Return the size of the journal with its write-ahead log [byte]."""
    path = parts.journal.path
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
