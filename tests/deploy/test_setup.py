"""The first start of compose against a real InfluxDB 2: its own command, its own files."""

import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caretaker.cli import app
from caretaker.deployment import Layout, prepare, with_value
from caretaker.secrets import load_or_create
from tests.deploy.test_files import FILES, services
from tests.stores import Store


def test_setup_gives_grafana_a_token_that_may_only_read(influxdb_2: Store, tmp_path: Path) -> None:
    prepare(tmp_path, names=["localhost"])
    layout = Layout(tmp_path)
    site = layout.data / "site.toml"
    text = site.read_text(encoding="utf-8")
    for key, value in (("url", influxdb_2.url), ("org", influxdb_2.settings.org)):
        text = with_value(text, section="influx", key=key, value=f'"{value}"')
    site.write_text(text, encoding="utf-8")
    admin = layout.credentials / "influx_admin_token"
    admin.write_text(influxdb_2.admin, encoding="utf-8")
    places = {
        "/data": str(layout.data),
        "/run/secrets/influx_admin_token": str(admin),
        "/grafana-token/read": str(tmp_path / "data" / "grafana-token" / "read"),
    }
    command: list[str] = [
        places.get(word) or word for word in services(FILES[0])["influx-setup"]["command"]
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, (result.output, result.exception)
    token = Path(places["/grafana-token/read"]).read_text(encoding="utf-8")
    assert token not in result.output
    assert token.strip() == token == load_or_create(layout.data).influx["read"]
    # What Grafana does: InfluxQL on /query with the token in a header.
    query = urllib.parse.urlencode({"db": "caretaker", "q": "SHOW MEASUREMENTS"})
    headers = {"Authorization": f"Token {token}"}
    asked = urllib.request.Request(f"{influxdb_2.url}/query", query.encode(), headers)
    asked.add_header("Content-Type", "application/x-www-form-urlencoded")
    assert urllib.request.urlopen(asked, timeout=20).status == 200
    writing = urllib.request.Request(
        f"{influxdb_2.url}/write?db=caretaker", b"x v=1", headers, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(writing, timeout=20)
    assert refused.value.code in {401, 403, 404}
    refused.value.close()
    # Again: nothing changes, Grafana's token stays good.
    assert CliRunner().invoke(app, command).exit_code == 0
    assert Path(places["/grafana-token/read"]).read_text(encoding="utf-8") == token
