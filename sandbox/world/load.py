"""Reads a scenario file; what is wrong with it is said with its place and what to write instead.

`load` collects every problem before it raises, so that an author mends a file in one go.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails, core_schema

from sandbox.world.references import reference_problems
from sandbox.world.schema import Scenario

Loc = tuple[str | int, ...]
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ScenarioError(ValueError):
    """A scenario file that cannot be played; `problems` are sentences for its author."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        super().__init__(f"{source}: {count}\n" + "\n".join(f"  {p}" for p in problems))


def load(path: str | Path) -> Scenario:
    """Read and validate a scenario file. Raises ScenarioError, also when it cannot be read."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(str(path), [f"cannot read the file: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ScenarioError(str(path), ["the file is not UTF-8 text"]) from error
    return parse(text, source=str(path))


def parse(text: str, source: str = "scenario") -> Scenario:
    """Validate the text of a scenario file. Raises ScenarioError."""
    try:
        loader = _Loader(text)
        tree = loader.get_single_node()
        data = loader.construct_document(tree) if tree else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ScenarioError(source, [f"{where}not YAML: {problem}"]) from error
    if not isinstance(data, dict):
        raise ScenarioError(source, ["the file must be a mapping that begins with `title:`"])
    problems = [*_duplicates(tree)]
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        problems += _sentences(error.errors(), tree)
        raise ScenarioError(source, problems) from error
    problems += [_placed(loc, message, tree) for loc, message in reference_problems(scenario)]
    if problems:
        raise ScenarioError(source, problems)
    return scenario


def json_schema() -> str:
    """The JSON Schema of a scenario file, as docs/scenario.schema.json holds it."""
    schema = TypeAdapter(Scenario).json_schema(by_alias=True, schema_generator=_Generator)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, allow_nan=False) + "\n"


class _Generator(GenerateJsonSchema):
    """As pydantic's, for a reader of YAML: `version: 42` is text, and infinity is no default."""

    def str_schema(self, schema: core_schema.StringSchema) -> dict[str, Any]:
        return super().str_schema(schema) | {"type": ["string", "number"]}

    def encode_default(self, dft: Any) -> Any:
        encoded = super().encode_default(dft)
        return None if isinstance(encoded, float) and math.isinf(encoded) else encoded


def _duplicates(node: yaml.Node | None) -> Iterator[str]:
    """YAML lets the last of two equal keys win in silence; an author wants to know."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield f"line {key.start_mark.line + 1}: key `{key.value}` is there twice"
            seen.add(key.value)
            yield from _duplicates(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item)


def _sentences(details: Sequence[ErrorDetails], tree: yaml.Node | None) -> list[str]:
    """One sentence a place: of a union's complaints the first says it best."""
    first: dict[Loc, str] = {}
    for detail in details:
        first.setdefault(_locate(detail["loc"])[0], _sentence(detail, tree))
    return list(first.values())


def _sentence(detail: ErrorDetails, tree: yaml.Node | None) -> str:
    loc, owner = _locate(detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    given = detail.get("input")
    match kind:
        case "extra_forbidden":
            keys = _keys(owner)
            near = difflib.get_close_matches(str(loc[-1]), keys, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"keys here: {', '.join(keys)}"
            message = f"unknown key `{loc[-1]}`; {hint}"
        case "missing":
            message = f"missing key `{loc[-1]}`"
        case "union_tag_invalid":
            message = (
                f"unknown kind {context.get('tag')!r}; write one of {context['expected_tags']}"
            )
        case "union_tag_not_found":
            message = "missing key `kind`"
        case "literal_error":
            message = f"{given!r} is not allowed; write one of {context['expected']}"
        case "value_error":
            message = str(context.get("error", detail["msg"]))
        case "model_type" | "model_attributes_type":
            message = f"must be a mapping with the keys {', '.join(_keys(owner))}; got {given!r}"
        case "too_short":
            message = "must not be empty"
        case "tuple_type":
            message = f"must be a list; begin it with a dash or put it into [ ]; got {given!r}"
        case "string_pattern_mismatch" if loc[-1] == "operation":
            message = (
                f"{given!r} is no operation; write service:Operation as in IAM, for example "
                "logs:StartQuery or codedeploy:*"
            )
        case _:
            message = f"{detail['msg'][0].lower()}{detail['msg'][1:]}; got {given!r}"
    return _placed(loc, message, tree)


def _placed(loc: Loc, message: str, tree: yaml.Node | None) -> str:
    path = ""
    for step in loc:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    line = _line(tree, loc)
    where = f"line {line}, {path}" if line else path
    return f"{where}: {message}" if where else message


def _line(node: yaml.Node | None, loc: Loc) -> int | None:
    """The line of the deepest part of `loc` that is in the file."""
    line = None
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            pair = next((p for p in node.value if p[0].value == step), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            if step >= len(node.value):
                break
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _keys(model: type[BaseModel] | None) -> list[str]:
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _locate(loc: Loc) -> tuple[Loc, type[BaseModel] | None]:
    """`loc` without pydantic's union tags, and the model that holds its last step."""
    clean: list[str | int] = []
    owner: type[BaseModel] | None = Scenario
    here: Any = Scenario
    for step in loc:
        model = here if isinstance(here, type) and issubclass(here, BaseModel) else None
        if model is not None:
            owner = model
            field = next(
                (f for name, f in model.model_fields.items() if step in (name, f.alias)), None
            )
            clean.append(step)
            here = field.annotation if field else None
        elif isinstance(step, int):
            clean.append(step)
            here = _item(here)
        elif tagged := _tagged(here, step):
            here = owner = tagged
        elif not _is_type_name(step):
            clean.append(step)
            here = _item(here)
    if isinstance(here, type) and issubclass(here, BaseModel):
        owner = here
    return tuple(clean), owner


def _item(annotation: Any) -> Any:
    """The item type of tuple[X, ...] or dict[str, X], through Optional and Annotated."""
    arguments = [a for a in getattr(annotation, "__args__", ()) if a is not type(None)]
    arguments = [a for a in arguments if a is not Ellipsis]
    return arguments[-1] if arguments else None


def _tagged(annotation: Any, tag: str | int) -> type[BaseModel] | None:
    """The member of a discriminated union with this `kind`, or the only model of an Optional."""
    for candidate in _models(annotation):
        kind = candidate.model_fields.get("kind")
        if kind is not None and tag in getattr(kind.annotation, "__args__", ()):
            return candidate
    return None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _is_type_name(step: str | int) -> bool:
    """Pydantic names members of a plain union after their types; authors need not see that."""
    return isinstance(step, str) and (
        step in {"str", "int", "float", "bool"} or "[" in step or step.startswith("function-")
    )
