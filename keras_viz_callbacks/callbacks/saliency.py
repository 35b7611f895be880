"""Saliency: which pixels raise the score of an image's class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keras_viz_callbacks.callbacks.base import Draw
from keras_viz_callbacks.callbacks.evidence import Explained, draw_evidence, report_explained
from keras_viz_callbacks.callbacks.images import HeldOutImagesCallback
from keras_viz_callbacks.callbacks.options import EvidenceOptions, ImageOptions
from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.explain.attributions import Attributions
from keras_viz_callbacks.maps.pixel_attribution import ATTRIBUTIONS
from keras_viz_callbacks.options import part, with_options
from keras_viz_callbacks.summary.run import Drawing, Run

if TYPE_CHECKING:
    from typing_extensions import Unpack


@with_options(EvidenceOptions, colormap="RdBu_r")
class Saliency(HeldOutImagesCallback):
    """Draws, over each held-out image, the pixels that raise or lower the score of its class.

    The score is the logit, read before the final softmax or sigmoid. Attributions are signed and
    summed over the colour channels: in the default colours, red where a larger value raises the
    score, blue where it lowers it.

    Args:
        method: Name of a pixel attribution method, such as ``"gradient"``.
        seed: Seed of what the method draws at random.
        name: First part of the tags; the method's name by default.

    Raises:
        ValueError: An argument is wrong; what depends on the model is checked in
            ``on_train_begin``.

    Example:
        >>> model.fit(x, y, callbacks=[Saliency("logs/run1", x_val[:4], labels=y_val[:4])])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        method: str = "gradient",
        seed: int = 0,
        **options: Unpack[EvidenceOptions],
    ) -> None:
        self._title = ATTRIBUTIONS.find(method).title
        super().__init__(log_dir, images, default_name=method, **part(ImageOptions, options))
        self.target = options["target"]
        self.method = method
        self.seed = seed

    def _prepare(self, run: Run) -> None:
        self._attributions = Attributions(
            self.model, self.held, target=self.target, method=self.method, seed=self.seed
        )
        plan = self._attributions.plan
        report_explained(plan, self.name)
        self._make_gallery(run, plan)
        run.claims.claim(self, self.gallery.tags(self.name))

    def _capture_images(self) -> Draw:
        captured = self._attributions.capture()
        explained = Explained(self._attributions.plan, captured.classes, captured.probabilities)

        def draw(moment: Moment) -> Iterator[Drawing]:
            for index, attributions in enumerate(captured.finish()):
                yield draw_evidence(
                    attributions.sum(axis=-1),
                    explained,
                    self.gallery,
                    index,
                    moment,
                    name=self.name,
                    title=self._title,
                    colormap=self.colormap,
                )

        return draw
