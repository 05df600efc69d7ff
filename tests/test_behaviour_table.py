"""The promises of the documents, line by line, and the tests that hold Holdfast to each: a gap shows here."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

# What the core promises so far. A line is done when it has a test; the others come with their own features.
LINES = {*range(1, 9), *range(13, 18), *range(21, 33), 34, *range(35, 57)}

TABLE = {
    1: [
        "files/test_registry.py::test_b1_registering_again_switches_every_file",
        "orm/test_session.py::test_b4_late_registration",
    ],
    2: ["files/test_registry.py::test_b2_get_and_all"],
    3: ["files/test_registry.py::test_b3_the_documented_fixtures"],
    4: [
        "files/test_registry.py::test_b4_registration_after_use_was_declared",
        "orm/test_session.py::test_b4_late_registration",
    ],
    5: ["files/test_registry.py::test_b5_several_backends"],
    6: ["files/test_fsspec.py::test_b6_b7_local_disk", "files/test_fsspec.py::test_b6_never_half_a_file"],
    7: ["files/test_fsspec.py::test_b6_b7_local_disk"],
    8: ["files/test_fsspec.py::test_b8_the_documented_memory_fixture"],
    13: [
        "drivers/test_sftp.py::test_b13_password",
        "drivers/test_sftp.py::test_b13_client_keys",
        "drivers/test_sftp.py::test_b13_paramikos_own_class",
        "drivers/test_sftp.py::test_b13_the_options_tell_the_library",
        "drivers/test_sftp.py::test_b13_without_sshfs",
    ],
    14: [
        "drivers/test_http.py::test_b14_public_files",
        "drivers/test_http.py::test_b14_with_a_token",
        "drivers/test_http.py::test_b14_by_name",
    ],
    15: [
        "drivers/test_ftp.py::test_b15_ftp",
        "drivers/test_webdav.py::test_b15_webdav",
        "drivers/test_archives.py::test_b15_zip_and_tar",
        "drivers/test_archives.py::test_b15_an_archive_on_another_file_system",
        "drivers/test_elsewhere.py::test_b15_github",
        "drivers/test_elsewhere.py::test_b15_dropbox",
        "drivers/test_elsewhere.py::test_b15_b18_a_missing_package",
    ],
    16: ["drivers/test_caching.py::test_b16_never_stale", "drivers/test_caching.py::test_b16_dir"],
    17: [
        "drivers/signing/test_servers.py::test_b17_urls_read_and_write_any_name",
        "drivers/signing/test_servers.py::test_b17_a_url_sets_headers_of_the_answer",
        "drivers/signing/test_servers.py::test_b17_a_url_that_was_changed",
        "drivers/signing/test_servers.py::test_b17_a_url_that_has_expired",
        "drivers/signing/test_servers.py::test_b17_the_type_of_an_upload_is_bound",
        "drivers/signing/test_servers.py::test_b17_the_type_of_an_upload_cannot_be_bound_on_azure",
        "drivers/signing/test_servers.py::test_b17_the_bucket_in_the_host",
        "drivers/signing/test_fsspec.py::test_b17_gcsfs_with_a_service_account",
        "files/test_sign.py::test_b17_headers_of_a_file",
        "files/test_sign.py::test_b17_a_service_that_signs_no_headers",
        "files/test_sign.py::test_b17_what_cannot_be_meant",
    ],
    21: ["files/test_registry.py::test_b21_local_disk_creates_its_folder"],
    22: ["files/test_registry.py::test_b22_memory"],
    23: ["files/test_registry.py::test_b23_s3_with_and_without_slash"],
    24: ["files/test_registry.py::test_b24_b25_minio"],
    25: ["files/test_registry.py::test_b24_b25_minio"],
    26: ["files/test_registry.py::test_b26_options_that_are_none"],
    27: [
        "backends/test_obstore_s3.py::test_b27_a_credential_provider",
        "backends/test_obstore_s3.py::test_b27_no_credentials",
        "backends/test_obstore_s3.py::test_b27_r2_and_spaces",
        "backends/test_obstore_s3.py::test_b27_their_regions_are_signed",
    ],
    28: [
        "backends/test_obstore_gcs.py::test_b28_a_service_account_file",
        "backends/test_obstore_gcs.py::test_b28_a_service_account_as_json",
        "backends/test_obstore_gcs.py::test_b28_default_credentials",
    ],
    29: [
        "backends/test_obstore_azure.py::test_b29_the_connection_string_of_the_documents",
        "backends/test_obstore_azure.py::test_b29_what_a_connection_string_says",
        "backends/test_obstore_azure.py::test_b29_the_development_storage",
    ],
    30: [
        "backends/test_obstore_azure.py::test_b30_account_name_and_key",
        "backends/test_obstore_azure.py::test_b30_a_sas_token",
        "drivers/signing/test_credentials.py::test_b30_account_name_and_key",
        "drivers/signing/test_credentials.py::test_b30_a_sas_token_cannot_sign",
        "drivers/signing/test_fsspec.py::test_b30_adlfs_cannot_sign_with_a_sas_token",
    ],
    31: [
        "files/test_registry.py::test_b31_wrong_configuration",
        "backends/test_obstore_azure.py::test_b31_what_azure_is_refused",
        "backends/test_obstore_gcs.py::test_b31_what_gcs_is_refused",
    ],
    32: ["files/test_identity.py::test_b32_a_content_type_is_kept"],
    34: [
        "backends/test_obstore_s3.py::test_b34_metadata_that_s3_would_choke_on",
        "backends/test_obstore_azure.py::test_b34_metadata_that_azure_would_choke_on",
    ],
    35: ["files/test_save.py::test_b35_b11_every_kind_of_content", "files/test_read.py::test_exists_and_delete"],
    36: ["files/test_save.py::test_b36_b37_multipart"],
    37: ["files/test_save.py::test_b36_b37_multipart", "files/test_save.py::test_b37_a_hundred_at_once"],
    38: [
        "files/test_read.py::test_b38_sign_names_the_object",
        "files/test_read.py::test_b38_refresh_after_a_direct_upload",
        "orm/test_claims.py::test_b38_the_claim_of_a_direct_upload",
        "orm/test_claims.py::test_b38_a_direct_upload_that_never_came",
    ],
    39: ["files/test_save.py::test_b39_empty_content"],
    40: ["files/test_save.py::test_b40_what_has_no_bytes_is_refused"],
    41: ["files/test_read.py::test_b41_deleting_what_never_was"],
    42: [
        "files/test_save.py::test_b42_filename_is_a_label",
        "files/test_save.py::test_b42_to_filename_that_climbs",
        "files/test_save.py::test_b42_filename_that_climbs_as_a_key",
        "files/test_fsspec.py::test_b42_nothing_climbs_out_of_the_prefix",
    ],
    43: ["files/test_save.py::test_b43_two_files_named_alike"],
    44: ["files/test_save.py::test_b50_b44_fields_after_save", "files/test_read.py::test_b44_verify"],
    45: [
        "files/test_identity.py::test_b45_an_unregistered_backend",
        "files/test_identity.py::test_b45_the_hash_survives_the_save",
    ],
    46: [
        "files/test_pydantic.py::test_b46_the_round_trip",
        "files/test_pydantic.py::test_b46_s7_a_client_cannot_choose",
    ],
    47: [
        "orm/test_lists.py::test_b47_edits_in_place",
        "orm/test_lists.py::test_b47_edits_after_a_flush_and_after_a_commit",
    ],
    48: ["orm/test_session.py::test_b48_b49_b50_stored_with_the_commit"],
    49: [
        "orm/test_session.py::test_b49_the_bytes_are_there_before_the_row",
        "orm/test_session.py::test_async_sessionmaker_as_documented",
    ],
    50: [
        "orm/test_session.py::test_b48_b49_b50_stored_with_the_commit",
        "files/test_save.py::test_b50_b44_fields_after_save",
    ],
    51: ["orm/test_transactions.py::test_b51_b53_what_a_transaction_leaves", "orm/test_cascades.py::test_cascades"],
    52: ["orm/test_transactions.py::test_b52_a_failing_upload"],
    53: [
        "orm/test_transactions.py::test_b51_b53_what_a_transaction_leaves",
        "orm/test_lists.py::test_b47_edits_in_place",
    ],
    54: ["orm/test_column.py::test_b54_a_file_of_another_storage"],
    55: ["orm/test_column.py::test_b55_unset_is_sql_null"],
    56: ["orm/test_alembic.py::test_b56_a_migration", "orm/test_alembic.py::test_b56_no_drift_on_tables_of_create_all"],
}

# Beyond the table: what the design decides where two people could differ.
DECISIONS = {
    "an existing object is looked up at the flush": "orm/test_claims.py::test_b38_the_claim_of_a_direct_upload",
    "delete on a row waits for the commit": "orm/test_attached.py::test_delete_waits_for_the_commit",
    "save on a row makes a new key": "orm/test_attached.py::test_save_makes_a_new_key",
    "refresh marks the row": "orm/test_attached.py::test_refresh_marks_the_row",
    "metadata edits mark the row": "orm/test_attached.py::test_changed_metadata_is_persisted",
    "detached values act at once": "orm/test_detached.py::test_detached_values_act_at_once",
    "a file saved by hand is the caller's": "orm/test_session.py::test_a_file_of_its_own",
    "a stored value is copied": "orm/test_ownership.py::test_a_value_given_to_another_row_is_copied",
    "a move keeps the key": "orm/test_ownership.py::test_a_move",
    "a swap keeps the keys": "orm/test_ownership.py::test_a_swap",
    "a key scheme sees what is set": "orm/test_key_schemes.py::test_what_is_not_set_yet",
    "copy and pickle": "files/test_copy_pickle.py::test_a_pending_file_that_cannot_travel",
    "an async iterator in a sync call": "files/test_save.py::test_b11_async_iterator",
    "a taken to_filename is refused": "orm/test_session.py::test_to_filename_is_never_overwritten",
    "malformed rows load": "orm/test_malformed.py::test_s6_it_loads_and_raises_on_use",
    "rows of advanced-alchemy": "orm/test_advanced_alchemy.py::test_rows_written_there_load_here",
}


def exists(test: str) -> bool:
    """Return whether a file has a test function of that name."""
    path, _, name = test.partition("::")
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_line_has_a_test() -> None:
    """No promise of the core is missing from the table, and none was invented."""
    assert set(TABLE) == LINES
    assert all(TABLE.values())


@pytest.mark.parametrize("line", TABLE)
def test_the_tests_of_a_line_exist(line: int) -> None:
    """A renamed or removed test opens a gap, which shows."""
    assert [test for test in TABLE[line] if not exists(test)] == []


def test_the_tests_of_the_decisions_exist() -> None:
    """As above."""
    assert [test for test in DECISIONS.values() if not exists(test)] == []
