"""From pictures to bytes on disk: summaries, event files, and the worker that writes them."""
