"""What the golden files hold: what a person reads, and what a click carries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.render.golden.messages import everything
from tests.render.reading import buttons, transcript

HERE = Path(__file__).parent


def contents() -> dict[str, str]:
    """Name of each file → its text."""
    rendered = everything()
    texts = {f"{name}.txt": transcript(shown) for name, shown in rendered.items()}
    lines = [f" {json.dumps(each, ensure_ascii=False)}" for each in _clickable(rendered)]
    return {**texts, "clicks.json": "[\n" + ",\n".join(lines) + "\n]\n"}


def _clickable(rendered: dict[str, dict[str, Any]]) -> Iterator[dict[str, str]]:
    """What comes back to the bot when a button is pressed or a modal submitted."""
    for name, shown in rendered.items():
        for button in buttons(shown["blocks"]):
            carried = {key: button[key] for key in ("action_id", "value")}
            yield {"in": name, "button": button["text"]["text"], **carried}
        if shown.get("type") == "modal":
            named = ("callback_id", "external_id", "private_metadata")
            yield {"in": name, **{key: shown[key] for key in named if key in shown}}
