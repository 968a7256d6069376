"""Arrays in a file that processes map: what several of them read is in memory once.

A file is written beside its place and moved there whole, so nobody ever reads half of one; who has
one open keeps it though another takes its place.
"""

from __future__ import annotations

import json
import mmap
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MARK = b"PRarrays1\n"
_ALIGNED = 64  # bytes
Note = dict[str, Any]


class ArrayFile(NamedTuple):
    """The arrays of a file, not to be written to, and what its writer noted (JSON)."""

    arrays: dict[str, NDArray[Any]]
    note: Note


class BadArrayFile(Exception):  # noqa: N818
    """There is no such file, or it is not whole."""


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], note: Note) -> None:
    """Write a file, and put it in its place when all of it is on the disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    kinds = [[name, array.dtype.str, array.shape] for name, array in whole.items()]
    size = sum(_padded(array.nbytes) for array in whole.values())
    header = json.dumps({"arrays": kinds, "size": size, "note": note}).encode()
    start = len(_MARK) + 8
    header += b" " * (_padded(start + len(header)) - start - len(header))
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(_MARK + len(header).to_bytes(8, "little") + header)
            for array in whole.values():
                file.write(array.data if array.size else b"")
                file.write(b"\0" * (_padded(array.nbytes) - array.nbytes))
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def read_note(path: Path) -> Note:
    """Return what the writer noted, without the arrays; `BadArrayFile` where it cannot be."""
    try:
        with open(path, "rb") as file:
            return dict(_read_header(file.read(len(_MARK) + 8), file.read)["note"])
    except (OSError, ValueError, KeyError) as error:
        raise BadArrayFile(f"{path}: {error}") from error


def open_arrays(path: Path) -> ArrayFile:
    """Map a file; `BadArrayFile` where there is none, or not a whole one."""
    try:
        with open(path, "rb") as file:
            header = _read_header(file.read(len(_MARK) + 8), file.read)
            start = file.tell()
            if os.fstat(file.fileno()).st_size != start + header["size"]:
                raise BadArrayFile(f"{path} is not whole")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError, KeyError) as error:
        raise BadArrayFile(f"{path}: {error}") from error
    arrays: dict[str, NDArray[Any]] = {}
    for name, kind, shape in header["arrays"]:
        count = int(np.prod(shape))
        dtype = np.dtype(kind)
        if count:
            arrays[name] = np.frombuffer(mapped, dtype, count, start).reshape(shape)
        else:
            arrays[name] = np.zeros(shape, dtype)
        start += _padded(count * dtype.itemsize)
    return ArrayFile(arrays, header["note"])


def _read_header(head: bytes, read: Any) -> Any:
    if not head.startswith(_MARK):
        raise ValueError("not a file of arrays")
    return json.loads(read(int.from_bytes(head[len(_MARK) :], "little")))


def _padded(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
