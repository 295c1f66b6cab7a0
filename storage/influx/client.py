"""Line protocol over influxdb-client, imported only by a site that has an InfluxDB 2 or 3."""

from typing import Any

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from storage.influx.answers import Answer, answer_of
from storage.influx.wire import Deadline

_NS: Any = WritePrecision.NS


def _pools(deadline: Deadline) -> dict[str, type[Any]]:
    """Return urllib3's pools with connections that the deadline can cut."""

    def watched(base: type[Any]) -> type[Any]:
        plain = base.ConnectionCls

        class Watched(plain):  # type: ignore[misc, valid-type]
            def connect(self, *args: Any, **options: Any) -> Any:
                done = super().connect(*args, **options)
                deadline.watch(self.sock)
                return done

        return type("WatchedPool", (base,), {"ConnectionCls": Watched})

    return {"http": watched(HTTPConnectionPool), "https": watched(HTTPSConnectionPool)}


class LineWriter:
    """Writes line protocol to `/api/v2/write` with influxdb-client, one request a call."""

    def __init__(
        self, url: str, *, token: str, org: str, ca_file: str, timeout_s: float, deadline: Deadline
    ) -> None:
        self._deadline = deadline
        self._org = org
        # retries=False: the client's own retries give up and discard; ours do neither.
        self._client = InfluxDBClient(
            url,
            token=token,
            org=org,
            timeout=round(timeout_s * 1_000),
            ssl_ca_cert=ca_file or None,
            retries=False,
        )
        api: Any = self._client.api_client
        manager: urllib3.PoolManager = api.rest_client.pool_manager
        manager.pool_classes_by_scheme = _pools(deadline)
        self._api = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, bucket: str, body: bytes) -> Answer:
        """Send one body and return what became of it; never raises for what a server does."""
        try:
            with self._deadline.running():
                self._api.write(bucket=bucket, org=self._org, record=body, write_precision=_NS)
        except ApiException as error:
            return answer_of(
                error.status or 0, error.body or str(error.reason), error.headers or {}
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Answer(0, f"{type(error).__name__}: {error}"[:300])
        return Answer(204)

    def close(self) -> None:
        """Close the connections."""
        client: Any = self._client
        client.close()
        # Its __del__ closes once more, which must not be left to the interpreter's end.
        del self._api, self._client
