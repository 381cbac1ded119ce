"""The schemas to which the description of the API refers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEMAS = "#/components/schemas/"

_MISTAKE = {
    "type": "object",
    "required": ["field", "line", "message"],
    "properties": {
        "field": {"type": "string", "description": "Where in the case, such as labs[0].unit."},
        "line": {"type": ["integer", "null"], "description": "Line of the request."},
        "message": {"type": "string", "description": "What is wrong, and what to write instead."},
    },
}
OWN_SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "description": "Problem details after RFC 9457.",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": _MISTAKE},
        },
    },
    "Checked": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["file", "ok", "mistakes", "notes"],
            "properties": {
                "file": {"type": "string"},
                "ok": {"type": "boolean"},
                "mistakes": {"type": "array", "items": _MISTAKE},
                "notes": {"type": "array", "items": {"type": "string"}},
            },
        },
    },
}


def components(schemas: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schemas to which the routes refer.

    Args:
        schemas: those of the case file and of the assessment.
    """
    found: dict[str, Any] = dict(OWN_SCHEMAS)
    for name, schema in (("Case", "case"), ("Assessment", "assessment")):
        whole = _moved(schemas[schema], name)
        parts = whole.pop("$defs")
        found |= {f"{name}{part}": one for part, one in parts.items()}
        found[name] = {key: one for key, one in whole.items() if key not in ("$schema", "$id")}
    return found


def _moved(schema: Any, prefix: str) -> Any:
    """Return a schema whose references to its own parts lead to those of the components."""
    if isinstance(schema, dict):
        return {
            key: one.replace("#/$defs/", f"{SCHEMAS}{prefix}")
            if key == "$ref" and isinstance(one, str)
            else _moved(one, prefix)
            for key, one in schema.items()
        }
    return [_moved(one, prefix) for one in schema] if isinstance(schema, list) else schema
