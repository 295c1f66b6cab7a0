"""One click: the inspector pack over the API."""

import zipfile
from io import BytesIO

from tests.api.conftest import School


def test_the_pack_comes_as_paper_and_as_workbook_and_is_noted(school: School) -> None:
    with school.client() as client:
        asked = {"from": "2026-08-30", "to": "2026-09-01"}
        paper = client.get("/reports/inspector", params=asked)
        assert paper.status_code == 200
        assert paper.headers["content-type"] == "application/pdf"
        assert paper.content.startswith(b"%PDF")
        assert "cold-storage-2026-08-30" in paper.headers["content-disposition"]
        book = client.get("/reports/inspector", params=asked | {"format": "xlsx", "lang": "en"})
        assert zipfile.ZipFile(BytesIO(book.content)).testzip() is None
        for wrong in ({"from": "2026-09-02", "to": "2026-09-01"}, {"from": "x", "to": "y"}):
            answer = client.get("/reports/inspector", params=wrong)
            assert answer.status_code == 422
            assert answer.json()["error"]["message"]
    with school.client("") as nobody:
        assert nobody.get("/reports/inspector", params=asked).status_code == 401
    with school.journal.reader() as connection:
        noted = connection.execute(
            "SELECT count(*) FROM audit WHERE action = 'report.inspector'"
        ).fetchone()
    assert noted[0] == 2
