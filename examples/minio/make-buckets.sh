#!/bin/sh
# Makes the two buckets and says who may read them. May run again at any time.
set -eu

mc alias set object-storage "$MINIO_SERVER_URL" "$MINIO_ACCESS_KEY" "$MINIO_SECRET_KEY"

mc mb --ignore-existing object-storage/public
mc anonymous set download object-storage/public

mc mb --ignore-existing object-storage/private
mc anonymous set none object-storage/private
