"""The root of all errors that are not a programmer's.

QCalError                    a user's mistake, or something wrong around a run; ``str()`` is for the user
├── BadValueError            a value that was given cannot be used; also a ValueError
│   └── SettingsError        synthetic: a dataset's settings
├── DatasetError             qcal_plugin: the dataset cannot be used (its own tree is in dataset/errors.py)
├── PreflightError           qcal_plugin: an endpoint cannot be used as given
├── NetworkError             qcal_plugin: proxy or certificate settings of the environment
├── CanaryError              qcal_plugin: a judge that cannot grade
├── JournalError             qcal_plugin: answers or records cannot be written
├── RunDirectoryError        qcal_plugin: the run's folder
├── StoredAnswersError       qcal_plugin: --answers
├── TomlError                reports: a TOML file (gates, mixes)
├── DecodeError              reports: data that are not JSON of their type (records/typed_json.py)
├── RunFileError             reports: a run directory cannot be read (its own tree is in records/run_files.py)
├── MergeError, ExportError, OfficialFileError, JUnitError, UnlikeRunsError,
│   FamilyFileError, SiteError                                  reports: commands
└── CorpusError              scoring: a conformance corpus cannot be read

Only these become a pytest.UsageError, or one line of a command. Everything else is a slip and keeps its traceback.
It is on the lowest floor because every package raises one of them.
"""

from __future__ import annotations


class QCalError(Exception):
    """Something that a user can put right; ``str()`` says what, where, and what to do next."""


class BadValueError(QCalError, ValueError):
    """A value from the command line or a file that cannot be used."""
