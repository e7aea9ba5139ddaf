"""What can go wrong, in sentences a user can act on.

Everything the engine refuses is an `EngineError`. The command line prints its sentence and exits with code 2;
the window shows it in a banner. Any other exception is a defect of the program.
"""


class EngineError(Exception):
    """A known problem; `str(error)` is one sentence that a user can act on."""


class ConfigError(EngineError):
    """A setting, or a combination of settings, that describes no model or no training."""


class DataError(EngineError):
    """A data set that is unknown, missing, incomplete or not what it claims to be."""


class ModelFileError(EngineError):
    """A model file that is missing, damaged, foreign, or contradicts itself."""


class InputError(EngineError):
    """An array or picture of the wrong shape, type or content."""


class TrainingError(EngineError):
    """A training that cannot go on, such as one whose objective is no longer a number."""


class FolderHeld(EngineError):
    """Another training has the folder."""


class Cancelled(EngineError):
    """The user stopped a download or a computation."""
