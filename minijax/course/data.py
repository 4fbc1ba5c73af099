"""Real images to learn from: scikit-learn's digits, and MNIST from the files people have.

Both loaders give a `Dataset` of NumPy arrays; nothing here downloads, and nothing is made up.
"""

import gzip
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

# What each part is called, in the order of Dataset's fields. Some copies of MNIST have a dot for
# the dash before `idx`, and most are still gzipped.
_MNIST_NAMES = {
    "training images": "train-images-idx3-ubyte",
    "training labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}
_MNIST_FOLDERS = (".", "raw", "MNIST/raw")  # plain; torchvision's MNIST folder; its root
_MNIST_SOURCES = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


class Dataset(NamedTuple):
    """Images as float32 in [0, 1], `(n, height * width)` or `(n, height, width)`; labels int32."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_digits(flatten: bool = True) -> Dataset:
    """The 1,797 handwritten 8x8 digits that come with scikit-learn: real, and no download.

    Every fifth image is a test image, so the split never changes and both halves hold digits by
    every writer (the writers come one after another).

    Args:
        flatten: images as rows of 64 pixels; as 8x8 squares if false.

    Returns:
        A `Dataset` with 1,437 training and 360 test images.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.

    >>> digits = load_digits()
    >>> digits.train_images.shape, digits.test_images.shape, digits.train_images.dtype
    ((1437, 64), (360, 64), dtype('float32'))
    >>> digits.train_labels[:9]
    array([1, 2, 3, 4, 6, 7, 8, 9, 1], dtype=int32)

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998.
    """
    from sklearn import datasets

    digits = datasets.load_digits()
    images = (digits.images / 16).astype(np.float32)
    labels = digits.target.astype(np.int32)
    if flatten:
        images = images.reshape(len(images), -1)
    test = np.arange(len(images)) % 5 == 0
    return Dataset(images[~test], labels[~test], images[test], labels[test])


def load_mnist(folder: str | Path, flatten: bool = True) -> Dataset:
    """MNIST from its four IDX files, gzipped or not, in `folder`, its `raw` or its `MNIST/raw`.

    Any data set in the same files works (Fashion-MNIST does); labels must be 0 to 9.

    Args:
        folder: where the files are: their own folder, or the one given to torchvision as `root`.
        flatten: images as rows of pixels (784 of them for MNIST); as squares if false.

    Returns:
        A `Dataset`: 60,000 training and 10,000 test images if it is MNIST.

    Raises:
        FileNotFoundError: a file is absent. Says which four are wanted, where it looked, and where
            to get them.
        ValueError: a file is not what its name says. Names the file and what was read.

    >>> load_mnist("nowhere")
    Traceback (most recent call last):
    ...
    FileNotFoundError: no folder nowhere...

    Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", 1998.
    """
    paths = _find_mnist(Path(folder))
    train_images, train_labels, test_images, test_labels = map(read_idx, paths)
    _check_pair(train_images, train_labels, *paths[:2])
    _check_pair(test_images, test_labels, *paths[2:])
    if train_images.shape[1:] != test_images.shape[1:]:
        raise ValueError(
            f"{paths[0]} holds images of shape {train_images.shape[1:]} and {paths[2]} of shape "
            f"{test_images.shape[1:]}: they are not parts of one data set"
        )

    def scaled(images):
        images = images.astype(np.float32) / np.float32(255)
        return images.reshape(len(images), -1) if flatten else images

    return Dataset(
        scaled(train_images),
        train_labels.astype(np.int32),
        scaled(test_images),
        test_labels.astype(np.int32),
    )


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an IDX file, gzipped or not.

    The format: two zero bytes, a byte for the type, a byte for the rank, one big-endian 32-bit
    size per axis, and the values, big-endian, last axis fastest.

    Raises:
        ValueError: the file is not such a file, or holds more or fewer values than it says.
    """
    data = _unzipped(Path(path))
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _IDX_TYPES or data[3] == 0:
        raise ValueError(
            f"{path} is not an IDX file: it starts with {data[:4].hex(' ') or 'nothing'}, where "
            "00 00, a type (08 for bytes) and a rank are expected"
        )
    dtype, start = np.dtype(_IDX_TYPES[data[2]]), 4 + 4 * data[3]
    if len(data) < start:
        raise ValueError(f"{path} ends inside its header: {len(data)} bytes of {start}")
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", data[3], offset=4))
    expected = start + dtype.itemsize * int(np.prod(shape, dtype=object))
    if len(data) != expected:
        raise ValueError(
            f"{path} is {'truncated' if len(data) < expected else 'too long'}: its header says "
            f"shape {shape}, {expected} bytes in all, and it has {len(data)}; get the file again"
        )
    return np.frombuffer(data, dtype, offset=start).reshape(shape)


def _unzipped(path: Path) -> bytes:
    data = path.read_bytes()
    if data[:2] != b"\x1f\x8b":  # told by content: browsers unzip and leave the name
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{path} is a damaged gzip file of {len(data)} bytes ({error}); get the file again"
        ) from error


def _find_mnist(folder: Path) -> list[Path]:
    found = {part: _find_file(folder, name) for part, name in _MNIST_NAMES.items()}
    paths = [path for path in found.values() if path is not None]
    if len(paths) == len(found):
        return paths
    exists = folder.is_dir()
    wanted = "\n".join(
        f"  {_MNIST_NAMES[part]}.gz  {part}: {path.relative_to(folder) if path else 'not found'}"
        for part, path in found.items()
    )
    raise FileNotFoundError(
        f"{'no MNIST in' if exists else 'no folder'} {folder}\n"
        f"Wanted, with or without .gz, with '.idx' or '-idx' in the name:\n{wanted}\n"
        f"Looked in {', '.join(str(folder / sub) for sub in _MNIST_FOLDERS)}.\n"
        f"People get them from {' or '.join(_MNIST_SOURCES)}\n"
        "or have them from torchvision.datasets.MNIST(root, download=True): give that root."
    )


def _find_file(folder: Path, name: str) -> Path | None:
    names = [
        stem + suffix for stem in (name, name.replace("-idx", ".idx")) for suffix in ("", ".gz")
    ]
    places = (folder / sub / file for sub in _MNIST_FOLDERS for file in names)
    return next((path for path in places if path.is_file()), None)


def _check_pair(images: np.ndarray, labels: np.ndarray, image_path: Path, label_path: Path):
    for array, path, rank, what in (
        (images, image_path, 3, "images (n, height, width)"),
        (labels, label_path, 1, "labels (n,)"),
    ):
        if array.ndim != rank or array.dtype != np.uint8 or not array.size:
            raise ValueError(
                f"{path} holds {array.dtype}{list(array.shape)}; {what} as bytes are expected"
            )
    if len(images) != len(labels):
        raise ValueError(
            f"{image_path} holds {len(images)} images and {label_path} {len(labels)} labels: "
            "they do not belong together"
        )
    if labels.max() > 9:
        raise ValueError(f"{label_path} holds the label {labels.max()}; digits are 0 to 9")
