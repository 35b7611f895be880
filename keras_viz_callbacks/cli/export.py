"""``keras-viz export``: GIFs and contact sheets from logs, without a browser."""

from __future__ import annotations

import argparse
import fnmatch
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from keras_viz_callbacks.cli.command import CommandError, Parser, positive
from keras_viz_callbacks.render.picture import draw_text, fitted, font
from tensorboard_plugin.answers import exports, pictures
from tensorboard_plugin.answers.lookup import run_stem, stem_of
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.picture_series import PictureSeries
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.log.log_errors import LogError

COLUMNS = 8
_GAP, _WIDEST_LABEL, _HEADER, _FONT = 6, 220, 26, 13


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's arguments."""
    parser = commands.add_parser(
        "export",
        help="write GIFs and contact sheets from logs, without a browser",
        description="Writes each series of pictures as an animated GIF, and for each callback "
        "and layer a contact sheet, with a row for each image and a column for each epoch.",
    )
    parser.add_argument("log_dir", type=Path, metavar="LOG_DIR", help="TensorBoard's --logdir")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", default=Path("exported"),
        help="folder for the files (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--run", dest="runs", default="*", metavar="GLOB",
        help="names of runs, as in the tab (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--name", "--technique", dest="names", default="*", metavar="GLOB",
        help="names of callbacks, such as grad_cam or activations (default: all)",
    )  # fmt: skip
    parser.add_argument("--layer", default="*", metavar="GLOB", help="layer paths (default: all)")
    parser.add_argument(
        "--as", dest="kinds", nargs="+", choices=("gif", "sheet"), default=["gif", "sheet"],
        metavar="KIND", help="gif, sheet or both (default: both)",
    )  # fmt: skip
    parser.add_argument(
        "--size", type=positive, default=256, metavar="PIXELS",
        help="largest length of a picture's longer side (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--duration", type=positive, default=250, metavar="MS",
        help="time of each frame of a GIF (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--columns", type=positive, default=COLUMNS, metavar="N",
        help="largest number of epochs in a sheet, evenly spread (default: %(default)s)",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Writes the files."""
    runs = _runs(chosen)
    try:
        chosen.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"--output: {chosen.output} can't be made ({error.strerror}). Name another directory."
        ) from error
    written = 0
    for run_, picked in runs:
        if "gif" in chosen.kinds:
            for series in picked:
                if len(series.step) > 1:
                    frames = _pictures(run_, series, range(len(series.step)), chosen.size)
                    written += _write(
                        chosen.output / f"{stem_of(run_, series)}.gif",
                        exports.gif((picture for _, picture in frames), chosen.duration),
                    )
        if "sheet" in chosen.kinds:
            for title, rows in _sheets(run_, picked):
                sheet = contact_sheet(run_, rows, chosen.columns, chosen.size)
                written += _write(chosen.output / f"{title}.png", [pictures.encode(sheet)])
    print(f"{written} files are in {chosen.output}.")


def _runs(chosen: argparse.Namespace) -> list[tuple[RunIndex, list[PictureSeries]]]:
    """The matching runs, each with its matching series."""
    if not chosen.log_dir.is_dir():
        raise CommandError(f"LOG_DIR: there is no directory {chosen.log_dir}. Name one with logs.")
    index = LogIndex(log_directories(str(chosen.log_dir)))
    before: object = None
    while before != (before := [run_.progress for run_ in _read(index)]):
        pass
    if not index.runs:
        raise CommandError(
            f"LOG_DIR: there are no pictures in {chosen.log_dir}. Name a directory that the "
            "callbacks, `keras-viz replay` or `keras-viz demo` wrote to."
        )
    named = {run_.label: run_ for run_ in index.runs.values()}
    matching = [
        run_
        for run_ in index.runs.values()
        if any(fnmatch.fnmatchcase(name, chosen.runs) for name in (run_.name, run_.label))
    ]
    if not matching:
        raise CommandError(
            f"--run: no run has the name {chosen.runs!r}. There are: {', '.join(named)}."
        )
    found = [(run_, [s for s in run_.ordered_series if _is_meant(s, chosen)]) for run_ in matching]
    if not any(picked for _, picked in found):
        layers = {path for r in matching for s in r.series.values() if (path := _layer(s))}
        names = {s.static.name for r in matching for s in r.series.values()}
        raise CommandError(
            "--name, --layer: no pictures have these names. There are: "
            f"{', '.join(sorted(names))}; {', '.join(sorted(layers))}."
        )
    return found


def _read(index: LogIndex) -> list[RunIndex]:
    index.look_again()
    index.refresh(seconds=10)
    return list(index.runs.values())


def _is_meant(series: PictureSeries, chosen: argparse.Namespace) -> bool:
    return (
        series.static.kind != "image"
        and fnmatch.fnmatchcase(series.static.name, chosen.names)
        and fnmatch.fnmatchcase(_layer(series), chosen.layer)
    )


def _layer(series: PictureSeries) -> str:
    return "" if series.layer_path is None else series.layer_path


def _sheets(
    run_: RunIndex, picked: Sequence[PictureSeries]
) -> Iterator[tuple[str, list[PictureSeries]]]:
    """File name and rows: the series of one callback and layer."""
    rows: dict[tuple[str, str], list[PictureSeries]] = {}
    for series in picked:
        rows.setdefault((series.static.name, _layer(series)), []).append(series)
    for (name, layer), group in rows.items():
        yield exports.stem(run_stem(run_), name, layer, "sheet"), group


def contact_sheet(
    run_: RunIndex, rows: Sequence[PictureSeries], columns: int, size: int
) -> Image.Image:
    """A sheet with a row for each image and a column for each epoch, evenly spread.

    Args:
        run_: Run of the series.
        rows: Series of the run, one for each row.
        columns: Largest number of epochs.
        size: Largest length of a picture's longer side, in pixels.
    """
    steps = sorted({step for series in rows for step in series.step})
    if len(steps) > columns:
        last = len(steps) - 1
        steps = [steps[round(n * last / max(1, columns - 1))] for n in range(columns)]
    cells = [
        dict(_pictures(run_, s, [i for n in steps if (i := s.find(n)) is not None], size))
        for s in rows
    ]
    sizes = [picture.size for row in cells for picture in row.values()] or [(size, size)]
    width, height = (max(side) for side in zip(*sizes, strict=True))
    names = [fitted(s.static.image_name or _layer(s), _WIDEST_LABEL, [_FONT])[0] for s in rows]
    label = round(max(font(_FONT).getlength(name) for name in names)) + 16
    sheet_size = (
        label + len(steps) * (width + _GAP) + _GAP,
        _HEADER + len(rows) * (height + _GAP) + _GAP,
    )
    sheet = Image.new("RGB", sheet_size, "white")
    for column, step in enumerate(steps):
        x = label + _GAP + column * (width + _GAP)
        epoch = f"epoch {run_.steps[step].epoch}"
        draw_text(sheet, (x, _HEADER / 2), fitted(epoch, width, [_FONT])[0], _FONT, "#3c4043")
        for row, row_cells in enumerate(cells):
            if step in row_cells:
                picture = row_cells[step]
                mask = picture if picture.mode == "RGBA" else None
                sheet.paste(picture, (x, _HEADER + _GAP + row * (height + _GAP)), mask)
    for row, name in enumerate(names):
        y = _HEADER + _GAP + row * (height + _GAP) + height / 2
        draw_text(sheet, (8, y), name, _FONT, "#202124")
    return sheet


def _pictures(
    run_: RunIndex, series: PictureSeries, places: Sequence[int], size: int
) -> Iterator[tuple[int, Image.Image]]:
    """Step and picture; one that can't be read is reported and left out."""
    for place in places:
        step = series.step[place]
        try:
            data = pictures.read(run_.location(series, place))
            yield step, pictures.shrink(pictures.decode(data), size)
        except LogError as error:
            print(f"Left out: {series.tag} at step {step}: {error}")


def _write(path: Path, chunks: Iterator[bytes] | Sequence[bytes]) -> int:
    """Writes a file, if there are bytes for it; the number of files written."""
    data = b"".join(chunks)
    if not data:
        return 0
    path.write_bytes(data)
    print(path, flush=True)
    return 1
