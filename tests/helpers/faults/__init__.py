"""What can go wrong, done for real: one module for each kind of fault."""
