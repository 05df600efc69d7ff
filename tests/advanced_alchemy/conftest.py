"""The tests in `installed` need a process of their own, in which Holdfast has taken the library's place."""

import os

collect_ignore = [] if os.environ.get("HOLDFAST_INSTALLED") else ["installed"]
