"""The same callbacks in training on several devices, or in several processes.

    python examples/distributed.py                                     # MirroredStrategy
    python examples/distributed.py --processes 2                       # MultiWorkerMirroredStrategy
    KERAS_BACKEND=jax python examples/distributed.py --devices 4       # DataParallel
    KERAS_BACKEND=torch python examples/distributed.py --processes 2   # DistributedDataParallel

One process draws; in the others the callbacks do nothing. Without GPUs, each process of TensorFlow
and of JAX has virtual devices. This script starts the processes on this machine. A launcher such as
torchrun sets the same environment variables.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
from quickstart import BATCH_SIZE, compiled_model
from scenes import CLASS_NAMES, Scenes, scenes

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM

SHOWN = 3  # held-out scenes that the callbacks draw; any number, whatever the number of devices
# One of several processes reads its number from this variable.
PLACE = {"tensorflow": "TF_CONFIG", "jax": "KERAS_DISTRIBUTION_PROCESS_ID", "torch": "RANK"}


def callbacks(log_dir: Path, held_out: Scenes) -> list:
    """The callbacks, the same in every setting and every process."""
    images, labels = held_out.images[:SHOWN], held_out.labels[:SHOWN]
    return [
        ActivationGrid(log_dir, images, labels=labels, class_names=CLASS_NAMES),
        FilterPatterns(log_dir, layers="conv2", filters=9),
        GradCAM(log_dir, images, labels=labels, class_names=CLASS_NAMES, layers="conv*"),
    ]


def with_tensorflow(chosen: argparse.Namespace, train: Scenes, own: list) -> None:
    """Trains with a strategy: `fit` on several devices, a loop in several processes."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    virtual = [tf.config.LogicalDeviceConfiguration()] * chosen.devices
    tf.config.set_logical_device_configuration(cpu, virtual)
    if PLACE["tensorflow"] not in os.environ:
        strategy = tf.distribute.MirroredStrategy()
        say(0, f"{strategy.num_replicas_in_sync} replicas in all")
        with strategy.scope():
            model = compiled_model(chosen.epochs, len(train))
        model.fit(
            train.images,
            train.labels,
            batch_size=BATCH_SIZE,
            epochs=chosen.epochs,
            verbose=2,
            callbacks=own,
        )
        return

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        model = compiled_model(chosen.epochs, len(train))  # the loop uses its optimizer only
        loss_of = keras.losses.SparseCategoricalCrossentropy(reduction="sum")

    policies = tf.data.experimental.AutoShardPolicy
    sharding = tf.data.Options()
    sharding.experimental_distribute.auto_shard_policy = policies.DATA
    data = tf.data.Dataset.from_tensor_slices((train.images, train.labels))
    data = data.shuffle(len(train), seed=chosen.seed).batch(BATCH_SIZE, drop_remainder=True)
    parts = strategy.experimental_distribute_dataset(data.with_options(sharding))

    def replica_step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(images, training=True)) / BATCH_SIZE
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply(gradients, model.trainable_variables)
        return loss

    @tf.function
    def step(images, labels):
        return strategy.reduce("sum", strategy.run(replica_step, (images, labels)), axis=None)

    place, number = strategy.cluster_resolver.task_id, strategy.num_replicas_in_sync
    say(place, f"{number} replicas in all")
    # Keras 3's `fit` does not run under this strategy: keras-team/keras#20585.
    loop(model, step, lambda epoch: parts, chosen, own, place)


def with_jax(chosen: argparse.Namespace, train: Scenes, own: list) -> None:
    """Trains with `keras.distribution`, on all devices of all processes."""
    import jax

    jax.config.update("jax_num_cpu_devices", chosen.devices)
    if PLACE["jax"] in os.environ:
        keras.distribution.initialize()
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    place, number = jax.process_index(), jax.process_count()
    say(place, f"{jax.device_count()} devices in all")
    model = compiled_model(chosen.epochs, len(train))
    mine = slice(place, None, number)
    model.fit(
        train.images[mine],
        train.labels[mine],
        batch_size=BATCH_SIZE // number,
        epochs=chosen.epochs,
        verbose=2 if place == 0 else 0,
        callbacks=own,
    )


