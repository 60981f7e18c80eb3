"""The ``.keras`` format of Keras 3: a zip archive of ``metadata.json``, ``config.json`` and ``model.weights.h5``.

Assets of layers are stored under ``assets/`` (see ``saving/assets.py``). When an archive is opened, its list of members is
validated, and anything that Keras and Cornu never write raises an error. Only assets that a layer loads are unpacked to the
disk.
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

from cornu.errors import InvalidArgumentError, ModelFormatError, UnsafeModelError
from cornu.saving import safe_json
from cornu.saving.assets import ASSETS, folded, is_usable, write_assets
from cornu.saving.weight_paths import VariableGroup
from cornu.saving.weights_h5 import write_weights

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

KERAS_VERSION = "3.15.1"
"""Version of Keras in whose format files are written."""

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


def write_archive(path: Path, config: dict[str, Any], extras: dict[str, Any], groups: list[VariableGroup]) -> None:
    """Write a model file.

    Args:
        path: Path of the file; an existing file is overwritten (see ``atomic_write`` to do so safely).
        config: Dict, config of the model.
        extras: Dict of Cornu's additional metadata, stored under the key ``"cornu"``.
        groups: List returned by ``variable_groups``; the owners may have assets.

    Raises:
        InvalidArgumentError: If the file would exceed a limit on reading, or an asset is not a regular file.
    """
    date = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": KERAS_VERSION, "date_saved": date, "cornu": extras}
    described = safe_json.write_json(metadata, "`model.meta`")
    if len(described) > _MAX_METADATA_BYTES:
        raise InvalidArgumentError(
            f"`model.meta` has {len(described):,} bytes as JSON.",
            f"It can have at most {_MAX_METADATA_BYTES:,} bytes.",
            "Keep large data in files of their own.",
        )
    with zipfile.ZipFile(path, "w", strict_timestamps=False) as archive:  # of assets from before 1980
        archive.writestr(METADATA, described)
        archive.writestr(CONFIG, safe_json.write_json(config, "The config of the model"))
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(path.parent)) as weights:
            write_weights(weights, groups)
            weights.seek(0)
            with archive.open(WEIGHTS, "w", force_zip64=True) as member:
                while block := weights.read(2**20):
                    member.write(block)
        write_assets(archive, groups)
        if len(archive.namelist()) > _MAX_MEMBERS:
            raise InvalidArgumentError(
                f"The layers of the model wrote more than {_MAX_MEMBERS:,} assets.",
                f"A model file can have at most {_MAX_MEMBERS:,} members.",
                "Write fewer files in `save_assets`, such as one archive.",
            )


# --- Reading ----------------------------------------------------------------------------------------------------------


class Archive(contextlib.AbstractContextManager):
    """Model file open for reading. Use it as a context manager.

    Args:
        file: Binary file object, open for reading.
        source: String, name of the file in error messages.

    Raises:
        ModelFormatError: If the file is not a zip archive, is damaged or truncated, or lacks a member.
        UnsafeModelError: If the archive has members or a structure that Keras and Cornu never write.
    """

    def __init__(self, file: BinaryIO, source: str):
        self._source = source
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - _END_RECORD_SIZE))
        if not file.read(_END_RECORD_SIZE).startswith(_END_RECORD_MAGIC):
            raise ModelFormatError(
                f"{source} begins as a zip archive and has no end record.",
                "A zip archive must end with its table of contents.",
                "The file is truncated, or data were appended to it: copy or download it again.",
            )
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
            raise self._damaged(error) from None
        self._check_members(size)

    def __exit__(self, *exception: Any) -> None:
        self._zip.close()

    def _check_members(self, size: int) -> None:
        members = self._zip.infolist()
        if len(members) > _MAX_MEMBERS:
            raise self._unsafe(f"has {len(members):,} members")
        seen: dict[str, str] = {}
        for member in members:
            self._check_member(member)
            name = _plain(member.orig_filename)
            if name in seen:
                raise self._unsafe(f"has the members {seen[name]!r} and {member.filename!r}, which are the same name")
            seen[name] = member.filename
        if sum(member.file_size for member in members) > _MAX_RATIO * size + _IN_MEMORY:
            raise self._unsafe("has members that unpack to much more than any model")
        for name in (METADATA, CONFIG, WEIGHTS):
            if seen.get(name) != name:
                raise ModelFormatError(
                    f"{self._source} has no member `{name}`.",
                    f"A model file must contain `{METADATA}`, `{CONFIG}` and `{WEIGHTS}`.",
                    "Check that the file is a `.keras` file: it is another zip archive, or a member was removed.",
                )
        self._check_order(members, size)

    def _check_member(self, member: zipfile.ZipInfo) -> None:
        name = member.orig_filename
        parts = re.split(r"[/\\]", name)
        if "\0" in name or ".." in parts or not parts[0] or ":" in name:
            raise self._unsafe(f"has a member named {name!r}")
        if member.flag_bits & _ENCRYPTED:
            raise self._unsafe(f"has the encrypted member `{name}`")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise self._unsafe(f"has the symbolic link `{name}`")
        if member.is_dir() and parts[0] != ASSETS:
            raise self._unsafe(f"has the folder `{name}`")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self._unsafe(f"has the member `{name}`, with an unsupported compression method")
        if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
            raise self._unsafe(f"has the member `{name}`, which declares two sizes")

    def _check_order(self, members: list[zipfile.ZipInfo], size: int) -> None:
        """Raise an error if members overlap or extend beyond the file, or if data precede the first member."""
        end = 0
        for member in sorted(members, key=lambda one: one.header_offset):
            if member.header_offset < end or (end == 0 and member.header_offset != 0):
                raise self._unsafe(f"has members that overlap, or data before its first member (`{member.filename}`)")
            end = member.header_offset + _LOCAL_HEADER_SIZE + len(member.orig_filename) + member.compress_size
        if end > size:
            raise self._unsafe("has members that extend beyond the file")

    def _unsafe(self, what: str) -> UnsafeModelError:
        return UnsafeModelError(
            f"{self._source} {what}.",
            "A model file must be a zip archive as written by Keras or Cornu.",
            "Do not trust this file; if you packed it yourself, pack its three members again.",
        )

    def _damaged(self, error: str | Exception) -> ModelFormatError:
        return ModelFormatError(
            f"{self._source} cannot be read ({error}).",
            "It must be a complete zip archive as written by Keras or Cornu.",
            "The file is truncated or damaged: copy or download it again.",
        )

    def _read(self, name: str, limit: int) -> bytes:
        """Return the contents of a member of at most ``limit`` bytes."""
        size = self._zip.getinfo(name).file_size
        if size > limit:
            raise self._too_large(name, size, limit)
        with self._convert_errors(name):
            return self._zip.read(name)

    def _too_large(self, name: str, size: int, limit: int) -> ModelFormatError:
        return ModelFormatError(
            f"{self._source}: `{name}` has {size:,} bytes.",
            f"It can have at most {limit:,} bytes.",
            "The file is damaged, or was crafted to exhaust memory: do not load it.",
        )

    @contextlib.contextmanager
    def _convert_errors(self, name: str) -> Iterator[None]:
        """Context manager that converts any error raised while reading a member into a ``ModelFormatError``."""
        try:
            yield
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError, MemoryError) as error:
            raise self._damaged(f"{name}: {error}") from None
        except Exception as error:  # zlib.error, which zipfile does not catch, has no other base class
            raise self._damaged(f"{name}: {error}") from None

    def metadata(self) -> dict[str, Any]:
        """Return the metadata: versions, and Cornu's additional metadata under ``"cornu"``.

        Raises:
            ModelFormatError: If the metadata are damaged, or written by an unsupported version of Keras.
        """
        return parse_metadata(self._read(METADATA, _MAX_METADATA_BYTES), f"{self._source}: {METADATA}")

    def config(self) -> dict[str, Any]:
        """Return the config of the model as a dict.

        Raises:
            ModelFormatError: If the config is damaged.
        """
        return safe_json.read_json(self._read(CONFIG, safe_json.MAX_BYTES), f"{self._source}: {CONFIG}")

    def weights(self, expected: int) -> BinaryIO:
        """Return the weights file as a binary file object in memory.

        Args:
            expected: Integer, size of the variables of the model in bytes.

        Raises:
            ModelFormatError: If the member is damaged, or unpacks to much more than the model needs.
        """
        member = self._zip.getinfo(WEIGHTS)
        # In addition to the variables: the optimizer's state (three times the weights), all in a wider dtype, and the headers
        # of HDF5. A config may declare variables of any size, so the compression ratio is limited too.
        needed = min(8 * expected, _MAX_RATIO_OF_WEIGHTS * member.compress_size)
        limit = max(member.compress_size, needed + _IN_MEMORY // 4)
        return io.BytesIO(self._read(WEIGHTS, limit))

    def extract_assets(self, folder: Path) -> None:
        """Extract the members under ``assets/`` to an empty folder.

        Raises:
            ModelFormatError: If a member is damaged, or its compression ratio is too high.
            UnsafeModelError: If the name of a member points outside the folder, or is the folder of another member.
        """
        members = [member for member in self._zip.infolist() if member.filename.startswith(f"{ASSETS}/")]
        files = [member for member in members if not member.is_dir()]
        names = {_plain(member.filename) for member in files}
        for member in files:
            name = member.filename
            parents = (_plain(str(parent)) for parent in PurePosixPath(name).parents)
            if not is_usable(name) or member.orig_filename != name or not names.isdisjoint(parents):
                raise self._unsafe(f"has an asset named {name!r}")
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
        with self._convert_errors(name), self._zip.open(name) as source:
            while block := source.read(2**20):
                yield block


def parse_metadata(data: bytes, source: str) -> dict[str, Any]:
    """Return the metadata of a model.

    Args:
        data: Bytes, JSON.
        source: String, name of the data in error messages.

    Raises:
        ModelFormatError: If the metadata are damaged, or written by an unsupported version of Keras.
    """
    metadata = safe_json.read_json(data, source)
    version = metadata.get("keras_version")
    numbers = re.match(r"(\d{1,4})\.\d", version) if isinstance(version, str) else None
    if numbers is None or int(numbers[1]) > _MAX_MAJOR_VERSION:
        raise ModelFormatError(
            f"According to {source}, the file was written by Keras {version!r}.",
            f"Cornu reads the format of Keras {_MAX_MAJOR_VERSION}.",
            "Save the model with Keras 3, or install a newer version of Cornu.",
        )
    return metadata


def _plain(name: str) -> str:
    """Return the name of a member as a lenient reader might interpret it."""
    return folded(re.sub(r"^(\./)+", "", name.replace("\\", "/")).rstrip("/"))
