"""From signals to maps, in NumPy alone: no Keras, no backend."""

# Registers the methods, so that whoever looks one up finds them all.
from keras_viz_callbacks.maps import class_activation, perturbation, pixel_attribution

__all__ = ["class_activation", "perturbation", "pixel_attribution"]
