"""The one exception that means "the user can put this right"."""


class UserError(ValueError):
    """A mistake or a circumstance of the user's, told in one line that says what is wrong and what to do.

    The command line prints the message and exits with status 2; nothing else is ever shown for it.
    """
