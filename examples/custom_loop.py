"""The callbacks in a training loop of your own.

    python examples/custom_loop.py             # with keras.callbacks.CallbackList
    python examples/custom_loop.py --by-hand   # the same calls, one by one

A callback needs the model, and a call when the training, an epoch or a batch begins or ends. `fit`
does no more than that. The rest is up to you: here a step with TensorFlow's GradientTape,
`jax.value_and_grad`, or torch's `backward`, depending on the backend of Keras.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import keras
import numpy as np
from quickstart import compiled_model
from scenes import CLASS_NAMES, Scenes, scenes

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM

BATCH_SIZE = 32
SHOWN = 4  # held-out scenes that the callbacks draw


def training_step(model: keras.Model):
    """A function that trains the model on one batch and returns the loss."""
    steps = {"tensorflow": tensorflow_step, "jax": jax_step, "torch": torch_step}
    model.optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    return steps[keras.backend.backend()](model, loss_of)


def tensorflow_step(model: keras.Model, loss_of: keras.losses.Loss):
    """A step that is traced once."""
    import tensorflow as tf

    @tf.function
    def step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply(gradients, model.trainable_variables)
        return loss

    return step


def jax_step(model: keras.Model, loss_of: keras.losses.Loss):
    """A step that is compiled once, without state: it takes and returns the variables' values."""
    import jax

    variables = [
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
    ]

    def forward(trainable, rest, images, labels):
        outputs, rest = model.stateless_call(trainable, rest, images, training=True)
        return loss_of(labels, outputs), rest

    @jax.jit
    def update(trainable, rest, optimizer, images, labels):
        (loss, rest), gradients = jax.value_and_grad(forward, has_aux=True)(
            trainable, rest, images, labels
        )
        trainable, optimizer = model.optimizer.stateless_apply(optimizer, gradients, trainable)
        return loss, [trainable, rest, optimizer]

    def step(images, labels):
        state = [[variable.value for variable in group] for group in variables]
        loss, state = update(*state, images, labels)
        # The callbacks read the model's own variables, so these get the new values.
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return loss

    return step


def torch_step(model: keras.Model, loss_of: keras.losses.Loss):
    """An eager step; Keras' optimizer takes the gradients that `backward` computed."""
    import torch

    def step(images, labels):
        model.zero_grad()
        loss = loss_of(labels, model(images, training=True))
        loss.backward()
        gradients = [variable.value.grad for variable in model.trainable_variables]
        with torch.no_grad():
            model.optimizer.apply(gradients, model.trainable_variables)
        return loss.detach()

    return step


def batches(data: Scenes, rng: np.random.Generator):
    """The scenes once, in random order."""
    order = rng.permutation(len(data))
    for start in range(0, len(data), BATCH_SIZE):
        chosen = order[start : start + BATCH_SIZE]
        yield data.images[chosen], data.labels[chosen]


def accuracy(model: keras.Model, data: Scenes) -> float:
    """The share of scenes that are predicted correctly."""
    return float((model.predict(data.images, verbose=0).argmax(-1) == data.labels).mean())


def train_by_list(model: keras.Model, callbacks: list, train: Scenes, held_out: Scenes, epochs):
    """Trains with a list that passes every call on to all callbacks."""
    together = keras.callbacks.CallbackList(callbacks, model=model, epochs=epochs)
    step, rng = training_step(model), np.random.default_rng(0)
    together.on_train_begin()
    for epoch in range(epochs):
        together.on_epoch_begin(epoch)
        for number, (images, labels) in enumerate(batches(train, rng)):
            together.on_train_batch_begin(number)
            loss = step(images, labels)
            together.on_train_batch_end(number, {"loss": loss})
        logs = {"loss": float(loss), "val_accuracy": accuracy(model, held_out)}
        print_epoch(epoch, logs)
        together.on_epoch_end(epoch, logs)
    together.on_train_end()


def train_by_hand(model: keras.Model, callbacks: list, train: Scenes, held_out: Scenes, epochs):
    """Trains with the calls that the callbacks need.

    Callbacks that count batches also need ``on_train_batch_end``.
    """
    step, rng = training_step(model), np.random.default_rng(0)
    params = {"epochs": epochs}  # one object for all callbacks, since they share one training
    for callback in callbacks:
        callback.set_model(model)
        callback.set_params(params)
        callback.on_train_begin()
    for epoch in range(epochs):
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
        for images, labels in batches(train, rng):
            loss = step(images, labels)
        logs = {"loss": float(loss), "val_accuracy": accuracy(model, held_out)}
        print_epoch(epoch, logs)
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)
    for callback in callbacks:
        callback.on_train_end()


def print_epoch(epoch: int, logs: dict[str, float]) -> None:
    print(f"epoch {epoch}:", ", ".join(f"{k} {v:.3f}" for k, v in logs.items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train in a loop of your own, with callbacks.")
    parser.add_argument("--by-hand", action="store_true", help="without a CallbackList")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--scenes", type=int, default=2000, help="number to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="TensorBoard's logdir")
    parser.add_argument("--run", default=time.strftime("custom_loop_%H-%M-%S"), help="folder in it")
    chosen = parser.parse_args()

    keras.utils.set_random_seed(chosen.seed)
    train = scenes(chosen.scenes, seed=chosen.seed)
    held_out = scenes(200, seed=chosen.seed, split="validation")
    log_dir = chosen.log_dir / chosen.run
    images, labels = held_out.images[:SHOWN], held_out.labels[:SHOWN]
    callbacks = [
        ActivationGrid(log_dir, images, labels=labels, class_names=CLASS_NAMES),
        FilterPatterns(log_dir, layers="conv*", filters=9),
        GradCAM(log_dir, images, labels=labels, class_names=CLASS_NAMES, layers="conv*"),
    ]
    model = compiled_model(chosen.epochs, chosen.scenes)  # the loop uses its optimizer only
    loop = train_by_hand if chosen.by_hand else train_by_list
    loop(model, callbacks, train, held_out, chosen.epochs)
    print(f"\nThe pictures are in {log_dir}.")
    print(f'To see them: tensorboard --logdir "{chosen.log_dir}", then the tab "Keras Viz".')


if __name__ == "__main__":
    main()
