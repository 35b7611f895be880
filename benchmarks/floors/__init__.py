"""The least that any program must do, in a file for each backend and without a library."""
