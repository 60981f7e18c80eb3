"""Download of a file to the cache folder of Keras, with verification and extraction."""

import os
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from cornu.errors import InvalidArgumentError, InvalidTypeError, one_of, warn
from cornu.io.archives import extract as extract_archive
from cornu.io.atomic import atomic_write
from cornu.io.cache import keras_home
from cornu.io.download import Checksum, check_address, explain_errors, fetch, file_lock

_FORMATS: dict[str | None, tuple[str, ...]] = {"auto": ("tar", "zip"), "tar": ("tar",), "zip": ("zip",), None: ()}
"""Values of ``archive_format`` to the formats that are tried."""


def get_file(
    fname: str | os.PathLike | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike | None = None,
    force_download: bool = False,
) -> str:
    """Download a file to a cache folder, unless it is there, and extract it if it is an archive.

    The file appears when it is complete and its checksum is right; so does the folder of an archive. An archive cannot write
    outside of its folder.

    Args:
        fname: Name of the file in the cache folder, or of the folder of an archive. Defaults to the name in ``origin``.
        origin: String, address of the file, which begins with ``https://`` or ``http://``.
        untar: The old name of ``extract``. Defaults to False.
        md5_hash: String, the old argument for an MD5 checksum. Defaults to None.
        file_hash: String, checksum of the file in hexadecimal digits. An existing file with another checksum is downloaded
            again. Defaults to None (not verified).
        cache_subdir: Folder inside ``cache_dir``, or an absolute path. Defaults to ``"datasets"``.
        hash_algorithm: ``"sha256"``, ``"md5"``, or ``"auto"`` for the one that the length of ``file_hash`` tells. Defaults to
            ``"auto"``.
        extract: Whether to extract the file. Defaults to False.
        archive_format: ``"tar"`` (also compressed with gzip, bzip2 or xz), ``"zip"``, a list of them, or ``"auto"`` for both.
            Defaults to ``"auto"``.
        cache_dir: Path of the cache folder. Defaults to ``KERAS_HOME``, or ``~/.keras``.
        force_download: Whether to download an existing file again. Defaults to False.

    Returns:
        String, path of the file, or of the extracted folder if ``extract``.

    Raises:
        InvalidTypeError: If ``origin`` is missing.
        InvalidArgumentError: If an argument has an invalid value.
        DataError: If the file cannot be downloaded, has another checksum, or is a damaged or dangerous archive.

    Example:
        >>> import cornu
        >>> path = cornu.utils.get_file(
        ...     "flowers.tgz", "https://example.org/flowers.tgz", extract=True
        ... )  # doctest: +SKIP
    """
    if origin is None:
        raise InvalidTypeError(
            "`get_file` was called without `origin`.", "It must be the address of a file.", "Pass `origin='https://...'`."
        )
    formats = _formats(archive_format)
    checksum = _checksum(file_hash, hash_algorithm, md5_hash)
    check_address(origin)
    name = _file_name(fname, origin)
    folder = (Path(cache_dir).expanduser() if cache_dir else keras_home()) / cache_subdir
    extract = extract or untar
    target = folder / _archive_name(name, fname is not None) if extract else folder / name
    unpacked = folder / _folder_name(name, fname is not None)
    if extract and unpacked.is_file():
        raise InvalidArgumentError(
            f"`get_file` received `extract=True`, and the folder of the archive would be `{unpacked}`, which is a file.",
            "It must be a folder, or not exist yet.",
            "Rename the file, or pass another `fname` or `cache_subdir`.",
        )
    is_wrong = target.is_file() and checksum is not None and not checksum.matches(target)
    replace = force_download or is_wrong
    fetch(origin, target, checksum, setting="Pass `cache_dir`", replace=replace)
    if not extract:
        return str(target)
    _extract(target, unpacked, formats, always=replace)
    return str(unpacked)


def _extract(archive: Path, folder: Path, formats: tuple[str, ...], always: bool) -> None:
    """Extract an archive unless a record next to the folder tells that the folder is the content of this archive.

    A folder is not enough: it may be that of an earlier archive, if the extraction of the new one was interrupted.
    """
    record, stat = folder.with_name(f".{folder.name}.source"), archive.stat()
    source = f"{stat.st_size} {stat.st_mtime_ns}"

    def is_extracted() -> bool:
        return folder.is_dir() and record.is_file() and record.read_text() == source

    if not always and is_extracted():
        return
    with explain_errors(str(archive), folder, "Pass `cache_dir`"), file_lock(folder):
        if always or not is_extracted():  # not by another process in the meantime
            record.unlink(missing_ok=True)
            if extract_archive(archive, folder, formats):
                with atomic_write(record) as temporary:
                    temporary.write_text(source)
            else:
                warn(f"`{archive}` was not extracted: it is no archive of the format {' or '.join(formats) or 'None'}.")


def _formats(archive_format: str | Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(archive_format, str) or archive_format is None:
        if archive_format not in _FORMATS:
            raise one_of("archive_format", archive_format, [name for name in _FORMATS if name])
        return _FORMATS[archive_format]
    return tuple(each for name in archive_format for each in _formats(name))


def _checksum(file_hash: str | None, algorithm: str, md5_hash: str | None) -> Checksum | None:
    if md5_hash is not None and file_hash is None:
        file_hash, algorithm = md5_hash, "md5"
    if algorithm not in ("auto", "sha256", "md5"):
        raise one_of("hash_algorithm", algorithm, ("auto", "sha256", "md5"))
    if file_hash is None:
        return None
    lengths = {64: "sha256", 32: "md5"}
    found = lengths.get(len(file_hash)) if algorithm == "auto" else algorithm
    if found is None or lengths.get(len(file_hash)) != found:
        raise InvalidArgumentError(
            f"`get_file` received `file_hash={file_hash!r}` and `hash_algorithm={algorithm!r}`.",
            "A SHA-256 checksum has 64 hexadecimal digits, and an MD5 checksum has 32.",
            "Compute it with `sha256sum FILE`.",
        )
    return Checksum(file_hash, found)


def _file_name(fname: str | os.PathLike | None, origin: str) -> str:
    name = os.fspath(fname) if fname else os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name or name != os.path.basename(name) or name in (".", ".."):
        raise InvalidArgumentError(
            f"`get_file` received `fname={fname!r}` and `origin={origin!r}`.",
            "The name of the file must be known, and must not contain a folder.",
            "Pass `fname='data.zip'`, and the folder as `cache_subdir`.",
        )
    return name


def _archive_name(name: str, is_given: bool) -> str:
    """Return the name of an archive in the cache folder, as Keras names it."""
    return name if is_given and "." in name else f"{name}_archive"


def _folder_name(name: str, is_given: bool) -> str:
    """Return the name of the folder of an archive, as Keras names it."""
    return f"{name.partition('.')[0]}_extracted" if is_given and "." in name else name
