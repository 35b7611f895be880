"""From signals to maps, in NumPy alone: no Keras, no backend."""
