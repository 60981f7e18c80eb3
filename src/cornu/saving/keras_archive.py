"""The ``.keras`` file: a zip of ``metadata.json``, ``config.json`` and ``model.weights.h5``, as Keras 3 writes and reads it.

Layers that have files of their own add them under ``assets/`` (see ``saving/assets.py``). Reading looks at the list of members
first and refuses what Keras and Cornu never write. Nothing is unpacked to the disk but assets, if a layer asks for them.
"""

import contextlib
import datetime
import io
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from cornu.errors import ModelFormatError, UnsafeModelError
from cornu.saving import safe_json
from cornu.saving.assets import ASSETS, is_usable, write_assets
from cornu.saving.weight_paths import VariableGroup
from cornu.saving.weights_h5 import write_weights

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

KERAS_VERSION = "3.15.1"
"""The version of Keras whose format is written."""

_MAX_METADATA_BYTES = 2**20
_MAX_MEMBERS = 10_000
_MAX_MAJOR_VERSION = 3
_IN_MEMORY = 64 * 2**20
_MAX_RATIO, _MAX_RATIO_OF_WEIGHTS, _MAX_RATIO_OF_ASSETS = 200, 20, 50
_FREE_BYTES_OF_ASSETS = 2**20
_ENCRYPTED = 0x1
_LOCAL_HEADER_SIZE = 30
_END_RECORD_SIZE, _END_RECORD_MAGIC = 22, b"PK\x05\x06"


# --- Writing ----------------------------------------------------------------------------------------------------------


def write_archive(path: Path, config: dict[str, Any], extras: dict[str, Any], places: list[VariableGroup]) -> None:
    """Writes a model file.

    Args:
        path: Where to; a file that is there is overwritten (see ``atomic_write`` for the way to do it safely).
        config: The model's config.
        extras: What Cornu adds to the metadata, under the key ``"cornu"``.
        places: The variables, and their owners, which may have assets.
    """
    date = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": KERAS_VERSION, "date_saved": date, "cornu": extras}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(METADATA, safe_json.write_json(metadata, "`model.meta`"))
        archive.writestr(CONFIG, safe_json.write_json(config, "The config of the model"))
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(path.parent)) as weights:
            write_weights(weights, places)
            weights.seek(0)
            with archive.open(WEIGHTS, "w", force_zip64=True) as member:
                while block := weights.read(2**20):
                    member.write(block)
        write_assets(archive, places)


# --- Reading ----------------------------------------------------------------------------------------------------------


