"""Settings of all floors <-> TOML.

A file holds one table per command; the keys of a table are the fields of the settings record of
that floor, so there is no second list of options to keep in step. A key that no record knows is
refused: a misspelt setting must not silently fall back to its default.

.. code-block:: toml

    [train]
    training = 50000

    [train.loop]
    epochs = 4

Where one of several records fits a field, the key ``kind`` of its table names it:

.. code-block:: toml

    [simulate.sources]
    kind = "catalogue"
    inflating = 0.8
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import is_dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TABLES = ("simulate", "train", "adapt", "finetune", "reproduce")

Record = TypeVar("Record", bound="DataclassInstance")


def read_settings(path: str | PathLike[str] | None, table: str, default: Record) -> Record:
    """Settings of one command from a TOML file.

    Parameters
    ----------
    path : path or None
        TOML file; None gives the defaults.
    table : str
        One of `TABLES`.
    default : dataclass
        Settings record whose fields are the keys of the table, and whose values hold where the
        table is silent. A field that is a record itself is a table inside.

    Returns
    -------
    dataclass
        Of the type of `default`, validated.

    Raises
    ------
    ValueError
        If the file is not TOML, a table or key is unknown, or a value is of the wrong kind or
        refused by the record.
    OSError
        If the file cannot be read.
    """
    if path is None:
        return default
    values = _read_toml(Path(path)).get(table, {})
    return _changed(default, values, f"[{table}] of {path}")


def _changed(default: Record, values: object, place: str) -> Record:
    """Return the record with the values of its table; tables inside change records inside."""
    if not isinstance(values, dict):
        raise ValueError(f"{place} is {values!r}, not a table of settings")
    hints = {
        name: hint
        for name, hint in get_type_hints(type(default)).items()
        if get_origin(hint) is not ClassVar
    }
    _refuse_unknown(values, list(hints), f"key in {place}")
    checked = {}
    for name, value in values.items():
        where = f"{name} in {place}"
        records = [hint for hint in get_args(hints[name]) if is_dataclass(hint)]
        if is_dataclass(hints[name]):
            checked[name] = _changed(getattr(default, name), value, where)
        elif records:
            checked[name] = _chosen(records, getattr(default, name), value, where)
        else:
            checked[name] = _checked(hints[name], value, where)
    return replace(default, **checked)


def _chosen(records: list[Any], default: Any, values: object, place: str) -> object:  # noqa: ANN401
    """Return the record whose `kind` the table names, or the default, with the table's values."""
    if not isinstance(values, dict):
        raise ValueError(f"{place} is {values!r}, not a table of settings")
    kinds = {record.kind: record for record in records}
    kind = values.get("kind", default.kind)
    if kind not in kinds:
        raise ValueError(f"kind {kind!r} of {place} is unknown; known are {', '.join(kinds)}")
    rest = {name: value for name, value in values.items() if name != "kind"}
    return _changed(default if kind == default.kind else kinds[kind](), rest, place)


def _checked(hint: Any, value: object, place: str) -> object:  # noqa: ANN401  (any type)
    try:
        return TypeAdapter(hint).validate_python(value)
    except PydanticSchemaGenerationError as error:
        raise ValueError(f"{place} = {value!r} cannot be set in a file, only in Python") from error
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise ValueError(f"{place} = {value!r} does not fit: {problem}") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"configuration {str(path)!r} is not TOML: {error}") from error
    _refuse_unknown(content, TABLES, f"table in {path}")
    return content


def _refuse_unknown(names: dict[str, Any], known: list[str] | tuple[str, ...], place: str) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise ValueError(f"unknown {place}: {name!r}; {remedy}")
