"""Imports of optional dependencies."""

import sys

import pytest

from jaxinfo.core.extras import import_extra


def test_an_installed_module_is_returned():
    assert import_extra("json.decoder", "cli") is sys.modules["json.decoder"]


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part"])
def test_a_missing_package_names_its_extra(module):
    message = r'no_such_package is not installed: pip install "jaxinfo\[data\]"'
    with pytest.raises(ImportError, match=message):
        import_extra(module, "data")


def test_a_package_that_lacks_a_dependency_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        import_extra("broken_package", "data")
