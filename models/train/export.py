"""The model file: safetensors with the layers as JSON. The format is described in src/network/file.rs."""

import json
import os
import struct
from pathlib import Path

import numpy as np

# The first version of the format, and the one with rows of no class and a score of whether a picture is known.
FORMATS = 1, 2
TYPES = {"uint8": "U8", "int16": "I16", "int32": "I32", "float32": "F32"}
# Types as safetensors files order them: tensors stand by falling alignment, so that each is aligned.
ALIGNED_FIRST = ["float32", "int32", "int16", "uint8"]


def write(path, layers, description):
    """Writes layers as `integer.lower` gives them; `description` has name, family, input, labels and training, and maybe `known`.

    Like the program, in the oldest version of the format that can say all of it.
    """
    tensors = {}
    for layer in layers:
        for part, array in packed(layer).items():
            tensors[f"{layer.entry['name']}.{part}"] = np.ascontiguousarray(array)
    newer = "known" in description or any("owners" in layer.entry for layer in layers)
    document = {"format": FORMATS[newer], **description, "layers": [layer.entry for layer in layers]}
    data = container(tensors, {"ernscope": json.dumps(document)})
    part = Path(path).with_suffix(".part")
    part.write_bytes(data)
    os.replace(part, path)


def packed(layer):
    """A layer's tensors as they stand in the file."""
    tensors = dict(layer.tensors)
    if layer.entry["kind"] == "float_conv":
        tensors["weight"] = np.moveaxis(tensors["weight"], 1, 3)
    elif "weight" in tensors:
        tensors["weight"] = pack(np.moveaxis(tensors["weight"], 1, 3) > 0)
    if "falling" in tensors:
        tensors["falling"] = pack(tensors["falling"])
    return tensors


def pack(bits):
    """Bits along the last axis, eight to a byte, the first one lowest."""
    return np.packbits(bits, axis=-1, bitorder="little")


def container(tensors, metadata):
    """A safetensors file in memory."""
    names = sorted(tensors, key=lambda name: (ALIGNED_FIRST.index(str(tensors[name].dtype)), name))
    header, offset = {"__metadata__": metadata}, 0
    for name in names:
        array = tensors[name]
        end = offset + array.nbytes
        header[name] = {"dtype": TYPES[str(array.dtype)], "shape": list(array.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(tensors[name].tobytes() for name in names)


def read_document(path):
    """The JSON document of a model file."""
    return read(path)[0]


def read(path):
    """The JSON document of a model file, and its tensors as they stand in it."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    document = json.loads(header.pop("__metadata__")["ernscope"])
    kinds = {written: kind for kind, written in TYPES.items()}
    tensors = {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], kinds[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }
    return document, tensors


def unpacked(bytes_, count):
    """The +1 and -1 of the first `count` bits along the last axis, float32."""
    return np.unpackbits(bytes_, axis=-1, count=count, bitorder="little").astype(np.float32) * 2 - 1
