"""Where Holdfast differs from advanced-alchemy as that library's own tests see it, and why.

The run fails if one of these passes, and if anything else does not.
"""

NAME = (
    "`filename` is the name a person gave and `path` is the key; both are kept, in the row too. "
    "The library forgets the name once there is a `to_filename`."
)
FRESH_KEY = (
    "Content without a `to_filename` gets a key of its own, so that two uploads with one name do not overwrite each "
    "other. The test reads it under its name."
)
CLIENT = (
    "JSON from a client describes a file and cannot choose a storage or a key; the library lets it refer to, and so "
    "read or delete, any object. What a client gets to see names neither."
)
LISTENERS = (
    "The library's listeners, which these tests call by their internal names, answer that they are switched off: "
    "with them each file would be deleted a second time, also one that another row has got meanwhile."
)
MOCK = "The test replaces an internal lookup by a mock. "

UNIT, INTEGRATION = "tests/unit/test_file_object.py::", "tests/integration/test_file_object.py::"

DIFFERENCES = {
    UNIT + "test_file_object_initialization": NAME,
    INTEGRATION + "test_obstore_single_file_async_no_listener": NAME,
    INTEGRATION + "test_obstore_multiple_files_async_no_listener": NAME,
    INTEGRATION + "test_obstore_backend_sqlalchemy_single_file_persist_sync": NAME,
    INTEGRATION + "test_obstore_backend_listener_sqlalchemy_single_file_persist_async": NAME,
    INTEGRATION + "test_obstore_backend_sqlalchemy_multiple_files_persist_sync": NAME,
    INTEGRATION + "test_obstore_backend_listener_delete_multiple_removed_sync": FRESH_KEY,
    INTEGRATION + "test_obstore_backend_listener_delete_multiple_removed_async": FRESH_KEY,
    UNIT + "test_pydantic_serialization": CLIENT,
    UNIT + "test_pydantic_validation_from_dict": CLIENT,
    UNIT + "test_pydantic_validation_error_missing_backend": CLIENT,
    UNIT + "test_base_file_object_listener_is_listener_enabled_default": LISTENERS,
    UNIT + "test_is_listener_enabled_extended": LISTENERS,
    UNIT + "test_before_flush_processes_new_dirty_deleted": LISTENERS,
    UNIT + "test_file_object_delete_no_backend": MOCK + "A file without a storage cannot be made to delete anything.",
    UNIT + "test_file_object_to_dict": MOCK + "A file's dict has the name that the row will hold; no lookup is needed.",
    UNIT + "test_file_object_repr": MOCK + "A file's repr works without any lookup: also in a log, after a failure.",
}
