"""The command `fasrgan`: `main` has the list of subcommands; each is a module of its own."""
