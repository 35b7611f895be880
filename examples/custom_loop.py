"""The callbacks in a training loop of one's own.

    python examples/custom_loop.py             # by keras.callbacks.CallbackList
    python examples/custom_loop.py --by-hand   # the same calls, one by one

A callback needs to be told of the model, and when training, epochs and batches begin and end:
`fit` does no more. Whatever happens between is yours: here a step with TensorFlow's GradientTape,
`jax.value_and_grad`, or torch's `backward`, by the backend that Keras is set to.
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
    """A function of one batch that trains the model on it and returns the loss."""
    steps = {"tensorflow": tensorflow_step, "jax": jax_step, "torch": torch_step}
    model.optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    return steps[keras.backend.backend()](model, loss_of)


def tensorflow_step(model: keras.Model, loss_of: keras.losses.Loss):
    """Traced once."""
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
    """Compiled once, without state: the variables' values go in and come out."""
    import jax

    variables = [
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
    ]

    def forward(trainable, rest, images, labels):
        answers, rest = model.stateless_call(trainable, rest, images, training=True)
        return loss_of(labels, answers), rest

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
        # The callbacks look at the model itself: it has to know its new values.
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return loss

    return step


def torch_step(model: keras.Model, loss_of: keras.losses.Loss):
    """Eager; Keras' optimizer takes the gradients that `backward` leaves."""
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
    """Share of the scenes that are read rightly."""
    return float((model.predict(data.images, verbose=0).argmax(-1) == data.labels).mean())


def train_by_list(model: keras.Model, callbacks: list, train: Scenes, held_out: Scenes, epochs):
    """One object passes every call on to all callbacks."""
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
    """The calls that our callbacks need; ``on_train_batch_end`` only if they count batches."""
    step, rng = training_step(model), np.random.default_rng(0)
    params = {"epochs": epochs}  # one object for all: so they know that they share a training
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
    parser = argparse.ArgumentParser(description="Train in a loop of one's own, with callbacks.")
    parser.add_argument("--by-hand", action="store_true", help="without a CallbackList")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--scenes", type=int, default=2000, help="how many to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="what TensorBoard reads")
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
