"""`jaxinfo demo`: what it writes, prints and refuses."""

import json

import pytest

from jaxinfo import cli


def test_figure_numbers_and_table(tmp_path, calls, capsys):
    out = tmp_path / "new" / "folder"
    assert cli.main(["demo", "--out", str(out), "--seeds", "2"]) == 0
    captured = capsys.readouterr()
    assert sorted(path.name for path in out.iterdir()) == ["demo.png", "results.json"]
    assert (out / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "results.json").read_text())["config"] == {"num_seeds": 2}
    assert "does not significantly exceed ln 10 = 2.303" in captured.out
    assert captured.err == ""
    assert {estimator.train.num_seeds for *_, estimator, _ in calls} == {2}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0", "--out", "new"], "seeds"),
        (["--out", "file/folder"], "file is not a folder"),
    ],
)
def test_bad_input_is_one_line_and_runs_nothing(
    arguments, message, tmp_path, calls, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert cli.main(["demo", *arguments]) == 2
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert message in line
    assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert calls == []
