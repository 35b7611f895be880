"""That the NumPy network, which the backends are compared with, differentiates itself rightly."""

import numpy as np

from tests.helpers import numpy_network


def test_the_gradients_are_the_slopes():
    images = numpy_network.images()[:2]
    classes = [1, 3]
    maps, _ = numpy_network.answers(images)
    found = numpy_network.gradients(images, classes)
    table = numpy_network.operations()
    paths = list(table)
    random = np.random.default_rng(1)
    for path in numpy_network.SPATIAL:
        above = [step for other in paths[paths.index(path) + 1 :] for step in table[other]]

        def score(moved, above=above):
            return numpy_network.run(above, moved)[0][[0, 1], classes].sum()

        # Small enough for no ReLU to open or shut on the way. Zeros stay: where all that a pooling
        # sees is zero there is a kink.
        direction = 1e-7 * random.standard_normal(maps[path].shape) * (maps[path] != 0)
        slope = (score(maps[path] + direction) - score(maps[path] - direction)) / 2
        np.testing.assert_allclose(slope, (direction * found[path]).sum(), rtol=1e-5)
