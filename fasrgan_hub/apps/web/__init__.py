"""What the pages of `apps/demo` and `apps/study` share: theme, server settings and protection of the server."""
