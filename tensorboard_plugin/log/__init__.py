"""Event files and where they lie: bytes, readers, sources."""
