"""The root of all errors that a user can fix.

QCalError                    a user's mistake, or a fault in a run's environment; ``str()`` is for the user
├── BadValueError            a given value cannot be used; also a ValueError
│   └── SettingsError        synthetic: a dataset's settings cannot be used
├── DatasetError             qcal_plugin: the dataset cannot be used (its own tree is in dataset/errors.py)
├── PreflightError           qcal_plugin: an endpoint cannot be used as given
├── NetworkError             qcal_plugin: proxy or certificate settings of the environment
├── CanaryError              qcal_plugin: a judge cannot grade
├── JournalError             qcal_plugin: answers or records cannot be written
├── RunDirectoryError        qcal_plugin: the run's directory cannot be used
├── StoredAnswersError       qcal_plugin: the answers that --answers names cannot be used
├── TomlError                reports: a TOML file (gates, mixes, prices) cannot be used
├── DecodeError              reports: data that are not JSON of their type (records/typed_json.py)
├── RunFileError             reports: a run directory cannot be read (its own tree is in records/run_files.py)
├── MergeError, ExportError, OfficialFileError, JUnitError, UnlikeRunsError,
│   FamilyFileError, SiteError, PromotionError, EvalScopeError   reports: a command cannot do its work
├── TimestampError           reports: a text of a run is not a timestamp
├── CIError                  qcal_plugin: a GitHub or GitLab API gives no baseline, or takes no comment
└── CorpusError              scoring: a conformance corpus cannot be read

Only these become a pytest.UsageError, or one line of a command. Any other exception is a bug and keeps its
traceback. The root is in the lowest package because every package raises one of them.
"""

from __future__ import annotations


class QCalError(Exception):
    """An error that a user can fix; ``str()`` says what happened, where, and what to do next."""


class BadValueError(QCalError, ValueError):
    """A value from the command line or a file that cannot be used."""
