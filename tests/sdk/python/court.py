"""Checks: each has a name, a line of output, and all of its disagreements at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Check:
    """One check under way; it goes on after a disagreement, so that one run shows them all."""

    def __init__(self) -> None:
        self.disagreements: list[str] = []

    def same(self, what: str, seen: object, expected: object) -> None:
        """Two values have to be equal."""
        if seen != expected:
            self.disagreements.append(f"{what}: {short(seen)} instead of {short(expected)}")


class Court:
    """All checks of a judge. The first word of each line says what came of it; `run` counts it."""

    def __init__(self, judge: str, quick: bool) -> None:
        self.judge = judge
        self.quick = quick
        self.failed = 0

    @contextmanager
    def check(self, name: str) -> Iterator[Check]:
        """What the SDK understood has to be what the simulator did."""
        yield from self._judge("ok", name, "")

    @contextmanager
    def known(self, name: str, reason: str) -> Iterator[Check]:
        """The SDK is known to be wrong here: exactly that wrong, or the check fails."""
        yield from self._judge("known", name, f" ({reason})")

    def left_out(self, name: str) -> bool:
        """Whether a check that takes long is left out; then it says so."""
        if self.quick:
            print(f"later  {self.judge:<6} {name}", flush=True)
        return self.quick

    def _judge(self, word: str, name: str, reason: str) -> Iterator[Check]:
        check = Check()
        try:
            yield check
        except Exception as error:  # the SDK raises whatever it meets
            check.disagreements.append(f"raised {describe(error)}")
        if check.disagreements:
            self.failed += 1
            word = "FAILED"
        print(f"{word:<6} {self.judge:<6} {name}{reason}", flush=True)
        for line in check.disagreements:
            # The other judge speaks at the same time.
            print(f"       {self.judge:<6}   {line}", flush=True)


def short(value: object) -> str:
    """A value for people, who want no list of 500 ids."""
    text = repr(value)
    return text if len(text) <= 600 else f"{text[:500]} … {text[-100:]}"


def describe(error: BaseException) -> str:
    """An error with its causes, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
