"""advanced-alchemy: its file type becomes Holdfast's, by one line in an application that stays as it is.

Call `install` before models are defined. From then on ``advanced_alchemy.types.FileObject``, ``StoredObject``,
``storages`` and the rest are Holdfast's, wherever that library or the application has bound these names, and the
library's own listeners for files step aside.

Example:
    ::

        from holdfast.contrib import advanced_alchemy

        advanced_alchemy.install()

        from advanced_alchemy.types import FileObject, StoredObject
"""

from holdfast.contrib.advanced_alchemy.installing import install, uninstall

__all__ = ["install", "uninstall"]
