"""Writes the client's message types from the structs: `make protocol`.

The result is committed, so that the client builds without Python; a test fails when it drifts.
"""

import sys
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import inspect as types

from relay.errors import HTTP_ONLY, ErrorCode
from relay.protocol.limits import Limits
from relay.protocol.messages import (
    CandidateProtocol,
    CandidateType,
    ClientMessage,
    FirstSign,
    IceServer,
    MediaPath,
    Message,
    Mode,
    PartingReason,
    RelayProtocol,
    Role,
    ServerMessage,
)
from relay.protocol.types import comment, written

HEADER = """\
// Every message on the WebSocket. Generated from relay/protocol/messages.py by `make protocol`, and
// specified in relay/protocol/README.md. Types only: signalling.ts reads and writes the frames.
"""

ENUMS = (Role, Mode, PartingReason, CandidateType, CandidateProtocol, RelayProtocol, FirstSign, ErrorCode)
NAMED: dict[Any, str] = {kind: kind.__name__ for kind in (*ENUMS, Limits, IceServer)} | {MediaPath: "MediaPath['data']"}
"""Types that fields refer to. A message within another has no envelope."""


def render() -> str:
    """The whole TypeScript module."""
    messages = dict.fromkeys((*ClientMessage.__subclasses__(), *ServerMessage.__subclasses__()))
    parts = [HEADER]
    parts += [_enum(kind) for kind in ENUMS]
    parts += [f"{comment(kind)}export interface {kind.__name__} {_fields(kind, 1)}\n" for kind in (IceServer, Limits)]
    parts += [_message(kind) for kind in messages]
    parts += [_union(side) for side in (ClientMessage, ServerMessage)]
    return "\n".join(parts)


def _enum(kind: type[StrEnum]) -> str:
    members = "".join(f"\n  | '{member.value}'" for member in kind if member not in HTTP_ONLY)
    return f"{comment(kind)}export type {kind.__name__} ={members};\n"


def _union(side: type[Message]) -> str:
    kinds = side.__subclasses__()
    return f"export type {side.__name__} =" + "".join(f"\n  | {kind.__name__}" for kind in kinds) + ";\n"


def _message(kind: type[Message]) -> str:
    fields = msgspec.structs.fields(kind)
    data = f"  readonly data: {_fields(kind, 2)};\n" if fields else ""
    return f"{comment(kind)}export interface {kind.__name__} {{\n  readonly event: '{kind.event}';\n{data}}}\n"


def _fields(kind: type[msgspec.Struct], depth: int) -> str:
    indent = "  " * depth
    lines = []
    for field in msgspec.structs.fields(kind):
        optional = "?" if _may_be_absent(kind, field) else ""
        kind_of = written(types.type_info(field.type), NAMED, omit_null=kind.__struct_config__.omit_defaults)
        lines.append(f"{indent}readonly {field.name}{optional}: {kind_of};\n")
    return "{\n" + "".join(lines) + "  " * (depth - 1) + "}"


def _may_be_absent(kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> bool:
    """A field with a default may be left out by the client, and is left out by the server if it says so."""
    from_server = issubclass(kind, ServerMessage | IceServer)
    return not field.required and (kind.__struct_config__.omit_defaults or not from_server)


if __name__ == "__main__":
    sys.stdout.write(render())
