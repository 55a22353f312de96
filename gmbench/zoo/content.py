"""Images to train on: digits, faces, photographs, textures, letters, icons, or a user's folder.

Every content is split into two parts that share nothing: GMs are trained on `train`, and a built
zoo publishes `held_out` alongside the GMs' images, so that a detector of generated images is not
tested on the very images that a GM has learnt. Digits are split by image, faces by person,
photographs and textures by a vertical line through every picture, letters by font, and icons by
what they show. Letters and icons are rendered; all others are real-world images.

Images are uint8 squares of the requested size, always with three channels (grey: three equal ones).
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gmbench.data.rgb import rgb_pixels
from gmbench.errors import SourceError, UnknownNameError
from gmbench.zoo.image_folder import read_folder, square
from gmbench.zoo.packaged import Origin, Picture, files_of, origin_of
from gmbench.zoo.pictures import DIGITS, FACES, FONTS, ICONS, PHOTOS, TEXTURES
from gmbench.zoo.rendered import Glyph, render_icons, render_letters

Images = NDArray[np.uint8]
"""Shape (images, 3, size, size)."""

N_TRAIN, N_HELD_OUT = 4_000, 800
"""Number of crops of photographs and textures, letters and icons that are drawn for each part."""

_HELD_OUT = 0.2
"""Held-out share of a picture's width, of persons, fonts, icon names and a folder's files."""

_LEAST_CONTRAST, _TRIES = 16.0, 20
"""Standard deviation that a crop's values should exceed, and how often it is drawn to reach it."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Content:
    """Real images of one content class.

    Attributes:
        name: Such as `faces`.
        train: Images that GMs are trained on, shape (images, 3, size, size).
        held_out: Images that no GM has seen, same shape except for their number.
        origins: Where the images come from.
        held_out_sources: Whom or what each held-out image shows: the person of a face, the picture
            of a crop, the font of a letter, the first word of an icon's name; otherwise, each image
            has its own.
    """

    name: str
    train: Images
    held_out: Images
    origins: tuple[Origin, ...]
    held_out_sources: tuple[str, ...]

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return int(self.train.shape[-1])

    @property
    def key(self) -> tuple[str, int]:
        """Name and size."""
        return self.name, self.size

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of all pixels of both parts."""
        digest = hashlib.sha256()
        for part in (self.train, self.held_out):
            digest.update(repr(part.shape).encode())
            digest.update(part.tobytes())
        return digest.hexdigest()


@lru_cache(maxsize=16)
def load_content(name: str, size: int, seed: int = 0) -> Content:
    """Returns the real images of a content class; repeated calls are cached.

    Args:
        name: One of `CONTENTS`.
        size: Height and width in pixels.
        seed: Seed of the crops, the order and the choice of what is held out.

    Raises:
        UnknownNameError: There is no such content.
        SourceError: The package that carries the images is not installed.
    """
    if name not in _LOADERS:
        raise UnknownNameError(
            "Content",
            name,
            _LOADERS,
            f"There are: {', '.join(_LOADERS)}; --images-from takes a folder of your own.",
        )
    # The name is part of the seed, so that no two contents are cut by the same random numbers.
    generator = np.random.default_rng([seed, size, *name.encode()])
    train, held_out, origins, sources = _LOADERS[name](size, generator)
    return Content(name, _frozen(train), _frozen(held_out), tuple(origins), tuple(sources))


def load_folder(folder: Path, size: int, seed: int = 0) -> Content:
    """Returns the images of a user's folder, a fifth of them held out.

    Each image is converted to RGB by the rule of `data.rgb`, cropped to its central square and
    scaled to the requested size.

    Args:
        folder: Folder to search recursively; its name becomes the content's.
        size: Height and width in pixels.
        seed: Seed of the order and the choice of what is held out.

    Raises:
        SourceError: The folder or one of its images cannot be read, or there are too few images.
    """
    images, sha256 = read_folder(folder, size)
    generator = np.random.default_rng([seed, size])
    images = images[generator.permutation(len(images))]
    n_held_out = round(len(images) * _HELD_OUT)
    name = content_name(folder)
    origin = Origin(name, "", "", folder.resolve().name, "the owner of the folder's", sha256)
    train, held_out = _frozen(images[n_held_out:]), _frozen(images[:n_held_out])
    return Content(name, train, held_out, (origin,), _numbered(held_out))


def content_name(folder: Path) -> str:
    """Returns a folder's content name: its own, reduced to ASCII letters, digits, `_` and `-`.

    Raises:
        SourceError: The name is empty, or that of a content that comes with a package.
    """
    own = folder.resolve().name
    name = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in own)
    if name in _LOADERS or not name:
        raise SourceError(
            f"The folder {folder} has the name of a content that there is already. "
            "Rename it: its name becomes the content's."
        )
    return name


def _frozen(images: Images) -> Images:
    """Makes an array read-only, since all callers that load the content share it."""
    images = np.ascontiguousarray(images)
    images.setflags(write=False)
    return images


def _numbered(images: Images) -> tuple[str, ...]:
    return tuple(f"image_{number:06d}" for number in range(len(images)))


_Parts = tuple[Images, Images, list[Origin], Sequence[str]]
"""Training images, held-out images, origins, and the sources of the held-out images."""


def _digits(size: int, generator: np.random.Generator) -> _Parts:
    """Returns the 28-pixel digits in a 2-pixel black frame, scaled unless `size` is 32."""
    paths = files_of(DIGITS, "digits")
    text = gzip.decompress(paths[0].read_bytes()).decode("ascii")
    table = np.array(text.replace("\n", ",").strip(",").split(","), dtype=np.float64)
    pixels = table.reshape(-1, 28 * 28 + 1)[:, :-1].astype(np.uint8).reshape(-1, 28, 28)
    framed = np.pad(pixels, ((0, 0), (2, 2), (2, 2)))
    if size != framed.shape[-1]:
        framed = np.stack([np.asarray(square(Image.fromarray(digit), size)) for digit in framed])
    images = _three_channels(framed)[generator.permutation(len(framed))]
    return (
        images[N_HELD_OUT:],
        images[:N_HELD_OUT],
        [origin_of(DIGITS, "digits", paths)],
        _numbered(images[:N_HELD_OUT]),
    )


def _faces(size: int, generator: np.random.Generator) -> _Parts:
    """Returns the central squares of the ORL faces, each also mirrored, split by person."""
    paths = files_of(FACES, "faces")
    persons = sorted({path.parent.name for path in paths})
    hidden = set(generator.permutation(persons)[: round(len(persons) * _HELD_OUT)].tolist())
    parts: dict[bool, list[Images]] = {True: [], False: []}
    shown: list[str] = []
    for path in paths:
        with Image.open(path) as image:
            face = np.asarray(square(image.convert("L"), size))
        parts[path.parent.name in hidden] += [face, face[:, ::-1]]
        shown += [path.parent.name] * 2 if path.parent.name in hidden else []
    train, held_out = (_three_channels(np.stack(parts[which])) for which in (False, True))
    train = train[generator.permutation(len(train))]
    order = generator.permutation(len(held_out))
    sources = [shown[row] for row in order]
    return train, held_out[order], [origin_of(FACES, "faces", paths)], sources


def _crops_of(
    content: str, pictures: Iterable[Picture], largest: int | None
) -> Callable[[int, np.random.Generator], _Parts]:
    """Returns the loader that cuts random squares out of large pictures.

    Args:
        content: Name of the content.
        pictures: Pictures to cut; each gives as many squares as any other.
        largest: Side of the largest square, in multiples of the requested size; None for as large
            as the picture allows.
    """

    def load(size: int, generator: np.random.Generator) -> _Parts:
        origins: list[Origin] = []
        train: list[Images] = []
        held_out: list[Images] = []
        opened = []
        for picture in pictures:
            paths = files_of(picture, content)
            origins.append(origin_of(picture, content, paths))
            with Image.open(paths[0]) as image:
                opened.append(Image.fromarray(rgb_pixels(image)))
        for part, count in ((train, N_TRAIN), (held_out, N_HELD_OUT)):
            for number in range(count):
                picture_image = opened[number % len(opened)]
                border = round(picture_image.width * (1 - _HELD_OUT))
                span = (0, border) if part is train else (border, picture_image.width)
                part.append(_crop(picture_image, span, size, largest, generator))
        images = [np.stack(part).transpose(0, 3, 1, 2) for part in (train, held_out)]
        made = images[0][generator.permutation(N_TRAIN)]
        order = generator.permutation(N_HELD_OUT)
        names = [Path(origin.file).stem for origin in origins]
        sources = [names[number % len(names)] for number in order.tolist()]
        return made, images[1][order], origins, sources

    return load


def _crop(
    picture: Image.Image,
    span: tuple[int, int],
    size: int,
    largest: int | None,
    generator: np.random.Generator,
) -> Images:
    """Returns a random square of a picture, mirrored half of the time, shape (size, size, 3).

    Its side is drawn uniformly on a logarithmic scale, from the requested size upwards, so that
    nothing is ever enlarged; its columns lie within `span`. A square that shows nothing, such as a
    patch of sky, is drawn again.
    """
    width = span[1] - span[0]
    limit = min(width, picture.height)
    if largest is not None:
        limit = min(limit, largest * size)
    for _ in range(_TRIES):
        side = min(limit, round(size * (limit / size) ** generator.random()))
        left = span[0] + int(generator.integers(0, width - side + 1))
        top = int(generator.integers(0, picture.height - side + 1))
        cut = picture.crop((left, top, left + side, top + side))
        scaled = cut.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
        pixels = np.asarray(scaled)
        if pixels.std() > _LEAST_CONTRAST:
            break
    return pixels[:, ::-1] if generator.random() < 0.5 else pixels


def _letters(size: int, generator: np.random.Generator) -> _Parts:
    """Returns letters of the alphabet, upper and lower case, split by font."""
    found = [(picture, files_of(picture, "letters")) for picture in FONTS]
    fonts = [path for _, paths in found for path in paths]
    hidden = set(generator.permutation(len(fonts))[: round(len(fonts) * _HELD_OUT)].tolist())
    parts: dict[bool, list[Glyph]] = {True: [], False: []}
    for number, font in enumerate(fonts):
        parts[number in hidden] += [(font, letter) for letter in _LETTERS]
    (train, _), (held_out, drawn) = (
        render_letters(parts[which], count, size, generator)
        for which, count in ((False, N_TRAIN), (True, N_HELD_OUT))
    )
    origins = [origin_of(picture, "letters", paths) for picture, paths in found]
    sources = [parts[True][row][0].stem for row in drawn]
    return _three_channels(train), _three_channels(held_out), origins, sources


def _icons(size: int, generator: np.random.Generator) -> _Parts:
    """Returns icons of three sets, split by the first word of their names, such as `arrow`."""
    found = [(picture, files_of(picture, "icons")) for picture in ICONS]
    named: dict[str, list[Glyph]] = {}
    for _, (font, *_rest) in found:
        # materialdesignicons6-webfont-6.9.96.ttf has its names in ...-webfont-charmap-6.9.96.json.
        family, version = font.stem.rsplit("-", 1)
        names = json.loads(font.with_name(f"{family}-charmap-{version}.json").read_text("utf-8"))
        for name, code in sorted(names.items()):
            named.setdefault(name.split("-")[0], []).append((font, chr(int(code, 16))))
    words = sorted(named)
    hidden = set(generator.permutation(words)[: round(len(words) * _HELD_OUT)].tolist())
    parts = {
        which: [(word, g) for word in words if (word in hidden) is which for g in named[word]]
        for which in (False, True)
    }
    (train, _), (held_out, drawn) = (
        render_icons([glyph for _, glyph in parts[which]], count, size, generator)
        for which, count in ((False, N_TRAIN), (True, N_HELD_OUT))
    )
    origins = [origin_of(picture, "icons", paths) for picture, paths in found]
    sources = [parts[True][row][0] for row in drawn]
    return train.transpose(0, 3, 1, 2), held_out.transpose(0, 3, 1, 2), origins, sources


def _three_channels(grey: Images) -> Images:
    """Returns grey images, shape (images, size, size), with three equal channels."""
    return np.repeat(grey[:, None], 3, axis=1)


_LOADERS: dict[str, Callable[[int, np.random.Generator], _Parts]] = {
    "digits": _digits,
    "faces": _faces,
    "photos": _crops_of("photos", PHOTOS, None),
    "textures": _crops_of("textures", TEXTURES, 4),
    "letters": _letters,
    "icons": _icons,
}

CONTENTS: tuple[str, ...] = tuple(_LOADERS)
"""Names of the contents that come with packages."""
