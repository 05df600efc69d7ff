"""Players that store in S3, besides those of rows, which do both."""
