"""S3 through s3fs."""
