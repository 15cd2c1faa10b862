"""Load the suite's plugin in a checkout that is not installed. If it is installed, pytest still registers it once."""

import sys

if (
    "qcal_plugin.plugin" not in sys.modules
):  # pytest takes this name from a conftest.py below the rootdir for a mistake
    pytest_plugins = ["qcal_plugin.plugin"]
