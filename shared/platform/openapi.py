"""The OpenAPI document as the doors behave: which scope a route needs, and problems (RFC 9457) for whatever is refused."""

from collections.abc import Mapping
from typing import Any, Final

PROBLEM: Final = "application/problem+json"

_REFUSED: Final = {
    "401": ("Unauthenticated", "No API key, or one that is unknown, expired or revoked."),
    "403": ("Forbidden", "The key lacks the scope that `detail` names."),
    "404": ("NotFound", "There is no such thing, or it belongs to somebody else."),
    "409": ("Conflict", "The present state does not allow this; `detail` says why."),
    "413": ("TooLarge", "The body is larger than this door takes: 64 KiB, or 16 MiB in bulk."),
    "422": (
        "Invalid",
        "The content is wrong; `errors` points at fields. In bulk: no row was taken, and `rows` says why.",
    ),
    "default": ("Unexpected", "Anything else. 429 and 503 carry `Retry-After`: send the same again then."),
}
_ABOUT: Final = (
    "Every error is `application/problem+json` with `type`, `title`, `status` and `detail`. Quote the `X-Request-Id` of"
    " an answer when you ask us. Whatever you are unsure of may be sent again: nothing is doubled."
)
_SCHEMA: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Stable name of the kind of problem, such as `/problems/not-found`."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "in", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "Where, as a JSON Pointer. Values are never repeated.",
                    },
                    "in": {"type": "string", "enum": ["body", "path", "query", "header"]},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def body(words: Mapping[str, str]) -> dict[str, Any]:
    """For the `openapi_extra` of a route that reads its body by line: what is in it, by media type."""
    content = {kind: {"schema": {"type": "string", "description": told}} for kind, told in words.items()}
    return {"requestBody": {"required": True, "content": content}}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The framework's document with scopes in words and with our problems. All routes in it are partners'."""
    document["info"]["description"] = _ABOUT
    parts = document.setdefault("components", {})
    parts["responses"] = {
        name: {"description": words, "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        for name, words in _REFUSED.values()
    }
    schemas = parts.setdefault("schemas", {})
    schemas["Problem"] = _SCHEMA
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, path, method)
    return document


def _complete(operation: dict[str, Any], path: str, method: str) -> None:
    scopes = [scope for each in operation["security"] for needed in each.values() for scope in needed]
    operation["description"] = f"{operation['description']}\n\nNeeds the scope `{'`, `'.join(scopes)}`."
    wanted: Mapping[str, bool] = {"404": "{" in path, "409": method != "get", "413": "requestBody" in operation}
    for status, (name, _) in _REFUSED.items():
        if wanted.get(status, True):
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
