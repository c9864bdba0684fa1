"""Errors of measuring, logging and judging: one line each, naming the file, what was found and the cure.

::

    DiagnosticsError
    ├── LogError          a log cannot be read: missing, damaged, foreign or from a newer version
    │   └── LogBusyError  a log is being written by another process
    ├── LogWriteError     a log cannot be written: path, permission, space, second writer
    │   ├── LogExistsError    something else has its name already; nothing was trained
    │   └── NotReplacedError  what would be replaced is a link, a device, a FIFO or a folder
    ├── CheckpointError   a checkpoint is missing or damaged
    ├── DamagedFileError  a file beside the logs is not what it should be
    ├── StudyError        a study that cannot be run as it was asked for
    ├── SchedulerError    no scheduler or no worker of a cluster does what was asked for
    ├── MissingLibraryError  a library that is not always installed is needed
    ├── ReplayError       a moment of a run cannot be reproduced, or its replay is not what was logged
    │   └── NoSuchStepError  a step that the log does not have was asked for
    ├── RescueError       an experiment on a run cannot be made
    └── UnknownNameError  a name was asked for that is not there, of a layer, a tensor or a statistic
"""

from __future__ import annotations

from typing import ClassVar


class DiagnosticsError(Exception):
    """Base of all errors of this package. ``exit_code`` is what the command line exits with."""

    exit_code: ClassVar[int] = 4


class LogError(DiagnosticsError):
    """A log that cannot be read."""

    exit_code = 3


class LogBusyError(LogError):
    """A log that another process is writing, where that is in the way."""


class LogWriteError(DiagnosticsError):
    """A log that cannot be written, or can no longer be."""


class LogExistsError(LogWriteError):
    """The name of a new log is taken, by a file or a folder; another name, or an option, is the cure."""

    exit_code = 2


class NotReplacedError(LogWriteError):
    """Something other than a regular file stands where a file is to be written; it stays as it is."""

    exit_code = 2


class CheckpointError(DiagnosticsError):
    """A checkpoint that is missing, damaged or of another run."""

    exit_code = 3


class DamagedFileError(DiagnosticsError):
    """A file that is not what it should be; it is left as it was found."""

    exit_code = 3


class StudyError(DiagnosticsError):
    """A study that cannot be: nothing asked for, or a folder that holds another one."""

    exit_code = 2


class SchedulerError(DiagnosticsError):
    """A cluster that cannot be used: its scheduler does not answer, or none of its workers is fit."""


class MissingLibraryError(DiagnosticsError):
    """A library that is not among those always installed is needed and missing."""

    exit_code = 2


class ReplayError(DiagnosticsError):
    """A run that cannot be replayed, or whose replay is not what its log says."""

    exit_code = 3


class NoSuchStepError(ReplayError):
    """A step that the log does not have was asked for."""

    exit_code = 2


class RescueError(DiagnosticsError):
    """A run on which no experiment can be made: it did not die, or it cannot be reproduced."""

    exit_code = 3


class UnknownNameError(DiagnosticsError, KeyError, ValueError):
    """A name that is not there, of a layer, a tensor, a statistic or an option; the message says which there are."""

    exit_code = 2
    __str__ = Exception.__str__  # a KeyError shows its message in quotes
