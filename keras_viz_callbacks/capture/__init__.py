"""From a model to NumPy signals: which layers, the tap, and one file a backend."""
