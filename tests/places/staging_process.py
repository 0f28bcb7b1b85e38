"""Loads data from an object store and prints its fingerprint: ``python staging_process.py SOURCE CACHE [die]``; with ``die`` it is killed while it stages."""

from __future__ import annotations

import os
import signal
import sys

from trainer.config import DataConfig
from trainer.data import load_data
from trainer.places.object_folder import ObjectFolder


def main(source: str, cache: str, *, die: bool) -> None:
    """Load, counting what is fetched."""
    fetched: list[str] = []
    download = ObjectFolder.download

    def counted(self: ObjectFolder, name: str, target: object) -> None:
        fetched.append(name)
        if die and len(fetched) == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        download(self, name, target)  # type: ignore[arg-type]

    ObjectFolder.download = counted  # type: ignore[method-assign]
    data = load_data(DataConfig(source=source, cache_path=cache))
    print(data.fingerprint, len(fetched))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], die=len(sys.argv) > 3)