def with_torch(chosen: argparse.Namespace, train: Scenes, own: list) -> None:
    """Trains in a loop, with `DistributedDataParallel`, which averages the gradients."""
    import torch

    torch.distributed.init_process_group("gloo")  # "nccl" on GPUs
    model = compiled_model(chosen.epochs, len(train))
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    loss_of = keras.losses.SparseCategoricalCrossentropy()

    def step(images, labels):
        parallel.zero_grad()
        loss = loss_of(labels, parallel(images, training=True))
        loss.backward()
        with torch.no_grad():
            gradients = [weight.value.grad for weight in model.trainable_weights]
            model.optimizer.apply(gradients, model.trainable_weights)
        return loss.detach()

    place, number = torch.distributed.get_rank(), torch.distributed.get_world_size()
    say(place, f"{number} in all, {torch.distributed.get_backend()} between them")
    loop(model, step, lambda epoch: batches(train, epoch, place, number), chosen, own, place)
    torch.distributed.destroy_process_group()


def loop(model: keras.Model, step, batches_of, chosen, own: list, place: int) -> None:
    """Trains in a loop that calls the callbacks by a list; the same in every process."""
    callbacks = keras.callbacks.CallbackList(own, model=model, epochs=chosen.epochs)
    callbacks.on_train_begin()
    for epoch in range(chosen.epochs):
        callbacks.on_epoch_begin(epoch)
        for batch, (images, labels) in enumerate(batches_of(epoch)):
            callbacks.on_train_batch_begin(batch)
            loss = float(step(images, labels))
            callbacks.on_train_batch_end(batch, {"loss": loss})
        if place == 0:
            print(f"epoch {epoch}: loss {loss:.3f}", flush=True)
        callbacks.on_epoch_end(epoch, {"loss": loss})
    callbacks.on_train_end()


def batches(data: Scenes, epoch: int, place: int, number: int):
    """This process's part of each batch; all processes use the same order."""
    order = np.random.default_rng(epoch).permutation(len(data))
    for start in range(0, len(data) - BATCH_SIZE + 1, BATCH_SIZE):
        mine = order[start + place : start + BATCH_SIZE : number]
        yield data.images[mine], data.labels[mine]


def say(place: int, what: str) -> None:
    print(f"process {place}: {what}", flush=True)


def start_processes(number: int, run: str) -> None:
    """Runs this script in that many processes, which know each other's addresses, and waits."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    command = [sys.executable, *sys.argv, "--run", run]  # the same in every process
    processes = [
        subprocess.Popen(command, env=os.environ | environment(place, addresses))
        for place in range(number)
    ]
    try:
        # If one has failed, the others may wait for it without end.
        while None in (codes := [one.poll() for one in processes]) and not any(codes):
            time.sleep(0.1)
    finally:
        for one in processes:
            one.kill()  # does nothing if it has ended
    if any(codes):
        raise SystemExit("A process failed; its message is above.")


def environment(place: int, addresses: list[str]) -> dict[str, str]:
    """The variables that give a process its number and addresses, for each backend."""
    host, port = addresses[0].split(":")
    task = {"type": "worker", "index": place}
    return {
        "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": task}),
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": addresses[0],
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(len(addresses)),
        "KERAS_DISTRIBUTION_PROCESS_ID": str(place),
        "MASTER_ADDR": host,
        "MASTER_PORT": port,
        "WORLD_SIZE": str(len(addresses)),
        "RANK": str(place),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Train on several devices, with the callbacks.")
    parser.add_argument(
        "--devices", type=int, default=2, help="virtual CPU devices for each process"
    )
    parser.add_argument("--processes", type=int, default=1, help="number of processes to start")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--scenes", type=int, default=1024, help="number to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="TensorBoard's logdir")
    parser.add_argument("--run", default=time.strftime("distributed_%H-%M-%S"), help="folder in it")
    chosen = parser.parse_args()

    backend = keras.backend.backend()
    is_one_of_several = PLACE[backend] in os.environ
    # torch has no devices inside a process, so even a single process is started as one of several.
    if not is_one_of_several and (chosen.processes > 1 or backend == "torch"):
        start_processes(chosen.processes, chosen.run)
    else:
        keras.utils.set_random_seed(chosen.seed)
        train = scenes(chosen.scenes, seed=chosen.seed)
        held_out = scenes(SHOWN, seed=chosen.seed, split="validation")
        own = callbacks(chosen.log_dir / chosen.run, held_out)
        settings = {"tensorflow": with_tensorflow, "jax": with_jax, "torch": with_torch}
        settings[backend](chosen, train, own)
    if not is_one_of_several:
        print(f"\nThe pictures are in {chosen.log_dir / chosen.run}.")
        print(f'To see them: tensorboard --logdir "{chosen.log_dir}", then the tab "Keras Viz".')


if __name__ == "__main__":
    main()
