"""Zoho's Python SDK reads the simulator's answers; started by `run`."""

from __future__ import annotations

import sys

import deletes
import mass_deletes
import reads
import tags
import tokens
import unlinks
from bench import from_environment


def main() -> int:
    """Judges everything; 1 when anything disagrees."""
    bench = from_environment()
    tokens.judge_refusals(bench)
    tokens.judge_grant(bench)
    token = tokens.judge_refresh(bench)
    deletes.judge(bench)
    reads.judge(bench)
    tags.judge(bench)
    unlinks.judge(bench)
    mass_deletes.judge(bench)
    tokens.judge_the_end(bench, token)
    return 1 if bench.court.failed else 0


if __name__ == "__main__":
    sys.exit(main())
