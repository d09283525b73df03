"""Optional packages, which are imported when something needs them."""

from importlib import import_module
from typing import Any

from .errors import MissingPackageError


def import_extra(module: str, purpose: str, extra: str) -> Any:
    """A module of an optional package.

    Args:
        purpose: what needs it, for the message: "int8", or "'a.heic' is HEIC, which".
        extra: the extra of this package that brings it.

    Raises MissingPackageError, which names the command to install it.
    """
    try:
        return import_module(module)
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision of another torch
        package = module.partition(".")[0]
        reason = "" if getattr(error, "name", None) == package else f", which cannot be imported ({error})"
        raise MissingPackageError(
            f"{purpose} needs {package}{reason}: pip install 'fasrgan-hub[{extra}]'"
        ) from error
