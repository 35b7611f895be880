"""What the callbacks that draw held-out images share: the images, and that they are shown too."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, final

import keras

from keras_viz_callbacks.callbacks.base import Draw, VisualizationCallback
from keras_viz_callbacks.callbacks.gallery import Gallery
from keras_viz_callbacks.callbacks.measures import Measurement
from keras_viz_callbacks.callbacks.options import CaptureOptions, ImageOptions
from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.capture.held_out import HeldOut, check_labels, held_out
from keras_viz_callbacks.capture.labels import ordered_names
from keras_viz_callbacks.capture.model_forms import depends_on_model
from keras_viz_callbacks.capture.plan import Plan
from keras_viz_callbacks.options import part, with_options
from keras_viz_callbacks.render import colors
from keras_viz_callbacks.summary.run import Drawing, Run

if TYPE_CHECKING:
    from typing_extensions import Unpack


@with_options(ImageOptions)
class HeldOutImagesCallback(VisualizationCallback):
    """Base of the callbacks that draw held-out images, or something about each of them.

    The images themselves are drawn with the first capture of a training, once for all callbacks
    of a run. A subclass says what to prepare, and calls `_make_gallery` then, and what to capture.

    Args:
        images: Held-out images: an array ``(batch, height, width, channels)``, a list of arrays,
            a dict of name to array, an iterable of ``(images, labels)`` batches, a pair ``(images,
            labels)``, or a folder. For a model with several inputs, a dict or tuple of batches
            like the model's.

    Attributes:
        gallery: The images as they are shown; there from `_prepare` on.

    Raises:
        ValueError: An argument is wrong.
    """

    gallery: Gallery
    # Not made in `__init__`: what belongs to a training is not copied.
    _of_model: tuple[keras.Model, HeldOut] | None = None

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        default_name: str = "",
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(log_dir, default_name=default_name, **part(CaptureOptions, options))
        colors.palette(options["colormap"])
        self.colormap = options["colormap"]
        self.class_names = ordered_names(options["class_names"])
        gather = partial(
            held_out,
            images,
            options["labels"],
            preprocess=options["preprocess"],
            max_images=options["max_images"],
            class_names=self.class_names,
        )
        waits = depends_on_model(images, options["labels"])
        self._held: HeldOut | None = None if waits else gather()
        self._gather: Callable[..., HeldOut] | None = gather if waits else None

    @property
    def held(self) -> HeldOut:
        """The images, the model's inputs made of them, and their labels.

        A folder, or a pair of images and labels, is read when a training begins.

        Raises:
            ValueError: They do not fit the model.
        """
        if self._held is not None:
            return self._held
        assert self._gather is not None  # one of the two is there
        if self._of_model is None or self._of_model[0] is not self.model:
            self._of_model = self.model, self._gather(model=self.model)
        return self._of_model[1]

    @abstractmethod
    def _capture_images(self) -> Draw:
        """Runs the device work, on the training thread, and returns how to draw its arrays."""

    @final
    def _capture(self) -> Draw:
        run = self.run
        assert run is not None
        draw_captured = self._capture_images()
        new_images = self.gallery.not_yet_shown(run)

        def draw(moment: Moment) -> Iterator[Drawing | Measurement]:
            yield from self.gallery.drawings(new_images)
            yield from draw_captured(moment)

        return draw

    @final
    def _make_gallery(self, run: Run, plan: Plan) -> None:
        """Makes the gallery, once it is known what the model does with the images.

        Args:
            run: The run.
            plan: What is captured. The labels are classes of the output that it explains, or of
                the first one that looks like classes.

        Raises:
            ValueError: A label is no class of that output, or a name means another image.
        """
        output = plan.class_output
        check_labels(self.held, None if output is None else output.classes, self.class_names)
        self.gallery = Gallery(
            self.held.channels_last(plan.survey),
            run,
            self.held.names,
            self.held.labels,
            self.class_names,
        )
