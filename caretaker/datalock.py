"""One process to a data directory."""

import fcntl
import os
from pathlib import Path
from typing import IO

from caretaker.errors import ConfigurationError


class DataLock:
    """Holds a data directory for one process; the kernel lets go when the process dies."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._file: IO[str] | None = None

    def take(self, *, standby: bool = False) -> bool:
        """Take the lock or raise ConfigurationError that names who holds it.

        A stand-by takes it when it can, and goes on without: return whether it is ours.
        """
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            if standby:
                return False
            raise ConfigurationError(
                file=str(self._path.parent),
                key="data directory",
                problem=f"another Caretaker (process {holder}) works on it",
                remedy="Stop that one first, or choose another directory with --data.",
            ) from error
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        """Let go of the directory."""
        if self._file is not None:
            self._file.close()
            self._file = None
