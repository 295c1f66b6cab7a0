"""What setup makes on a real server opens what it should, and nothing else."""

from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from caretaker.cli import app
from caretaker.secrets import load_or_create
from storage.influx.influxql import QueryError
from storage.influx.server import Server, Tokens
from storage.influx.setup import SetupError, set_up
from tests.stores import Store

LINE = b"power,site=s,device=d value=1.0 1788220800000000000"


def test_version_2_gets_two_tokens_that_open_one_bucket_one_way_each(influxdb_2: Store) -> None:
    settings = replace(influxdb_2.settings, bucket="narrow", retention_days=30)
    made = set_up(settings, admin=influxdb_2.admin, known={})
    write, read = made.tokens["write"], made.tokens["read"]

    server = Server(settings, Tokens(write, read))
    server.recognise()
    assert server.write(LINE, raw=True).status in {204, 422}  # 422: older than 30 days
    fresh = b"power,site=s,device=d value=1.0"
    assert server.write(fresh, raw=True).status == 204
    assert [s.name for s in server.query('SELECT * FROM "power"')] == ["power"]
    other = Server(replace(settings, bucket="first"), Tokens(write, read))
    other.recognise()
    assert other.write(fresh, raw=True).status in {401, 403, 404}
    swapped = Server(settings, Tokens(read, write))
    swapped.recognise()
    assert swapped.write(fresh, raw=True).status in {401, 403}
    with pytest.raises(QueryError):
        list(swapped.query('SELECT * FROM "power"'))
    admin = Server(settings, Tokens(influxdb_2.admin, influxdb_2.admin))
    org = admin.get("/api/v2/orgs", {"org": settings.org})[1]["orgs"][0]["id"]
    for token in (write, read):
        refused = httpx2.post(
            f"{settings.url}/api/v2/buckets",
            headers={"Authorization": f"Token {token}"},
            json={"name": "more", "orgID": org},
            trust_env=False,
        )
        assert refused.status_code in {401, 403}
    for one in (server, other, swapped, admin):
        one.close()
    again = set_up(settings, admin=influxdb_2.admin, known=made.tokens)
    assert again.tokens == {}


def test_a_wrong_token_is_told(influxdb_2: Store) -> None:
    with pytest.raises(SetupError, match="organisation"):
        set_up(influxdb_2.settings, admin="wrong", known={})


def test_version_1_gets_its_database_and_retention(influxdb_1: Store) -> None:
    settings = replace(influxdb_1.settings, bucket="kept", retention_days=10)
    set_up(settings, admin="", known={})
    server = Server(settings, Tokens())
    server.recognise()
    (found,) = server.query('SHOW RETENTION POLICIES ON "kept"')
    assert [row[:2] for row in found.rows] == [["autogen", "240h0m0s"]]
    server.close()


def test_the_command_writes_the_tokens_where_they_belong(influxdb_2: Store, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(
        f'[influx]\nurl = "{influxdb_2.url}"\nbucket = "bycommand"\n', encoding="utf-8"
    )
    (tmp_path / "admin").write_text(influxdb_2.admin + "\n", encoding="utf-8")
    words = ["influx", "setup", "--data", str(tmp_path)]
    words += ["--admin-token-file", str(tmp_path / "admin")]
    words += ["--read-token-file", str(tmp_path / "read")]
    for _ in range(2):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        tokens = load_or_create(tmp_path).influx
        assert (tmp_path / "read").read_text(encoding="utf-8") == tokens["read"]
        assert (tmp_path / "read").stat().st_mode & 0o777 == 0o600
        assert influxdb_2.admin not in (tmp_path / "secrets.toml").read_text(encoding="utf-8")
        assert tokens["read"] not in result.output
    output = CliRunner().invoke(app, words).output
    assert "nothing is changed" in output
