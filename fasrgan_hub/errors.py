"""Errors that the user can correct.

Each is a `UserError`, and also the standard exception that a caller of a Python library would catch for it:
`except FileNotFoundError` works, and so does `except UserError`. Every one takes its message as the only argument.
"""


class UserError(ValueError):
    """A mistake of the user, or a circumstance that the user can change: a value or a file that does not fit.

    The message is one line that says what is wrong and what to do. The command line prints it without a traceback
    and exits with status 2. All other errors of this module are subclasses.
    """


class WrongTypeError(UserError, TypeError):
    """An argument of a type that the function does not take."""


class MissingFileError(UserError, FileNotFoundError):
    """There is no such file, folder or model."""


class OverwriteError(UserError, FileExistsError):
    """The output exists and would be overwritten."""


class FileAccessError(UserError, OSError):
    """A file or folder cannot be read or written."""


class MissingPackageError(UserError, ImportError):
    """A package is not installed; the message names the command that installs it."""


class NetworkError(UserError, ConnectionError):
    """A server cannot be reached, or refuses the request."""


class AccessDeniedError(UserError, PermissionError):
    """The Hub asks for a login or for other rights."""


class OutOfMemoryError(UserError, MemoryError):
    """There is not enough memory for this image."""


class FailedError(UserError, RuntimeError):
    """The computation failed although its input was valid."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that this machine or an accelerator has not enough memory."""
    if isinstance(error, MemoryError):
        return True
    text = f"{type(error).__name__} {error}".lower()
    signs = ("outofmemory", "out of memory", "not enough memory", "allocate", "bad_alloc", "bad alloc")
    return any(sign in text for sign in signs)
