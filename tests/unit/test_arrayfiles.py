"""Files of arrays: what was written, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from newsletter.arrayfiles import BadArrayFile, open_arrays, read_note, write_arrays

ARRAYS: dict[str, NDArray[Any]] = {
    "numbers": np.arange(1000, dtype=np.uint32),
    "letters": np.frombuffer(b"naive", np.uint8),
    "flags": np.array([[True, False], [False, True]]),
    "none": np.zeros(0, np.float64),
}


def test_it_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "some.words"
    write_arrays(path, ARRAYS, {"low": 7, "volumes": ["a"]})
    found = open_arrays(path)
    assert found.note == read_note(path) == {"low": 7, "volumes": ["a"]}
    assert found.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        assert np.array_equal(found.arrays[name], array)
    with pytest.raises(ValueError, match="read-only"):
        found.arrays["numbers"][0] = 1


def test_who_has_a_file_open_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "some.words"
    write_arrays(path, ARRAYS, {})
    before = open_arrays(path).arrays["numbers"]
    write_arrays(path, {"numbers": np.zeros(3)}, {})
    assert before.sum() == 499_500
    assert open_arrays(path).arrays["numbers"].tolist() == [0, 0, 0]
    assert [one.name for one in tmp_path.iterdir()] == ["some.words"]


@pytest.mark.parametrize("kept", [0, 5, 17, 100, -1])
def test_it_refuses_what_is_not_whole(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "some.words"
    write_arrays(path, ARRAYS, {})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BadArrayFile, match=r"some\.words"):
        open_arrays(path)


def test_it_refuses_other_files_and_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not arrays at all, but long enough for a header")
    for name in ("text", "none"):
        with pytest.raises(BadArrayFile):
            open_arrays(tmp_path / name)
        with pytest.raises(BadArrayFile):
            read_note(tmp_path / name)