class Archive:
    """A model file that is open for reading. Use it in a ``with`` block.

    Args:
        file: The file, open for reading.
        source: What to call it in errors.

    Raises:
        ModelFormatError: It is no zip, is damaged or cut short, or is put together as Keras and Cornu never do.
        UnsafeModelError: It has members that could be meant to deceive.
    """

    def __init__(self, file: BinaryIO, source: str):
        self._source = source
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - _END_RECORD_SIZE))
        if not file.read(_END_RECORD_SIZE).startswith(_END_RECORD_MAGIC):
            raise ModelFormatError(
                f"{source} begins as a zip and has no end.",
                "A zip ends with its table of contents.",
                "The file is cut short, or something was added to it: copy or download it again.",
            )
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
            raise self._damaged(error) from None
        self._check_members(size)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._zip.close()

    def _check_members(self, size: int) -> None:
        members = self._zip.infolist()
        if len(members) > _MAX_MEMBERS:
            raise self._strange(f"has {len(members):,} members")
        seen: dict[str, str] = {}
        for member in members:
            self._check_member(member)
            name = _plain(member.orig_filename)
            if name in seen:
                raise self._strange(f"has the members {seen[name]!r} and {member.filename!r}, which are one name")
            seen[name] = member.filename
        if sum(member.file_size for member in members) > _MAX_RATIO * size + _IN_MEMORY:
            raise self._strange("has members that unpack to much more than any model")
        for name in (METADATA, CONFIG, WEIGHTS):
            if seen.get(name) != name:
                raise ModelFormatError(
                    f"{self._source} has no member `{name}`.",
                    f"A model file holds `{METADATA}`, `{CONFIG}` and `{WEIGHTS}`.",
                    "It is another kind of zip, or a member was removed.",
                )
        self._check_order(members, size)

    def _check_member(self, member: zipfile.ZipInfo) -> None:
        name = member.orig_filename
        parts = re.split(r"[/\\]", name)
        if "\0" in name or ".." in parts or not parts[0] or ":" in name:
            raise self._strange(f"has a member named {name!r}")
        if member.flag_bits & _ENCRYPTED:
            raise self._strange(f"has the encrypted member `{name}`")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise self._strange(f"has the symbolic link `{name}`")
        if member.is_dir() and parts[0] != ASSETS:
            raise self._strange(f"has the folder `{name}`")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self._strange(f"has the member `{name}`, compressed in an unusual way")
        if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
            raise self._strange(f"has the member `{name}`, which gives two sizes")

    def _check_order(self, members: list[zipfile.ZipInfo], size: int) -> None:
        """Refuses members that overlap, reach out of the file, or have something before them."""
        end = 0
        for member in sorted(members, key=lambda one: one.header_offset):
            if member.header_offset < end or (end == 0 and member.header_offset != 0):
                raise self._strange(f"has members that overlap, or something before its first member (`{member.filename}`)")
            end = member.header_offset + _LOCAL_HEADER_SIZE + len(member.orig_filename) + member.compress_size
        if end > size:
            raise self._strange("has members that reach out of the file")

    def _strange(self, what: str) -> UnsafeModelError:
        return UnsafeModelError(
            f"{self._source} {what}.",
            "A model file is a plain zip as Keras and Cornu write it.",
            "Do not trust this file; if you packed it yourself, pack its three members anew.",
        )

    def _damaged(self, error: Any) -> ModelFormatError:
        return ModelFormatError(
            f"{self._source} cannot be read ({error}).",
            "It must be a complete zip as Keras and Cornu write it.",
            "It is cut short or damaged: copy or download it again.",
        )

    def _read(self, name: str, limit: int) -> bytes:
        """The bytes of a member, of at most so many."""
        size = self._zip.getinfo(name).file_size
        if size > limit:
            raise self._too_large(name, size, limit)
        with self._reading(name):
            return self._zip.read(name)

    def _too_large(self, name: str, size: int, limit: int) -> ModelFormatError:
        return ModelFormatError(
            f"{self._source}: `{name}` has {size:,} bytes.",
            f"It can have {limit:,} at most.",
            "The file is damaged or was made to fill your memory.",
        )

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Turn what goes wrong inside, while a member is read, into an error that says so."""
        try:
            yield
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError, MemoryError) as error:
            raise self._damaged(f"{name}: {error}") from None
        except Exception as error:  # zlib.error, which zipfile hands on, has no better base class
            raise self._damaged(f"{name}: {error}") from None

    def metadata(self) -> dict[str, Any]:
        """The metadata: versions, and under ``"cornu"`` what Cornu added.

        Raises:
            ModelFormatError: It is damaged, or written by a version of Keras that Cornu does not know.
        """
        source = f"{self._source}: {METADATA}"
        metadata = safe_json.read_json(self._read(METADATA, _MAX_METADATA_BYTES), source)
        version = metadata.get("keras_version")
        numbers = re.match(r"(\d{1,4})\.\d", version) if isinstance(version, str) else None
        if numbers is None or int(numbers[1]) > _MAX_MAJOR_VERSION:
            raise ModelFormatError(
                f"{source} says that the file was written by Keras {version!r}.",
                f"Cornu reads the format of Keras {_MAX_MAJOR_VERSION}.",
                "Save the model with Keras 3, or install a newer Cornu.",
            )
        return metadata

    def config(self) -> dict[str, Any]:
        """The model's config.

        Raises:
            ModelFormatError: It is damaged.
        """
        return safe_json.read_json(self._read(CONFIG, safe_json.MAX_BYTES), f"{self._source}: {CONFIG}")

    def weights(self, expected: int) -> BinaryIO:
        """The weights file, in memory.

        Args:
            expected: How many bytes the model's variables need.

        Raises:
            ModelFormatError: It is damaged, or unpacks to much more than the model needs.
        """
        member = self._zip.getinfo(WEIGHTS)
        # Beside the variables: an optimizer's state (thrice the weights), all in a wider dtype, and HDF5's own headers. A
        # config may ask for variables of any size, so what is packed may not grow without end either.
        needed = min(8 * expected, _MAX_RATIO_OF_WEIGHTS * member.compress_size)
        limit = max(member.compress_size, needed + _IN_MEMORY // 4)
        return io.BytesIO(self._read(WEIGHTS, limit))

    def extract_assets(self, folder: Path) -> None:
        """Write the members under ``assets/`` into a folder, which must be empty.

        Raises:
            ModelFormatError: One is damaged, or unpacks to much more than it holds.
            UnsafeModelError: One has a name that does not stay in the folder, or that another one has as a folder.
        """
        members = [member for member in self._zip.infolist() if member.filename.startswith(f"{ASSETS}/")]
        files = [member for member in members if not member.is_dir()]
        names = {_plain(member.filename) for member in files}
        for member in files:
            name = member.filename
            parents = (_plain(str(parent)) for parent in PurePosixPath(name).parents)
            if not is_usable(name) or member.orig_filename != name or not names.isdisjoint(parents):
                raise self._strange(f"has an asset named {name!r}")
            limit = _MAX_RATIO_OF_ASSETS * member.compress_size + _FREE_BYTES_OF_ASSETS
            if member.file_size > limit:
                raise self._too_large(name, member.file_size, limit)
        for member in files:
            target = folder.joinpath(*member.filename.split("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as copy:
                for block in self._blocks(member.filename):
                    copy.write(block)

    def _blocks(self, name: str) -> Iterator[bytes]:
        with self._reading(name), self._zip.open(name) as source:
            while block := source.read(2**20):
                yield block


def _plain(name: str) -> str:
    """A member's name as a careless reader might take it."""
    return re.sub(r"^(\./)+", "", name.replace("\\", "/")).rstrip("/").lower()
