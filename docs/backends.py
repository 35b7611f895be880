"""The backends, as the tables of the guide name them."""

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "torch"}
"""Title of each backend, in the order of the tables."""
