"""The OpenAPI documents tell what the doors do: keys and scopes, problems, and every body."""

import importlib
import re
from typing import Any
from unittest.mock import Mock

import jsonschema
import orjson
import pytest
from pydantic import BaseModel

from services.registration.commands import ALL_SCOPES
from services.registration.domain.answers import Answers
from services.registration.domain.gathering import GatheringBody
from shared.contracts.catalogue import SERVICES
from shared.platform.errors import Invalid, NotFound
from shared.platform.http import problem
from shared.platform.openapi import PROBLEM
from tests.conftest import settings_for


def document(service: str) -> dict[str, Any]:
    declared = importlib.import_module(f"services.{service}.app").SERVICE
    app = declared.http(settings_for(declared, "postgresql://nobody@127.0.0.1:9/nothing"), Mock())
    found: dict[str, Any] = app.openapi()
    return found


DOCUMENTS = {service: document(service) for service in SERVICES}
OPERATIONS = [
    pytest.param(path, method, operation, id=f"{service} {method} {path}")
    for service, told in DOCUMENTS.items()
    for path, operations in told["paths"].items()
    for method, operation in operations.items()
]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_a_route_says_what_it_needs_and_how_it_refuses(path: str, method: str, operation: dict[str, Any]) -> None:
    (scope,) = operation["security"][0]["key"]
    assert scope in ALL_SCOPES.split()
    assert f"`{scope}`" in operation["description"]
    assert not operation["description"].startswith("\n"), "it has no words of its own"
    names = {each["name"].lower() for each in operation.get("parameters", ())}
    assert "authorization" not in names
    answers = operation["responses"]
    assert {"401", "403", "422", "default"} <= answers.keys()
    assert ("404" in answers) == ("{" in path)
    assert all("$ref" in answers[status] for status in ("401", "403", "422"))
    if path.endswith("/bulk"):
        assert operation["requestBody"]["content"]


def test_every_scope_opens_something() -> None:
    needed = {param.values[2]["security"][0]["key"][0] for param in OPERATIONS}  # type: ignore[index]
    assert needed == set(ALL_SCOPES.split())


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_referred_to_that_is_not_there(service: str) -> None:
    told = DOCUMENTS[service]
    text = orjson.dumps(told).decode()
    shapes = [re.sub(r"{\w+}", "{}", path) for path in told["paths"]]
    assert len(set(shapes)) == len(shapes), "to OpenAPI, paths that differ in a parameter's name are the same"
    assert "HTTPValidationError" not in text
    for part in text.split('"$ref":"#/')[1:]:
        at: Any = told
        for step in part.partition('"')[0].split("/"):
            at = at[step]


def test_a_problem_is_as_it_is_described() -> None:
    schema = DOCUMENTS["registration"]["components"]["schemas"]["Problem"]
    errors = [{"pointer": "/email", "in": "body", "detail": "this is not an e-mail address"}]
    for answer in (problem(NotFound()), problem(Invalid(), errors=errors)):
        assert answer.media_type == PROBLEM
        jsonschema.validate(orjson.loads(bytes(answer.body)), schema)


@pytest.mark.parametrize("model", [Answers, GatheringBody])
def test_the_example_of_a_body_is_taken_at_the_door(model: type[BaseModel]) -> None:
    (example,) = DOCUMENTS["registration"]["components"]["schemas"][model.__name__]["examples"]
    model.model_validate_json(orjson.dumps(example))
