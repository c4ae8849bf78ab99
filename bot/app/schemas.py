"""The JSON Schemas that are published: `python -m bot.app.schemas` writes them into docs/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.config import catalogue
from bot.domain.report import Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def published() -> dict[str, dict[str, Any]]:
    """File name to schema: the catalogue as it is read, the report as `triage --json` prints it."""
    report = Report.model_json_schema(mode="serialization")
    return {
        "catalogue.schema.json": catalogue.schema(),
        "report.schema.json": report | {"$schema": DIALECT, "title": "Incident Helper report"},
    }


def text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Into a folder that is there."""
    for name, schema in published().items():
        (folder / name).write_text(text(schema), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[2] / "docs")
