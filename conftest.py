"""Load the suite's plugin in a checkout that is not installed. If it is installed, pytest still registers it once."""

pytest_plugins = ["qcal_plugin.plugin"]
