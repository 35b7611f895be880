"""A TensorBoard tab that organizes what keras_viz_callbacks draws, per layer and epoch."""
