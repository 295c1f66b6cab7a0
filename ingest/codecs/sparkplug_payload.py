"""The Sparkplug B payload as protobuf messages, described here by its published field numbers.

Eclipse Sparkplug 3.0, chapter 6.4: Payload{1 timestamp, 2 metrics, 3 seq}, Metric{1 name, 2 alias,
3 timestamp, 4 datatype, 5 is_historical, 7 is_null, 9 properties, 10..16 one value},
PropertySet{1 keys, 2 values}, PropertyValue{1 type, 2 is_null, 3..8 one value}, Template{2 metrics,
5 is_definition} as value 18. What is not read (metadata, data sets) is left out; protobuf passes
over it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from caretaker.vocabulary import Rejected, RejectReason

_PACKAGE = "caretaker.sparkplug"
_Field = descriptor_pb2.FieldDescriptorProto
_VALUES = (
    ("int_value", _Field.TYPE_UINT32),
    ("long_value", _Field.TYPE_UINT64),
    ("float_value", _Field.TYPE_FLOAT),
    ("double_value", _Field.TYPE_DOUBLE),
    ("boolean_value", _Field.TYPE_BOOL),
    ("string_value", _Field.TYPE_STRING),
)
_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
_BOOLEAN = 11
_MAX_DEPTH = 4


def _message(
    file: descriptor_pb2.FileDescriptorProto,
    name: str,
    fields: tuple[tuple[str, int, Any, str], ...],
    *,
    first_value: int,
) -> None:
    """Add a message type: plain fields, and the values of its oneof from `first_value` on."""
    message = file.message_type.add(name=name)
    if first_value:
        message.oneof_decl.add(name="value")
    for label, number, kind, of in fields:
        repeated = label.endswith("[]")
        item = message.field.add(
            name=label.rstrip("[]"),
            number=number,
            type=kind,
            label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL,
        )
        if of:
            item.type_name = f".{_PACKAGE}.{of}"
    for offset, (label, kind) in enumerate(_VALUES if first_value else ()):
        message.field.add(
            name=label,
            number=first_value + offset,
            type=kind,
            label=_Field.LABEL_OPTIONAL,
            oneof_index=0,
        )


def _describe() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="caretaker/sparkplug.proto", package=_PACKAGE, syntax="proto2"
    )
    text, bit, u64, u32 = _Field.TYPE_STRING, _Field.TYPE_BOOL, _Field.TYPE_UINT64, 13
    inner = _Field.TYPE_MESSAGE
    _message(file, "PropertyValue", (("type", 1, u32, ""), ("is_null", 2, bit, "")), first_value=3)
    _message(
        file,
        "PropertySet",
        (("keys[]", 1, text, ""), ("values[]", 2, inner, "PropertyValue")),
        first_value=0,
    )
    _message(
        file,
        "Metric",
        (
            ("name", 1, text, ""),
            ("alias", 2, u64, ""),
            ("timestamp", 3, u64, ""),
            ("datatype", 4, u32, ""),
            ("is_historical", 5, bit, ""),
            ("is_null", 7, bit, ""),
            ("properties", 9, inner, "PropertySet"),
        ),
        first_value=10,
    )
    metric = next(message for message in file.message_type if message.name == "Metric")
    metric.field.add(
        name="template_value",
        number=18,
        type=inner,
        label=_Field.LABEL_OPTIONAL,
        type_name=f".{_PACKAGE}.Template",
        oneof_index=0,
    )
    _message(
        file,
        "Template",
        (("metrics[]", 2, inner, "Metric"), ("is_definition", 5, bit, "")),
        first_value=0,
    )
    _message(
        file,
        "Payload",
        (("timestamp", 1, u64, ""), ("metrics[]", 2, inner, "Metric"), ("seq", 3, u64, "")),
        first_value=0,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


Payload: Any = _describe()
"""The message class of a Sparkplug B payload."""


def parse(data: bytes) -> Any | Rejected:
    """Return a payload, or why it is none; never raises.

    >>> parse(b"\\x08\\x07").timestamp
    7
    >>> parse(b"\\xff\\xff").reason.value
    'wrong-shape'
    """
    payload = Payload()
    try:
        payload.ParseFromString(data)
    except (DecodeError, UnicodeDecodeError, ValueError) as error:
        return Rejected(RejectReason.WRONG_SHAPE, f"no Sparkplug payload: {error}"[:120])
    return payload


def metrics(
    found: Any, aliases: Mapping[str, str], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Yield each metric with its name; the members of a template stand below its name.

    The name of one that is only numbered comes from `aliases`, and is empty where they lack it. The
    definition of a template holds no values.
    """
    for metric in found:
        name = metric.name or (
            aliases.get(str(metric.alias), "") if metric.HasField("alias") else ""
        )
        whole = f"{prefix}/{name}" if prefix else name
        if metric.WhichOneof("value") != "template_value":
            yield whole, metric
        elif name and depth < _MAX_DEPTH and not metric.template_value.is_definition:
            yield from metrics(metric.template_value.metrics, {}, whole, depth + 1)
        elif not name:
            yield "", metric


def number(metric: Any, datatype: int) -> object:
    """Return a metric's value; None when it has none. Signed types come in two's complement.

    >>> payload = Payload()
    >>> metric = payload.metrics.add(int_value=0xFFFFFFF6)
    >>> number(metric, 3)
    -10
    """
    kind = metric.WhichOneof("value")
    if kind in {None, "template_value"} or metric.is_null:
        return None
    value = getattr(metric, kind)
    if kind in {"int_value", "long_value"} and (bits := _SIGNED_BITS.get(datatype)):
        value &= (1 << bits) - 1
        return value - (1 << bits) if value >> (bits - 1) else value
    if datatype == _BOOLEAN and kind != "boolean_value":
        return bool(value)
    return value


def rebirth(timestamp_ms: int) -> bytes:
    """Return the command that asks an edge node for its births again (Sparkplug 3.0, 6.4.24)."""
    payload = Payload(timestamp=timestamp_ms)
    payload.metrics.add(name="Node Control/Rebirth", datatype=_BOOLEAN, boolean_value=True)
    return bytes(payload.SerializeToString())
