"""Another head and card in the file of an exported model, without the package `onnx`.

An ONNX file is a message of numbered fields (protocol buffers). What has to change, the arrays of
the head among the initialisers of the graph and two entries of the metadata, is exchanged; every
other byte stays as it is.

References
----------
ONNX intermediate representation, ``onnx.proto``: ModelProto, GraphProto, TensorProto.
Protocol Buffers, encoding: https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.attribution import Head

GRAPH, METADATA = 7, 14  # of ModelProto
INITIALIZER = 5  # of GraphProto
RAW_DATA = 9  # of TensorProto
KEY, VALUE = 1, 2  # of StringStringEntryProto
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5

Field = tuple[int, int, bytes]
"""Number, wire type, and the bytes of the value, without their length."""


def with_head(content: bytes, old: Head, new: Head, card: Mapping[str, Any]) -> bytes:
    """Content of a model file with another head and card.

    Parameters
    ----------
    content : bytes
        Of an ONNX file that `Detector` reads.
    old : Head
        Head of that file.
    new : Head
        Head of the same shape and pooling.
    card : mapping
        The model card: anything that JSON can hold.

    Raises
    ------
    ValueError
        If the heads differ in shape, or the file does not hold each array of the old one once.
    """
    exchange = dict(_exchange(old, new))
    found = dict.fromkeys(exchange, 0)
    metadata = {"card": json.dumps(card), "head": new.to_json()}
    model = []
    for number, kind, value in _fields(content):
        if number == GRAPH:
            value = _with_initialisers(value, exchange, found)
        elif number == METADATA:
            value = _with_entry(value, metadata)
        model.append((number, kind, value))
    wrong = {name: count for name, count in _counts(old, found).items() if count != 1}
    if wrong:
        raise ValueError(
            f"the model holds {', '.join(f'{name} {n} times' for name, n in wrong.items())}, not "
            "once: export it again with `bradyseism train` or `bradyseism finetune`"
        )
    return _joined(model)


def _arrays(head: Head) -> dict[str, NDArray[np.float32]]:
    return {
        "hidden_weight": head.hidden_weight.astype(np.float32),
        "hidden_bias": head.hidden_bias.astype(np.float32),
        "last_weight": head.last_weight.astype(np.float32),
        "last_bias": np.array([head.last_bias], dtype=np.float32),
    }


def _layouts(array: NDArray[np.float32]) -> list[bytes]:
    """Bytes of an array as an exporter may lay it out: as it is, or transposed."""
    return list(dict.fromkeys(np.ascontiguousarray(a).tobytes() for a in (array, array.T)))


def _exchange(old: Head, new: Head) -> Iterator[tuple[bytes, bytes]]:
    theirs = _arrays(new)
    if old.pooling != new.pooling:
        raise ValueError(f"pooling {new.pooling!r} of the new head is not {old.pooling!r}")
    for name, array in _arrays(old).items():
        if array.shape != theirs[name].shape:
            raise ValueError(
                f"{name} of the new head has shape {theirs[name].shape}: expected {array.shape}"
            )
        straight, turned = array.tobytes(), np.ascontiguousarray(array.T).tobytes()
        yield turned, np.ascontiguousarray(theirs[name].T).tobytes()
        yield straight, theirs[name].tobytes()


def _counts(old: Head, found: Mapping[bytes, int]) -> dict[str, int]:
    return {
        name: sum(found[layout] for layout in _layouts(array))
        for name, array in _arrays(old).items()
    }


def _with_initialisers(
    graph: bytes, exchange: Mapping[bytes, bytes], found: dict[bytes, int]
) -> bytes:
    fields = []
    for number, kind, value in _fields(graph):
        if number == INITIALIZER:
            tensor = []
            for inner, inner_kind, data in _fields(value):
                if inner == RAW_DATA and data in exchange:
                    found[data] += 1
                    data = exchange[data]
                tensor.append((inner, inner_kind, data))
            value = _joined(tensor)
        fields.append((number, kind, value))
    return _joined(fields)


def _with_entry(entry: bytes, metadata: Mapping[str, str]) -> bytes:
    parts = {number: value for number, _, value in _fields(entry)}
    key = parts[KEY].decode("utf-8")
    if key not in metadata:
        return entry
    return _joined([(KEY, _BYTES, parts[KEY]), (VALUE, _BYTES, metadata[key].encode("utf-8"))])


def _fields(message: bytes) -> Iterator[Field]:
    """Fields of a message, in order."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        start = place
        if kind == _VARINT:
            _, stop = _varint(message, place)
        elif kind == _BYTES:
            length, start = _varint(message, place)
            stop = start + length
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            stop = place + (8 if kind == _EIGHT_BYTES else 4)
        else:
            raise ValueError(f"field {number} has the unknown wire type {kind}: no ONNX file")
        if stop > len(message):
            raise ValueError(f"field {number} runs beyond the end of the file: it is cut short")
        yield number, kind, message[start:stop]
        place = stop


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Whole number of variable length, and the place behind it."""
    value, shift = 0, 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _joined(fields: list[Field]) -> bytes:
    parts = []
    for number, kind, value in fields:
        parts.append(_encoded(number << 3 | kind))
        if kind == _BYTES:
            parts.append(_encoded(len(value)))
        parts.append(value)
    return b"".join(parts)


def _encoded(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
