"""Files and folders that are on the disk before they are visible."""

import os
import stat

import pytest

from companion import durable
from companion.durable import rename_durably, sync_tree, write_durably


@pytest.fixture
def events(monkeypatch):
    """What is asked of the disk, in order: the size that is synchronised, or the new name."""
    told = []

    def fsync(handle):
        status = os.fstat(handle)
        told.append(status.st_size if stat.S_ISREG(status.st_mode) else "/")

    rename = os.rename
    replace = os.replace
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", lambda a, b: (told.append("rename"), rename(a, b)))
    monkeypatch.setattr(os, "replace", lambda a, b: (told.append("replace"), replace(a, b)))
    return told


def full(*_):
    raise OSError(28, "No space left on device")


def test_a_file_is_synchronised_whole_then_named_then_its_name_is(tmp_path, events):
    file = tmp_path / "table.csv"
    write_durably(file, "12345")
    assert events == [5, "replace", "/"] and file.read_text() == "12345"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_refuses_keeps_the_old_file(tmp_path, monkeypatch, call):
    file = tmp_path / "table.csv"
    file.write_text("old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write_durably(file, "new")
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def folder_with_files(tmp_path):
    folder = tmp_path / "draft"
    (folder / "sub").mkdir(parents=True)
    (folder / "one").write_text("1")
    (folder / "sub" / "two").write_text("22")
    return folder


def test_a_folder_is_synchronised_then_named_then_its_name_is(tmp_path, events, monkeypatch):
    folder = folder_with_files(tmp_path)
    monkeypatch.setattr(durable, "sync_tree", lambda path: events.append(path.name))
    rename_durably(folder, tmp_path / "final")
    assert events == ["draft", "rename", "/"] and (tmp_path / "final" / "one").exists()


def test_a_folder_that_the_disk_refuses_keeps_its_old_name(tmp_path, monkeypatch):
    folder = folder_with_files(tmp_path)
    monkeypatch.setattr(durable, "_syncfs", lambda: lambda handle: -1)
    with pytest.raises(OSError):
        rename_durably(folder, tmp_path / "final")
    assert list(tmp_path.iterdir()) == [folder]


def test_without_syncfs_every_file_and_folder_is_synchronised(tmp_path, events, monkeypatch):
    folder = folder_with_files(tmp_path)
    sync_tree(folder)
    assert events == []
    monkeypatch.setattr(durable, "_syncfs", lambda: None)
    sync_tree(folder)
    assert sorted(map(str, events)) == ["/", "/", "1", "2"]
