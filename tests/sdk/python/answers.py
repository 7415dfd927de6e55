"""What the SDK made of an answer, in words that can be compared."""

from __future__ import annotations

from typing import Any

from court import Check


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


def success(id: str) -> str:
    """A result that tells of success."""
    return f"SuccessResponse SUCCESS success {id}"


def error(code: str, id: str = "-") -> str:
    """A result, or a call, that failed."""
    return f"APIException {code} error {id}"


def compare(check: Check, answer: Any, status: int, *expected: str) -> None:
    """Status, kind of the answer and all of its results."""
    check.same("status", answer.get_status_code(), status)
    check.same("results", items(answer), list(expected))


def refused(check: Check, answer: Any, status: int, code: str, details: dict | None = None) -> None:
    """A flat error for the call as a whole."""
    compare(check, answer, status, error(code))
    if details is not None:
        check.same("details", answer.get_object().get_details(), details)


def nothing(check: Check, answer: Any) -> None:
    """204."""
    check.same("answer", (answer.get_status_code(), answer.get_object()), (204, None))


def tags_left(result: Any) -> list[str]:
    """The names of the tags that a result of tagging tells of."""
    return sorted(tag.get_name() for tag in result.get_details()["tags"])
