"""Whether a file lies on a network file system, where SQLite's locks cannot be trusted (sqlite.org/faq.html#q5)."""

from __future__ import annotations

from pathlib import Path

from sweeps.record.errors import StorageUrlError

NETWORK_TYPES = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "9p",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.gcsfuse",
    }
)


def filesystem_type(path: Path, mounts: str) -> str:
    """Type of the file system that holds `path`.

    Args:
        path: absolute path, which need not exist.
        mounts: text in the form of ``/proc/mounts``: device, mount point, type, options.
    """
    found, length = "", -1
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:  # noqa: PLR2004 - device, mount point, type
            continue
        point = Path(fields[1].replace("\\040", " "))
        if (path == point or point in path.parents) and len(point.parts) >= length:
            found, length = fields[2], len(point.parts)
    return found


def refuse_network_file(file: Path, mounts_file: Path = Path("/proc/mounts")) -> None:
    """Refuse a SQLite file on a network file system.

    Raises:
        StorageUrlError: with the PostgreSQL line to use instead.
    """
    if not mounts_file.exists():
        return
    kind = filesystem_type(file.resolve(), mounts_file.read_text(encoding="utf-8", errors="replace"))
    if kind in NETWORK_TYPES:
        raise StorageUrlError(
            f"storage: {file} lies on a network file system ({kind}), where SQLite files get damaged; expected a local disk. "
            "Use a local file, or a server: storage: postgresql+psycopg://USER:${PGPASSWORD}@HOST/DATABASE"
        )
