"""The key files of one ledger: private keys and the key store's wrapping key at rest.

Each file is encrypted under the passphrase, mode 0600, in a folder of mode 0700.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from console.secret_file import first_line
from console.settings import Settings
from ledger import key_file
from ledger.errors import Malformed, Unavailable
from ledger.key_file import KeyPair
from ledger.signing import SoftwareSigner, generate

ROOT = "root"
SEALER = "sealer"
DEPARTMENT = "department"
STORE = "key-store"
WRAPPING_KEY_SIZE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """One key at rest: name in the folder, purpose, authority, public key."""

    name: str
    purpose: str
    authority: str
    public_key: bytes


class KeyRing:
    """The folder of key files, opened with one passphrase."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.keys
        self._settings = settings
        # Opening a key file costs a tenth of a second on purpose (scrypt).
        self._opened: dict[tuple[Path, str], KeyPair] = {}
        self._sealers: dict[bytes, SoftwareSigner] = {}

    def passphrase(self) -> bytes:
        """The passphrase in force: given, or the directory's own file."""
        if self._settings.passphrase is not None:
            return self._settings.passphrase
        own = self._settings.own_passphrase
        if not own.exists():
            raise Malformed(
                "no passphrase for the key files",
                code="passphrase_missing",
                expected="LICENSE_LEDGER_PASSPHRASE or --passphrase-file",
                found="neither, and the ledger keeps none of its own",
                where=str(self._settings.directory),
            )
        return first_line(own, what="the passphrase file")

    def create(self) -> bool:
        """Makes the folder; writes a passphrase file of its own if none was given.

        Returns whether it wrote one: the keys are then only as safe as the directory.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        if self._settings.passphrase is not None:
            return False
        text = secrets.token_urlsafe(32).encode() + b"\n"
        write_private(self._settings.own_passphrase, text)
        return True

    def draw(self, name: str, *, purpose: str, authority: str = "") -> KeyPair:
        """Draws a new key pair and writes its file; refuses to replace one."""
        private, public = generate(secrets.token_bytes)
        pair = KeyPair(
            purpose=purpose, authority=authority, private=private, public=public
        )
        self.write(name, pair)
        return pair

    def write(self, name: str, pair: KeyPair) -> Path:
        """Writes one key file, which must not exist."""
        path = self._path(name)
        write_private(
            path,
            key_file.write_key_pair(
                pair, self.passphrase(), random_bytes=secrets.token_bytes
            ),
        )
        return path

    def signer(self, name: str, *, purpose: str) -> SoftwareSigner:
        """The signer of a key file in this folder."""
        return self.signer_of(self.open(self._path(name), purpose=purpose))

    def signer_of(self, pair: KeyPair) -> SoftwareSigner:
        """The signer of an opened key pair."""
        return SoftwareSigner(pair.private, pair.public)

    def department(self) -> str:
        """The USCC of the department whose key ``init`` made."""
        path = self._path(DEPARTMENT)
        if not path.exists():
            raise Unavailable(
                "the department's key file is gone",
                code="key_not_here",
                where=str(path),
            )
        return key_file.read_label(path.read_bytes()).label.get("authority", "")

    def sealer_of(self, public_key: bytes) -> SoftwareSigner:
        """The signer of a sealer key; raises Unavailable when its file is not here."""
        signer = self._sealers.get(public_key)
        if signer is not None:
            return signer
        for file in self.listing():
            if file.public_key == public_key:
                signer = self.signer(file.name, purpose="seal")
                self._sealers[public_key] = signer
                return signer
        raise Unavailable(
            "this process lacks the sealer's key",
            code="key_not_here",
            expected=f"a key file of {public_key.hex()[:18]}…",
            where=str(self._folder),
        )

    def open_named(self, name: str, *, purpose: str) -> KeyPair:
        """Opens one key file of this folder."""
        return self.open(self._path(name), purpose=purpose)

    def open(self, path: Path, *, purpose: str) -> KeyPair:
        """Opens one key file with the ledger's passphrase, once per process."""
        pair = self._opened.get((path, purpose))
        if pair is None:
            pair = self._opened[path, purpose] = self._open(path, purpose)
        return pair

    def _open(self, path: Path, purpose: str) -> KeyPair:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Unavailable(
                "a key file cannot be read",
                code="key_not_here",
                found=error.strerror or type(error).__name__,
                where=str(path),
            ) from error
        return key_file.read_key_pair(data, self.passphrase(), purpose=purpose)

    def open_any(self, path: Path) -> KeyPair:
        """Opens a key file of whatever purpose it says it has."""
        try:
            label = key_file.read_label(path.read_bytes())
        except OSError as error:
            raise Malformed(
                "a key file cannot be read",
                code="file_unreadable",
                found=error.strerror or "",
                where=str(path),
            ) from error
        return self.open(path, purpose=label.purpose)

    def draw_wrapping_key(self) -> bytes:
        """Draws the key that wraps the key store's secrets, and writes its file."""
        key = secrets.token_bytes(WRAPPING_KEY_SIZE)
        write_private(
            self._path(STORE),
            key_file.wrap(
                key,
                self.passphrase(),
                purpose=STORE,
                random_bytes=secrets.token_bytes,
            ),
        )
        return key

    def wrapping_key(self) -> bytes:
        """The key that wraps the key store's secrets."""
        path = self._path(STORE)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Unavailable(
                "the key store's wrapping key cannot be read",
                code="key_not_here",
                found=error.strerror or type(error).__name__,
                where=str(path),
            ) from error
        return key_file.unwrap(data, self.passphrase(), purpose=STORE)

    def listing(self) -> list[KeyFile]:
        """What the folder holds, as the files say in clear."""
        found: list[KeyFile] = []
        for path in sorted(self._folder.glob("*.json")):
            label = key_file.read_label(path.read_bytes())
            if "public_key" in label.label:
                found.append(
                    KeyFile(
                        name=path.stem,
                        purpose=label.purpose,
                        authority=label.label.get("authority", ""),
                        public_key=bytes.fromhex(label.label["public_key"]),
                    )
                )
        return found

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def write_private(path: Path, data: bytes) -> None:
    """Writes a new file of mode 0600 for good; raises Malformed if it exists.

    The folder is fsynced too: what a lost key has signed may be in the log already.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Malformed(
            "the file exists already", code="file_exists", where=str(path)
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
