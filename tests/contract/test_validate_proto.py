"""Our copy of buf/validate/validate.proto, which declares only the rules we use, agrees with upstream's."""

from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from protovalidate._gen.buf.validate import validate_pb

from buf.validate import validate_pb2


def ours() -> FileDescriptorProto:
    return FileDescriptorProto.FromString(validate_pb2.DESCRIPTOR.serialized_pb)


def upstream() -> FileDescriptorProto:
    """What the installed protovalidate reads rules with."""
    return FileDescriptorProto.FromString(validate_pb._DESC.proto.to_binary())


def field_facts(name: str, field: FieldDescriptorProto, oneofs: Sequence[str]) -> tuple[str, tuple[object, ...]]:
    oneof = oneofs[field.oneof_index] if field.HasField("oneof_index") else ""
    return f"{name}.{field.name}", (field.number, field.type, field.label, field.type_name, field.extendee, oneof)


def enum_facts(prefix: str, enum: EnumDescriptorProto) -> Iterator[tuple[str, tuple[object, ...]]]:
    for value in enum.value:
        yield f"{prefix}.{enum.name}.{value.name}", (value.number,)


def message_facts(prefix: str, message: DescriptorProto) -> Iterator[tuple[str, tuple[object, ...]]]:
    name = f"{prefix}.{message.name}"
    oneofs = [oneof.name for oneof in message.oneof_decl]
    for field in message.field:
        yield field_facts(name, field, oneofs)
    for enum in message.enum_type:
        yield from enum_facts(name, enum)
    for nested in message.nested_type:
        yield from message_facts(name, nested)


def facts(file: FileDescriptorProto) -> Mapping[str, tuple[object, ...]]:
    """Number, type and place of every field, enum value and extension, by its full name."""
    found = dict(field_facts(file.package, extension, ()) for extension in file.extension)
    for enum in file.enum_type:
        found.update(enum_facts(file.package, enum))
    for message in file.message_type:
        found.update(message_facts(file.package, message))
    return found


def test_every_rule_of_ours_is_upstreams() -> None:
    theirs = facts(upstream())
    assert {name: theirs.get(name) for name in facts(ours())} == facts(ours())


def test_it_is_the_same_file_to_whoever_reads_the_options() -> None:
    assert (ours().name, ours().package, ours().syntax) == (upstream().name, upstream().package, upstream().syntax)
