"""Filter patterns: the images that raise an objective most, found by gradient ascent.

What is raised (`objectives`), what the ascent changes (`parametrisations`), what happens to the
image on its way to the model (`transforms`) and how the steps are made (`ascent`) are four ideas in
four files. Tensors stay in here and in `capture`; `display` knows NumPy alone.
"""
