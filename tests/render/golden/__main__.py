"""Rewrite the golden files: `python -m tests.render.golden`, then read the difference."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.samples import everything

HERE = Path(__file__).parent


def written(rendered: object) -> str:
    return json.dumps(rendered, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    for name, rendered in everything().items():
        (HERE / f"{name}.json").write_text(written(rendered), encoding="utf-8")


if __name__ == "__main__":
    main()
