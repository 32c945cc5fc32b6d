import os

import pytest

from pg_helpers.files import replace_file


def test_a_file_is_written_with_its_folders_and_nothing_beside(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    replace_file(path, b"first, and longer")
    replace_file(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_where_it_fails_the_old_file_stays_whole(fails, tmp_path, monkeypatch):
    path = tmp_path / "file"
    replace_file(path, b"first")

    def fail(*arguments):
        assert path.read_bytes() == b"first"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, fails, fail)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("beside", ["file.partial", "another"])
def test_what_a_kill_left_beside_is_no_obstacle(beside, tmp_path):
    path = tmp_path / "file"
    (tmp_path / beside).write_bytes(b"half of something long")
    replace_file(path, b"new", tmp_path / beside if beside == "another" else None)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
