"""One training in several devices, without the callbacks and with them, for the tests beside it.

    python -m tests.helpers.distributed_training SETTING OUT --process 0 --of 2

runs as one process of a setting, and leaves in OUT what both trainings came to.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import threading
from pathlib import Path

import keras
import numpy as np

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from tests.helpers.models import compiled, small_model

EPOCHS = 3
BATCH_SIZE = 8
SHOWN = 3  # held-out images: no multiple of any number of devices here
LAYERS = ["conv_a", "conv_b"]
IMAGES = np.random.default_rng(0).random((24, 16, 16, 3), np.float32)
LABELS = np.arange(24) % 3


def callbacks(log_dir, layers=LAYERS):
    images, labels = IMAGES[:SHOWN], LABELS[:SHOWN]
    return [
        ActivationGrid(log_dir, images, labels=labels, layers=layers, on_error="raise"),
        FilterPatterns(log_dir, layers=layers, filters=2, steps=2, on_error="raise"),
        GradCAM(log_dir, images, labels=labels, layers=layers, on_error="raise"),
    ]


class Watch(keras.callbacks.Callback):
    """Comes after our callbacks, and notes what there is after each epoch.

    Attributes:
        compiled: How often anything had been traced or compiled by then.
        threads: Names of the threads.
    """

    def __init__(self, count):
        super().__init__()
        self.count = count
        self.compiled = []
        self.threads = set()

    def on_epoch_end(self, epoch, logs=None):
        self.compiled.append(self.count())
        self.threads.update(thread.name for thread in threading.enumerate())


def mirrored(options):
    """`tf.distribute.MirroredStrategy` on two virtual CPU devices."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2

    def train(own):
        with strategy.scope():
            model = model_with_running_mean(keras.Sequential)
        return fitted(model, own, IMAGES, LABELS, batch_size=BATCH_SIZE)

    return train, local_copies(strategy), traces()


def multi_worker(options):
    """`tf.distribute.MultiWorkerMirroredStrategy`."""
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    assert strategy.num_replicas_in_sync == options.of

    class RepairedFit(keras.Sequential):
        """Keras 3.15's own `fit` fails under this strategy: keras-team/keras#20585."""

        def _maybe_symbolic_build(self, iterator=None, data_batch=None):
            # Keras' own reduces a pair of tensors, and this strategy reduces one at a time.
            with strategy.scope():
                self._symbolic_build(data_batch=(IMAGES[:1], LABELS[:1]))

        def train_step(self, data):
            # Keras takes the mean of each along a first axis, which numbers do not have.
            return {name: tf.reshape(v, [1]) for name, v in super().train_step(data).items()}

    def train(own):
        with strategy.scope():
            model = model_with_running_mean(RepairedFit)
        batches = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(BATCH_SIZE)
        sharding = tf.data.Options()
        policies = tf.data.experimental.AutoShardPolicy
        sharding.experimental_distribute.auto_shard_policy = policies.DATA
        return fitted(model, own, batches.with_options(sharding))

    return train, local_copies(strategy), traces()


def data_parallel(options):
    """`keras.distribution.DataParallel` on four host devices, or on two in each process."""
    import jax

    if options.of > 1:
        keras.distribution.initialize()
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    assert jax.device_count() == 4

    def train(own):
        mine = slice(options.process, None, options.of)
        batch_size = BATCH_SIZE // options.of
        return fitted(small_model(), own, IMAGES[mine], LABELS[mine], batch_size=batch_size)

    return train, shards, compilations()


def model_parallel(options):
    """`keras.distribution.ModelParallel`: one layer's filters are shared out between devices."""
    if options.of > 1:
        keras.distribution.initialize()
    devices = keras.distribution.list_devices()
    mesh = keras.distribution.DeviceMesh((1, len(devices)), ("batch", "model"), devices)
    layout = keras.distribution.LayoutMap(mesh)
    layout[".*conv_a.kernel"] = (None, None, None, "model")
    layout[".*conv_b.*output"] = ("batch", None, None, None)
    keras.distribution.set_distribution(
        keras.distribution.ModelParallel(
            layout_map=layout, batch_dim_name="batch", auto_shard_dataset=False
        )
    )

    def train(own):
        model = small_model()
        kernel = model.get_layer("conv_a").kernel.value
        assert not kernel.is_fully_replicated
        return fitted(model, own, IMAGES, LABELS, batch_size=BATCH_SIZE)

    return train, shards, compilations()


