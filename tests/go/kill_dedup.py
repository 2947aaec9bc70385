"""Kills the host of dedup-directory at random moments, and looks at what is left.

kill_dedup.py COFFERDAM dedup-directory.wasm [ROUNDS]
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = """driver = "{driver}"
[settings]
sweep-every = 1
[[directory]]
name = "/data"
host = "data"
access = "read-write"
"""


def left_over(data: Path) -> list[str]:
    """What nothing needs; fails if a record lacks its content, or names another one."""
    needed: set[Path] = set()
    for record in (data / "objects").rglob("*"):
        if not record.is_file():
            continue
        name, size = record.read_text().split()
        digest = name.removeprefix("sha256:")
        folder = data / "contents" / digest[:2] / digest
        path = "/" + str(record.relative_to(data / "objects"))
        content = (folder / "content").read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest and len(content) == int(size), record
        reference = folder / ("by-" + hashlib.sha256(path.encode()).hexdigest())
        assert reference.read_text() == path, record
        needed |= {folder / "content", reference}
    everything = [*(data / "contents").rglob("*"), *(data / "incoming").rglob("*")]
    return [str(file.relative_to(data)) for file in everything if file.is_file() and file not in needed]


def main() -> int:
    cofferdam, driver = (str(Path(name).resolve()) for name in sys.argv[1:3])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("data").mkdir()
        Path("cofferdam.toml").write_text(CONFIG.format(driver=driver))
        seen, inside = 0, 0
        for turn in range(rounds):
            source = Path(f"source-{turn}")
            source.mkdir()
            for number in range(40):
                # Some contents are equal, and the paths are those of the other rounds, so that each round replaces and releases.
                (source / f"f{number}").write_bytes(random.Random(f"{turn % 7} {number // 2}").randbytes(200_000))
            put = subprocess.Popen([cofferdam, "put", "-r", str(source), "/k", "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0.03, 0.4))
            inside += put.poll() is None
            put.send_signal(signal.SIGKILL)
            put.wait()
            seen += bool(left_over(Path("data")))
        print(f"{rounds} kills, {inside} while it wrote, {seen} left something behind, no record lost its content")
        # Writes sweep a few contents each; afterwards nothing is left but incoming files, which wait a day.
        Path("small").write_bytes(b"small")
        for number in range(40):
            subprocess.run([cofferdam, "put", "small", f"/sweep/s{number % 3}", "-q"], check=True, stdout=subprocess.DEVNULL)
        left = left_over(Path("data"))
        waiting = [name for name in left if name.startswith("incoming/")]
        print(f"after the sweeps {len(left) - len(waiting)} are left, and {len(waiting)} incoming files wait for their day")
        if inside == 0 or len(left) != len(waiting):
            print("FAILED", left[:5])
            return 1
        # Damage is never handed out, and the next put of the same bytes mends it.
        digest = hashlib.sha256(b"small").hexdigest()
        Path("data/contents", digest[:2], digest, "content").write_bytes(b"smelt")
        damaged = subprocess.run([cofferdam, "get", "/sweep/s0", "out", "-q"], capture_output=True, text=True)
        subprocess.run([cofferdam, "put", "small", "/sweep/s1", "-q"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run([cofferdam, "get", "/sweep/s0", "out", "-q"], check=True, stdout=subprocess.DEVNULL)
        fine = damaged.returncode != 0 and "damaged" in damaged.stderr and Path("out").read_bytes() == b"small"
        print("damage is refused and mended" if fine else f"FAILED {damaged}")
        return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
