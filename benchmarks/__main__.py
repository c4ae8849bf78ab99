"""`python -m benchmarks [b1|b3|b3b|b5a]`: run and print."""

from __future__ import annotations

import sys

from benchmarks import b1_acknowledge, b3_triage, b3b_rounds, b5a_storm

ALL = {
    "b1": b1_acknowledge.main,
    "b3": b3_triage.main,
    "b3b": b3b_rounds.main,
    "b5a": b5a_storm.main,
}


def main() -> None:
    names = sys.argv[1:] or list(ALL)
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(ALL)}")
    for name in names:
        ALL[name]()


if __name__ == "__main__":
    main()