def data_parallel_by_torch(options):
    """`torch.nn.parallel.DistributedDataParallel`, in a loop of its own."""
    import torch

    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{options.out / 'store'}",
        rank=options.process,
        world_size=options.of,
    )

    def train(own):
        model = small_model()
        wrapped = torch.nn.parallel.DistributedDataParallel(model)
        keras.utils.set_random_seed(5)
        # Keras' callbacks find the model within.
        hooks = keras.callbacks.CallbackList(own, model=wrapped, epochs=EPOCHS)
        hooks.on_train_begin()
        for epoch in range(EPOCHS):
            hooks.on_epoch_begin(epoch)
            for number, start in enumerate(range(0, len(IMAGES), BATCH_SIZE)):
                mine = slice(start + options.process, start + BATCH_SIZE, options.of)
                loss = step(wrapped, torch.tensor(IMAGES[mine]), torch.tensor(LABELS[mine]))
                hooks.on_train_batch_end(number, {"loss": loss})
            hooks.on_epoch_end(epoch, {"loss": loss})
        hooks.on_train_end()
        return model

    def step(wrapped, images, labels):
        model = wrapped.module
        wrapped.zero_grad()
        loss = torch.nn.functional.nll_loss(wrapped(images, training=True).log(), labels)
        loss.backward()
        with torch.no_grad():
            gradients = [weight.value.grad for weight in model.trainable_weights]
            model.optimizer.apply(gradients, model.trainable_weights)
        return loss.item()

    # Nothing is compiled there.
    return train, lambda value: [keras.ops.convert_to_numpy(value)], lambda: 0


SETTINGS = {
    function.__name__: function
    for function in (mirrored, multi_worker, data_parallel, model_parallel, data_parallel_by_torch)
}


def model_with_running_mean(kind):
    """The small model after a layer with a variable that each replica keeps its own part of.

    Where several workers read it, they reduce those parts by an operation that all have to join.
    """

    class Centred(keras.layers.Layer):
        def build(self, shape):
            self.mean = keras.Variable(
                0.0, trainable=False, synchronization="on_read", aggregation="mean", name="mean"
            )

        def call(self, x, training=False):
            if training:
                self.mean.assign(0.9 * self.mean + 0.1 * keras.ops.mean(x))
            return x - self.mean

    layers = [keras.Input((16, 16, 3)), Centred(name="centred"), *small_model().layers]
    return compiled(kind(layers))


def fitted(model, own, *data, **arguments):
    keras.utils.set_random_seed(5)
    model.fit(*data, epochs=EPOCHS, verbose=0, callbacks=own, **arguments)
    return model


def local_copies(strategy):
    """What reads a variable's value in each replica of this process."""
    return lambda value: [part.numpy() for part in strategy.experimental_local_results(value)]


def shards(value):
    """A variable's value on each device of this process; put together where they share it out."""
    if not value.is_fully_replicated:
        return [np.asarray(value)]
    return [np.asarray(shard.data) for shard in value.addressable_shards]


def traces():
    """What tells how often a convolution was traced, or run eagerly, from now on."""
    traced = []
    call = keras.layers.Conv2D.call

    @functools.wraps(call)  # Keras looks at its arguments
    def counting(self, *args, **kwargs):
        traced.append(self.name)
        return call(self, *args, **kwargs)

    keras.layers.Conv2D.call = counting
    return lambda: len(traced)


def compilations():
    """What tells how often JAX compiled one of our functions, from now on."""
    import jax

    found = []

    class Note(logging.Handler):
        def emit(self, record):
            message = record.getMessage()
            if message.startswith("Compiling") and any(f"({name})" in message for name in OURS):
                found.append(message)

    logger = logging.getLogger("jax")
    logger.addHandler(Note())
    logger.propagate = False
    jax.config.update("jax_log_compiles", True)
    return lambda: len(found)


OURS = ("traced",)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("setting", choices=SETTINGS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--process", type=int, default=0)
    parser.add_argument("--of", type=int, default=1)
    parser.add_argument("--layers", nargs="+", default=LAYERS)
    parser.add_argument("--only", choices=("without", "with"))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    train, parts, count = SETTINGS[options.setting](options)

    # In all processes but the first this is no directory that anybody could write to.
    log_dir = options.out / ("logs" if options.process == 0 else "a_file/logs")
    watch = Watch(count)
    trainings = {"without": [], "with": [*callbacks(log_dir, options.layers), watch]}
    for name in [options.only] if options.only else trainings:
        model = train(trainings[name])
        # The next numbers of both global generators.
        values = {
            "numpy": np.random.rand(3),  # noqa: NPY002
            "keras": keras.ops.convert_to_numpy(keras.random.uniform((3,))),
        }
        for variable in [*model.variables, *model.optimizer.variables]:
            values[f"{len(values)} {variable.path}"] = parts(variable.value)
        np.savez(options.out / f"{name}_{options.process}.npz", **values)
    report = {"compiled": watch.compiled, "threads": sorted(watch.threads)}
    (options.out / f"report_{options.process}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
