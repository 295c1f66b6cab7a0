"""Compose, images and provisioning, held to the rules by machine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.boards import BOARDS
from dashboards.generate import FOLDER
from dashboards.query import DATASOURCE

ROOT = Path(__file__).resolve().parents[2]
FILES = (ROOT / "docker-compose.yml", ROOT / "deploy" / "compose.embedded.yml")
BY_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
SECRET_NAME = re.compile(r"password|token|secret|key|credential", re.IGNORECASE)
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def services(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(path)["services"]
    return found


@BY_FILE
def test_every_published_port_has_an_address(path: Path) -> None:
    for name, service in services(path).items():
        for port in service.get("ports", []):
            text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(port))
            assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+:\d+:\d+", text), f"{name}: {port}"
            address, outer, _ = text.split(":")
            assert address == "127.0.0.1" or outer == "8883", f"{name}: {port} is open to all"


@BY_FILE
def test_every_service_has_no_more_rights_than_it_needs(path: Path) -> None:
    for name, service in services(path).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert "cap_add" not in service, name
        assert any(mount.startswith("/tmp:size=") for mount in service["tmpfs"]), name
        assert re.fullmatch(r"\d+[mg]", str(service["mem_limit"])), name
        assert service["pids_limit"] > 0, name
        assert service["logging"]["options"]["max-size"], name
        assert service.get("user", "image").startswith(("${CARETAKER_UID", "image")), name
        assert not any("docker.sock" in str(v) for v in service.get("volumes", [])), name


@BY_FILE
def test_every_service_that_stays_is_watched_and_has_time_to_end(path: Path) -> None:
    for name, service in services(path).items():
        stays = service["restart"] == "unless-stopped"
        assert stays is ("test" in service["healthcheck"]), name
        if stays:
            assert {"interval", "timeout", "retries", "start_period"} <= set(
                service["healthcheck"]
            ), name
            assert int(service["stop_grace_period"].removesuffix("s")) >= 30, name


@BY_FILE
def test_images_are_pinned_by_version(path: Path) -> None:
    for name, service in services(path).items():
        version = service["image"].rpartition(":")[2]
        assert re.match(r"\d+\.\d+\.\d+", version), f"{name}: {service['image']}"


@BY_FILE
def test_no_secret_stands_in_the_file(path: Path) -> None:
    for name, service in services(path).items():
        environment = service.get("environment", {})
        for key, value in environment.items():
            if SECRET_NAME.search(key) and "COOKIE" not in key:
                assert key.endswith("_FILE"), f"{name}: {key}"
                assert str(value).startswith("/run/secrets/"), f"{name}: {key}"
        for word in map(str, service.get("command", [])):
            assert not re.search(r"(password|token)=", word), f"{name}: {word}"
    for name, secret in read(path).get("secrets", {}).items():
        assert secret["file"].startswith("./data/credentials/"), name


def test_influxdb_is_reached_from_the_inner_network_only() -> None:
    found = read(FILES[0])
    assert found["networks"]["core"]["internal"] is True
    assert found["services"]["influxdb"]["networks"] == ["core"]
    assert "ports" not in found["services"]["influxdb"]
    for name in ("mosquitto", "caretaker", "grafana"):
        assert "core" in found["services"][name]["networks"]


def test_only_the_first_start_sees_the_administrators_token() -> None:
    found = services(FILES[0])
    holders = {name for name, s in found.items() if "influx_admin_token" in s.get("secrets", [])}
    assert holders == {"influxdb", "influx-setup"}
    assert found["influx-setup"]["restart"] == "no"
    for name in ("caretaker", "grafana"):
        waits = found[name]["depends_on"]["influx-setup"]["condition"]
        assert waits == "service_completed_successfully"


def test_grafana_is_closed() -> None:
    environment = services(FILES[0])["grafana"]["environment"]
    for key, value in {
        "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_USERS_VIEWERS_CAN_EDIT": "false",
        "GF_SNAPSHOTS_ENABLED": "false",
        "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    }.items():
        assert environment[key] == value
    assert environment["GF_SECURITY_ADMIN_USER"] != "admin"


def test_git_and_the_image_leave_the_secrets_out() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/data/", ".env"} <= set(ignored)
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {"data", ".env", ".git"} <= set(left_out)


def test_the_image_is_small_and_runs_without_rights() -> None:
    stages = re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    assert len(stages) == 2
    assert all(re.search(r":\d+\.\d+\.\d+-slim", stage) for stage in stages)
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"(?m)^USER 10001:10001$", last)
    assert last.index("COPY") < last.index("USER")
    assert "libpango" in last
    assert "ADD " not in DOCKERFILE
    assert not re.search(r"(?m)^(ENV|ARG).*(PASSWORD|TOKEN|SECRET)", DOCKERFILE)
    for install in re.findall(r"apt-get install[^&]*", DOCKERFILE):
        assert "--no-install-recommends" in install
    assert DOCKERFILE.count("rm -rf /var/lib/apt/lists") == DOCKERFILE.count("apt-get update")
    assert "latest" not in DOCKERFILE


def provisioned(name: str) -> dict[str, Any]:
    return read(ROOT / "deploy" / "grafana" / "provisioning" / name / "caretaker.yaml")


def test_the_datasource_is_the_one_the_boards_ask() -> None:
    (source,) = provisioned("datasources")["datasources"]
    assert (source["uid"], source["type"]) == (DATASOURCE["uid"], DATASOURCE["type"])
    assert source["jsonData"]["version"] == "InfluxQL"
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    header = source["secureJsonData"]["httpHeaderValue1"]
    token = re.fullmatch(r"Token \$__file\{(/\S+)\}", header)
    assert token
    assert source["editable"] is False
    found = services(FILES[0])
    mounts = dict(v.split(":")[1::-1] for v in found["grafana"]["volumes"])
    folder, _, name = token.group(1).rpartition("/")
    written = found["influx-setup"]["command"]
    inside = written[written.index("--read-token-file") + 1]
    same = dict(v.split(":")[1::-1] for v in found["influx-setup"]["volumes"])
    assert mounts[folder] == same[inside.rpartition("/")[0]]
    assert inside.endswith(f"/{name}")
    assert (
        found["influxdb"]["environment"]["DOCKER_INFLUXDB_INIT_BUCKET"]
        == (source["jsonData"]["dbName"])
    )


def test_every_board_is_provisioned_and_home_is_campus_today() -> None:
    grafana = services(FILES[0])["grafana"]
    assert "./dashboards/generated:/etc/grafana/boards:ro" in grafana["volumes"]
    providers = provisioned("dashboards")["providers"]
    for provider in providers:
        folder = FOLDER / provider["options"]["path"].removeprefix("/etc/grafana/boards/")
        assert len(list(folder.glob("*.json"))) == len(BOARDS)
        assert provider["allowUiUpdates"] is False
    assert len({provider["folderUid"] for provider in providers}) == 2
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    for lang in ("zh-CN", "en"):
        path = re.sub(r"\$\{CARETAKER_LANG:-zh-CN\}", lang, home)
        assert (FOLDER / path.removeprefix("/etc/grafana/boards/")).exists()
    assert BOARDS[0].name == "today"


def test_every_mount_is_a_folder_that_init_makes_or_the_project_has() -> None:
    from caretaker.deployment import Layout

    made = {f"./{path}" for path in Layout(Path()).folders}
    for name, service in services(FILES[0]).items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source in made or (ROOT / source).exists(), f"{name}: {source}"
