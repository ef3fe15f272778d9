"""Pictures that lie beside a file: the ledger keeps their digest, never the picture."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import Final

from console.importer.rejects import RowRejected
from ledger.value_formats import picture_ok

SIZE_MAX: Final = 64 << 20
_CHUNK: Final = 1 << 20
_TYPES: Final = mimetypes.MimeTypes()  # not what this machine's own files add to it


def picture_in(folder: Path, name: str, *, column: str) -> str:
    """``sm3:<hex>:<size>:<media type>`` of a file in a folder, or below it.

    Raises RowRejected when there is no such file, when it lies outside, is empty or too
    large, or when its name does not say which kind of picture it is.
    """
    expected = f"{folder} 中的图片文件 / a picture in {folder}"
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise RowRejected("no_picture", column=column, expected=expected)
    try:
        digest, size = _digest(path)
    except (OSError, ValueError) as error:
        raise RowRejected("no_picture", column=column, expected=expected) from error
    media_type, _ = _TYPES.guess_type(path.name, strict=False)
    found = f"sm3:{digest}:{size}:{media_type}"
    if size > SIZE_MAX or not picture_ok(found):
        raise RowRejected(
            "no_picture",
            column=column,
            expected=f"1 … {SIZE_MAX} 字节，扩展名如 .jpg .png / bytes, a usual extension",
        )
    return found


def _digest(path: Path) -> tuple[str, int]:
    found, size = hashlib.new("sm3"), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            found.update(chunk)
            if size > SIZE_MAX:
                break
    return found.hexdigest(), size
