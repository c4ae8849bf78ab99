"""The published JSON Schemas; `python -m bot.app.schemas` writes them into docs/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.config import catalogue
from bot.domain.report import Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def published() -> dict[str, dict[str, Any]]:
    """The schemas by file name: of the catalogue file, and of the report of `triage --json`."""
    report = Report.model_json_schema(mode="serialization")
    return {
        "catalogue.schema.json": catalogue.schema(),
        "report.schema.json": report | {"$schema": DIALECT, "title": "Incident Helper report"},
    }


def text(schema: dict[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write all schemas into an existing folder."""
    for name, schema in published().items():
        (folder / name).write_text(text(schema), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[2] / "docs")
