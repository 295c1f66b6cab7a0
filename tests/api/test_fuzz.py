"""No input makes a route fail on its own account (schemathesis, from the OpenAPI description)."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from api import openapi
from tests.api.conftest import School

pytestmark = pytest.mark.slow

SCHEMA = schemathesis.openapi.from_dict(json.loads(openapi.description()))
ROUTES = SCHEMA.exclude(path_regex="/live|/logout|/login")


@ROUTES.parametrize()
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_route_fails(case: "schemathesis.Case[Any]", school: School) -> None:
    answer = case.call(base_url=school.url, headers={"Authorization": "Bearer o-token"})
    assert answer.status_code < 500, answer.text
