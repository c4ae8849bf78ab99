"""Rewrite the golden files: `python -m tests.render.golden`, then read the difference."""

from __future__ import annotations

from tests.render.golden.files import HERE, contents


def main() -> None:
    for name, text in contents().items():
        (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
