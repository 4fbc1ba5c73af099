"""Pictures of a training run."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

_ROWS, _COLUMNS = 4, 7
_BLUE, _ORANGE = "#1f5fa8", "#c2570c"


class History(NamedTuple):
    """What a training run showed, one number per epoch."""

    loss: list[float]
    train_accuracy: list[float]
    test_accuracy: list[float]


def formats() -> list[str]:
    """The endings a plot's file may have, such as `png`, `svg`, `pdf`."""
    from matplotlib.backend_bases import FigureCanvasBase

    return sorted(FigureCanvasBase.get_supported_filetypes())


def plot_training(
    path: Path, history: History, images: np.ndarray, labels: np.ndarray, predicted: np.ndarray
) -> None:
    """Save the curves of a run beside some images `(n, height, width)` as the network reads them.

    Some that it misreads come first; they are framed, and their title says what they are.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    halves = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.25), wspace=0.04)
    left, right = halves[0]
    _curves(left, history)
    wrong = predicted != labels
    right.suptitle(
        f"{wrong.sum()} of {len(labels)} test images misread (framed)"
        if wrong.any()
        else f"all {len(labels)} test images read right",
        fontsize=11,
    )
    shown = _ROWS * _COLUMNS
    order = np.concatenate([np.flatnonzero(wrong)[: shown // 2], np.flatnonzero(~wrong)])
    for axes, i in zip(right.subplots(_ROWS, _COLUMNS).flat, order):
        _image(axes, images[i], int(labels[i]), int(predicted[i]))
    figure.savefig(path, dpi=130)


def _curves(figure, history: History) -> None:
    epochs = np.arange(1, len(history.loss) + 1)
    top, bottom = figure.subplots(2, 1, sharex=True)
    dots = {"marker": "o" if len(epochs) < 30 else "", "ms": 3}
    top.plot(epochs, history.train_accuracy, "--", color=_ORANGE, label="train", **dots)
    top.plot(epochs, history.test_accuracy, color=_BLUE, label="test", **dots)
    top.set_title(f"test accuracy {history.test_accuracy[-1]:.3f}", fontsize=11)
    top.set_ylabel("accuracy")
    top.legend(loc="lower right", frameon=False)
    bottom.semilogy(epochs, history.loss, color=_ORANGE, **dots)
    bottom.set_ylabel("training loss")
    bottom.set_xlabel("epoch")
    bottom.xaxis.get_major_locator().set_params(integer=True)
    for axes in (top, bottom):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)


def _image(axes, image: np.ndarray, label: int, predicted: int) -> None:
    right = predicted == label
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.set_title(
        str(predicted) if right else f"{predicted}, is {label}",
        fontsize=9,
        color="black" if right else _ORANGE,
        fontweight="normal" if right else "bold",
        pad=3,
    )
    for spine in axes.spines.values():
        spine.set(color="lightgray" if right else _ORANGE, linewidth=0.5 if right else 2)
