"""Why something that the index knows of can't be read."""

from __future__ import annotations


class LogError(Exception):
    """A part of the log can't be read."""


class Gone(LogError):  # noqa: N818
    """The file was deleted, replaced or cut since it was indexed."""


class Unreachable(LogError):  # noqa: N818
    """The place where the log lies does not answer, or refuses, at this moment."""


class Damaged(LogError):  # noqa: N818
    """The bytes on disk fail their checksum, or do not hold what the index says."""
