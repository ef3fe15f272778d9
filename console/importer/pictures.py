"""Pictures that lie beside a file: the ledger keeps their digest, never the picture."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Final

from console.importer.rejects import RowRejected

SIZE_MAX: Final = 64 << 20
_CHUNK: Final = 1 << 20
_HEAD: Final = 12
_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
)


def picture_in(folder: Path, name: str, *, column: str) -> str:
    """``sm3:<hex>:<size>:<media type>`` of a file in a folder, or below it.

    Raises RowRejected when there is no such file, when it lies outside, is empty or too
    large, or no picture by its first bytes.
    """
    expected = f"{folder} 中的图片文件 / a picture in {folder}"
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise RowRejected("no_picture", column=column, expected=expected)
    try:
        digest, size, media_type = _read(path)
    except (OSError, ValueError) as error:
        raise RowRejected("no_picture", column=column, expected=expected) from error
    if size > SIZE_MAX or not media_type:
        kinds = "JPEG PNG GIF BMP TIFF WebP PDF"
        expected = f"至多 {SIZE_MAX} 字节 / at most so many bytes; {kinds}"
        raise RowRejected("no_picture", column=column, expected=expected)
    return f"sm3:{digest}:{size}:{media_type}"


def _kind(head: bytes) -> str:
    """The media type that a picture's first bytes say; '' for what is none."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def _read(path: Path) -> tuple[str, int, str]:
    found, size = hashlib.new("sm3"), 0
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would never end
        raise OSError("no file")
    with path.open("rb") as file:
        media_type = _kind(file.read(_HEAD))
        file.seek(0)
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            found.update(chunk)
            if size > SIZE_MAX:
                break
    return found.hexdigest(), size, media_type
