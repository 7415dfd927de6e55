"""What the SDK made of an answer, in words that can be compared."""

from __future__ import annotations

from typing import Any


def words(value: Any) -> str:
    """A single value: the SDK wraps enumerations in `Choice`."""
    return str(value.get_value() if hasattr(value, "get_value") else value)


def item(result: Any) -> str:
    """A result, such as `SuccessResponse SUCCESS success 4150868000005067099`."""
    if result is None:
        return "nothing"
    kind = type(result).__name__
    details = result.get_details()
    id = "-" if not details or details.get("id") is None else details["id"]
    return f"{kind} {words(result.get_code())} {words(result.get_status())} {id}"


def items(answer: Any) -> list[str]:
    """All results of an answer; its own kind first."""
    body = answer.get_object()
    if body is None:
        return ["nothing"]
    for getter in ("get_data", "get_tags", "get_mass_delete", "get_recycle_bin"):
        if hasattr(body, getter):
            results = getattr(body, getter)() or []
            return [type(body).__name__, *map(item, results)]
    return [item(body)]


def message(result: Any) -> str:
    """The message of a result."""
    return words(result.get_message())
