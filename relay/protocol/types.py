"""Writes structs as TypeScript: what the client's generated files have in common."""

import inspect
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import inspect as types

Names = Mapping[Any, str]
"""What a type that fields refer to is called in TypeScript."""


def interface(kind: type[msgspec.Struct], names: Names) -> str:
    """A struct whose fields are always there."""
    lines = []
    for field in msgspec.structs.fields(kind):
        lines.append(f"  readonly {field.name}: {written(types.type_info(field.type), names)};\n")
    return f"{comment(kind)}export interface {names[kind]} {{\n{''.join(lines)}}}\n"


def written(kind: types.Type, names: Names, *, omit_null: bool = False) -> str:
    """A type."""
    match kind:
        case types.StrType():
            return "string"
        case types.IntType() | types.FloatType():
            return "number"
        case types.BoolType():
            return "boolean"
        case types.NoneType():
            return "null"
        case types.AnyType() | types.RawType():
            return "unknown"
        case types.EnumType(cls=cls) | types.StructType(cls=cls):
            return names[cls]
        case types.VarTupleType(item_type=item) | types.ListType(item_type=item):
            inner = written(item, names)
            return f"readonly ({inner})[]" if "|" in inner else f"readonly {inner}[]"
        case types.DictType(value_type=value):
            return f"Readonly<Record<string, {written(value, names)}>>"
        case types.UnionType(types=options):
            wanted = [option for option in options if not (omit_null and isinstance(option, types.NoneType))]
            return " | ".join(written(option, names) for option in wanted)
        case _:
            raise TypeError(f"no TypeScript for {kind}")


def comment(kind: type) -> str:
    """The first line of what its docstring says."""
    first = (inspect.getdoc(kind) or "").partition("\n")[0]
    return f"/** {first} */\n" if first else ""
