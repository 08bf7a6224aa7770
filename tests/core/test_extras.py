"""Optional packages: imported, or an error that names the extra."""

import sys

import pytest

from jaxinfo.core.extras import import_extra


def test_module_is_imported():
    assert import_extra("json.decoder", "cli") is sys.modules["json.decoder"]


def test_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = r'matplotlib is not installed: pip install "jaxinfo\[cli\]"'
    with pytest.raises(ImportError, match=message):
        import_extra("matplotlib", "cli")


def test_other_import_errors_are_kept(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        import_extra("broken_package", "cli")
