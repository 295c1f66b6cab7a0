"""What every test may ask for; in CI a server that cannot start fails the run."""

import os
import shutil
from pathlib import Path

import pytest

CI = os.environ.get("CI", "") not in {"", "0", "false"}


def program(*names: str) -> str:
    """Return the path of a program, skip without it, and fail in CI."""
    for name in names:
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if found:
            return found
    message = f"{names[0]} is not installed"
    if CI:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """Path of mosquitto."""
    return program("mosquitto")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium."""
    return program("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def payloads() -> Path:
    """The folder of real device messages beside the project."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "payloads"
    if not folder.is_dir():
        if CI:
            pytest.fail("the real device messages are not beside the project")
        pytest.skip("the real device messages are not beside the project")
    return folder
