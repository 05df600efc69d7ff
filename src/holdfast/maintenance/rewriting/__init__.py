"""Going through rows in key order and changing what they say of their files, while the application runs."""
