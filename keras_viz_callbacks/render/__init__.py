"""From maps to pictures: grids, overlays, colours, PNGs. NumPy and Pillow; no Keras."""
