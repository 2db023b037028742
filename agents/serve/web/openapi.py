"""The OpenAPI document of the addresses for programs, made from the one table of addresses."""

from collections.abc import Iterable

from pydantic import JsonValue

from .app import Address
from .keyed import KEY

_TEXT: JsonValue = {"type": "string"}
_ERROR: JsonValue = {
    "description": "An error: what it is, and what to do next.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_ERROR_SCHEMA: JsonValue = {
    "type": "object",
    "properties": {"error": {"type": "object", "properties": dict.fromkeys(("code", "message", "fix"), _TEXT)}},
}


def document(addresses: Iterable[Address]) -> dict[str, JsonValue]:
    """Describe the addresses below `/api/` as OpenAPI 3.1."""
    paths: dict[str, dict[str, JsonValue]] = {}
    for one in addresses:
        if one.path.startswith("/api/"):
            paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    told: dict[str, JsonValue] = {x: dict(y) for x, y in paths.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "twinops", "version": "1"},
        "paths": told,
        "components": {
            "schemas": {"Error": _ERROR_SCHEMA},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(one: Address) -> dict[str, JsonValue]:
    parameters = [_parameter(x[1:-1], "path") for x in one.path.split("/") if x.startswith("{")]
    answer: JsonValue = {"description": one.about, "content": {"application/json": {"schema": {"type": "object"}}}}
    told: dict[str, JsonValue] = {
        "summary": one.about,
        "x-least-role": one.role,
        "responses": {"200": answer, "default": _ERROR},
    }
    if one.method == "POST":
        parameters.append(_parameter(KEY.title(), "header"))
        schema: JsonValue = {"type": "object", "properties": {x: {} for x in one.takes}}
        told["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    else:
        parameters += [_parameter(x, "query") for x in one.takes]
    told["parameters"] = [*parameters]
    return told


def _parameter(name: str, place: str) -> JsonValue:
    return {"name": name, "in": place, "required": place == "path", "schema": _TEXT}
