"""Taking over the files of a column that another library, or code of one's own, has filled.

The objects stay where they are: rows get a `holdfast.FileObject` that refers to them. A *mapping* says what an old
value stands for; those of other libraries are here, and any function from old values to a file is one, too.
"""

from holdfast.maintenance.adopting.forms import (
    from_path,
    from_sqlalchemy_file,
    from_url,
    thumbnail_from_sqlalchemy_file,
)

__all__ = ["from_path", "from_sqlalchemy_file", "from_url", "thumbnail_from_sqlalchemy_file"]
