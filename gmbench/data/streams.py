"""Images one after the other, from files, addresses, TAR archives and Parquet files.

For work on more images than a disk holds: nothing is unpacked or stored, and no more is held than
is looked at. What cannot be read is yielded with the reason, so that every image is accounted for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gmbench.data.ahead import in_threads
from gmbench.data.remote import ABREAST, PATIENCE, is_remote, read_file, web_session
from gmbench.data.streamed import PARQUET, Streamed, ending_of
from gmbench.errors import GmbenchError, printable


def images_of_shard(name: str, patience: float = PATIENCE) -> Iterator[Streamed]:
    """Yields the images of a TAR or of a Parquet file, in their order.

    Args:
        name: A path, or an address that begins with http://, https:// or hf://.
        patience: Seconds that its host may take for an answer.

    Raises:
        UnreachedError: Its host broke off, or did not answer.
        MemoryError: And whatever else is no fault of the file.
    """
    # pyarrow takes a fifth of a second to import, and a TAR does without.
    if ending_of(name).endswith(PARQUET):
        from gmbench.data.streamed_parquet import images_of_parquet

        yield from images_of_parquet(name, patience)
    else:
        from gmbench.data.streamed_tar import images_of_tar

        yield from images_of_tar(name, patience)


def images_of_files(names: Iterable[str], patience: float = PATIENCE) -> Iterator[Streamed]:
    """Yields image files, in their order; those of other machines are asked for some at a time.

    Args:
        names: Paths, or addresses that begin with http://, https:// or hf://.
        patience: Seconds that each may take.
    """
    with web_session() as session:

        def read(name: str) -> Streamed:
            shown = printable(name)
            try:
                return Streamed(shown, read_file(name, session, patience))
            except GmbenchError as error:
                return Streamed(shown, b"", str(error))

        for remote, alike in _runs(names):
            yield from in_threads(read, alike, ABREAST if remote else 1)


def _runs(names: Iterable[str]) -> Iterator[tuple[bool, list[str]]]:
    """Parts names into those that follow each other and are all of this machine, or none is."""
    run: list[str] = []
    for name in names:
        if run and is_remote(name) != is_remote(run[0]):
            yield is_remote(run[0]), run
            run = []
        run.append(name)
    if run:
        yield is_remote(run[0]), run
