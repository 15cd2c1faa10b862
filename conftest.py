"""Makes the suite's plugin available to a checkout that is not installed; an installed one registers it once."""

pytest_plugins = ["qcal_plugin.plugin"]
