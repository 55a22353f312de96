"""Streams images from files, URLs, TAR archives and Parquet files.

This is for work on more images than a disk holds: nothing is unpacked or stored, and only what is
being processed is held in memory. What cannot be read is yielded with the reason, so that every
image is accounted for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from gmbench.data.ahead import in_threads
from gmbench.data.image_shards import PARQUET, ending_of
from gmbench.data.remote import (
    ABREAST,
    PATIENCE,
    UnreachedError,
    is_remote,
    opened,
    read_file,
    web_session,
)
from gmbench.data.streamed_image import StreamedImage
from gmbench.errors import GmbenchError, SourceError, first_line, printable
from gmbench.wording import plural

_Reader = Callable[[str, BinaryIO], Iterator[StreamedImage]]


def images_of_shard(name: str, patience: float = PATIENCE) -> Iterator[StreamedImage]:
    """Yields the images of a TAR or Parquet file, in order.

    For a damaged file, the last item holds the file's own name and the reason.

    Args:
        name: A path, or a URL that begins with http://, https:// or hf://.
        patience: Seconds that its host may take to answer.

    Raises:
        UnreachedError: Its host broke off the transfer or did not answer.
        MemoryError: Memory ran out; like any other error that is not the file's fault, it is
            passed on.
    """
    read, damage = _reader_of(name)
    n_images, fault = 0, ""
    try:
        with web_session() as session, opened(name, session, patience) as file:
            for image in read(name, file):
                n_images += 1
                yield image
    except UnreachedError:
        raise
    except SourceError as error:
        fault = f"{error} (after {plural(n_images, 'image')})" if n_images else str(error)
    except damage as error:
        detail = printable(first_line(error))
        fault = f"cut short or damaged after {plural(n_images, 'image')} ({detail})"
    if fault:
        yield StreamedImage(printable(name), b"", fault)


def _reader_of(name: str) -> tuple[_Reader, tuple[type[Exception], ...]]:
    """Returns the reader of a file of many images, and what it raises on a damaged one."""
    # pyarrow takes a fifth of a second to import, and a TAR does not need it.
    if ending_of(name).endswith(PARQUET):
        from gmbench.data import parquet_images

        return parquet_images.images_of_parquet, parquet_images.DAMAGE
    from gmbench.data import tar_images

    return tar_images.images_of_tar, tar_images.DAMAGE


def images_of_files(names: Iterable[str], patience: float = PATIENCE) -> Iterator[StreamedImage]:
    """Yields image files, in order; remote ones are requested several at a time.

    Args:
        names: Paths, or URLs that begin with http://, https:// or hf://.
        patience: Seconds that each file may take.
    """
    with web_session() as session:

        def read(name: str) -> StreamedImage:
            shown = printable(name)
            try:
                return StreamedImage(shown, read_file(name, session, patience))
            except GmbenchError as error:
                return StreamedImage(shown, b"", str(error))

        for remote, alike in _runs(names):
            yield from in_threads(read, alike, ABREAST if remote else 1)


def _runs(names: Iterable[str]) -> Iterator[tuple[bool, list[str]]]:
    """Splits names into runs of consecutive ones that are all remote or all local."""
    run: list[str] = []
    for name in names:
        if run and is_remote(name) != is_remote(run[0]):
            yield is_remote(run[0]), run
            run = []
        run.append(name)
    if run:
        yield is_remote(run[0]), run
