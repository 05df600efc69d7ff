"""Two caches over one storage, used in any order, never show anything but what the storage holds."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from holdfast.backends.base import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import CachedBackend
from holdfast.errors import NotFoundError

KEYS = st.sampled_from(["a", "b", "a/b"])
DATA = st.binary(max_size=6).map(lambda data: data * 50)  # often of the same size
WHO = st.integers(0, 2)
LIMIT = 700


class TwoCaches(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.temporary = TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        inner: StorageBackend = ObstoreBackend("inner", "memory://")
        caches = [CachedBackend("cdn", inner, folder=self.folder, max_bytes=LIMIT, max_object_bytes=400) for _ in "xx"]
        for cache in caches:
            cache._driver._clock = lambda: time.time() + 3600  # nothing is too young
        self.storages = [inner, *caches]
        self.held: dict[str, bytes] = {}

    def teardown(self):
        self.temporary.cleanup()

    @rule(who=WHO, key=KEYS, data=DATA)
    def put(self, who, key, data):
        """Anybody writes."""
        self.storages[who].put(key, data)
        self.held[key] = data

    @rule(who=WHO, key=KEYS)
    def delete(self, who, key):
        """Anybody deletes."""
        self.storages[who].delete(key)
        self.held.pop(key, None)

    @rule(who=WHO, source=KEYS, new=KEYS)
    def copy(self, who, source, new):
        """Anybody copies."""
        if source in self.held and new not in self.held:
            self.storages[who].copy(source, new)
            self.held[new] = self.held[source]

    @rule(who=WHO, key=KEYS, start=st.integers(0, 310), end=st.none() | st.integers(0, 310))
    def read(self, who, key, start, end):
        """Anybody reads all or a part, in one piece or streamed."""
        storage = self.storages[who]
        try:
            found = storage.read(key, start=start, end=end)
            streamed = b"".join(storage.stream(key, start=start, end=end, chunk_size=64))
        except NotFoundError:
            assert key not in self.held
        else:
            assert found == streamed == self.held[key][start:end]

    @rule(key=KEYS)
    def stop_in_the_middle(self, key):
        """A reader goes away."""
        stream = self.storages[1].stream(key, chunk_size=10)
        if key in self.held:
            next(stream, None)
        stream.close()

    @invariant()
    def within_the_limit(self):
        """All files together take no more than they may."""
        files = [path for path in self.folder.glob("*/*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) <= LIMIT


TestTwoCaches = TwoCaches.TestCase
TestTwoCaches.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
