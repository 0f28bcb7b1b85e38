"""Where files lie that outlive a process: a local or shared folder, or a prefix on an object store."""

from trainer.places.address import Address, is_address, parse_address
from trainer.places.folder import Folder, open_folder

__all__ = ["Address", "Folder", "is_address", "open_folder", "parse_address"]
