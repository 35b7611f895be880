"""The least that any program must do, a file a backend; it belongs to no one's library."""
