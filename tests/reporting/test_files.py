"""Output paths, and files that are written whole or not at all."""

import json
import math
import os

import pytest

from jaxinfo.reporting import atomic_files, check_new_folder, check_outputs, write_json


def test_files_appear_when_all_are_written(tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.png"
    with atomic_files(one, two, None) as (first, second, nothing):
        assert nothing is None
        assert first.suffix == ".json"  # Matplotlib reads the format from it.
        first.write_text("1")
        second.write_text("2")
        assert not one.exists()
    assert (one.read_text(), two.read_text()) == ("1", "2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.json", "two.png"]


def test_an_error_leaves_the_old_files(tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.png"
    one.write_text("old")

    def write_half():
        with atomic_files(one, two) as drafts:
            drafts[0].write_text("new")
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_half()
    assert one.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_json_of_a_number_that_is_not_finite_is_refused(tmp_path, number):
    path = tmp_path / "out.json"
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"value": number})
    assert not path.exists()
    write_json(path, {"value": None})
    assert json.loads(path.read_text()) == {"value": None}


def test_outputs_that_can_be_written_pass(tmp_path):
    check_outputs(None, None)
    check_outputs(tmp_path / "out.json", tmp_path / "curve.PNG")
    check_new_folder(tmp_path / "a" / "b")
    check_new_folder(tmp_path)


@pytest.mark.parametrize(
    ("json_name", "plot_name", "message"),
    [
        (None, "curve.txt", r"--plot .*unknown suffix '.txt', expected one of \.pdf"),
        ("missing/out.json", None, "--json .*missing does not exist"),
        ("file/out.json", None, "--json .*file is not a folder"),
        ("", None, "--json .* is a folder, expected a file"),
        ("one.png", "one.png", "--json and --plot name the same file"),
    ],
)
def test_outputs_that_cannot_be_written_are_refused(
    tmp_path, json_name, plot_name, message
):
    (tmp_path / "file").write_text("")
    paths = [
        None if name is None else tmp_path / name for name in (json_name, plot_name)
    ]
    with pytest.raises(ValueError, match=message):
        check_outputs(*paths)


def test_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"--out .*file is not a folder"):
        check_new_folder(tmp_path / "file" / "new")


@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write everywhere"
)
def test_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ValueError, match="not writable"):
        check_new_folder(tmp_path / "new")
    tmp_path.chmod(0o700)
