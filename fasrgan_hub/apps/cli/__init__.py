"""The subcommands of `fasrgan`, one module each: `add` declares its arguments, `run` carries it out.

A module imports at its top only what is light; what is heavy is imported inside `run`.
"""
