"""Load the suite's plugin in a checkout, also if it is not installed."""

import pytest


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the plugin, which adds its options, unless it is registered already.

    ``pytest_plugins`` would be an error in a session whose rootdir is another folder, as with an editable install.
    """
    pluginmanager.import_plugin("qcal_plugin.plugin")
