#!/bin/sh
# Makes a region's bucket and its two users. Run at every start: what is there already stays as it is.
#   writer: what the registry and the replicator do with the bucket, and nothing with any other
#   reader: only GET of data/*, for the URLs that clients are redirected to; clients see its id
set -eu
root=$(cat /run/secrets/s3-root)
bucket=meridian-$REGION
# In the environment, not in the arguments: those are shown by `ps`.
MC_HOST_store=http://meridian-root:$root@$REGION-minio:9000
export MC_HOST_store

add_user() { # NAME SECRET_FILE; the policy comes on standard input
  # Name and secret are asked for one after the other.
  printf '%s\n%s\n' "$1" "$(cat "$2")" | mc --quiet admin user add store >/dev/null
  cat >"/tmp/$1.json"
  mc --quiet admin policy create store "$1" "/tmp/$1.json" >/dev/null
  mc --quiet admin policy attach store "$1" --user "$1" >/tmp/attached 2>&1 ||
    grep -q 'already in effect' /tmp/attached || { cat /tmp/attached >&2; exit 1; }
}

mc --quiet mb --ignore-existing "store/$bucket" >/dev/null
printf '{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Resource": "arn:aws:s3:::%s",
      "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"] },
    { "Effect": "Allow", "Resource": "arn:aws:s3:::%s/*",
      "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"] }
  ]
}' "$bucket" "$bucket" | add_user "$bucket-writer" /run/secrets/s3-writer
printf '{
  "Version": "2012-10-17",
  "Statement": [{ "Effect": "Allow", "Resource": "arn:aws:s3:::%s/data/*", "Action": ["s3:GetObject"] }]
}' "$bucket" | add_user "$bucket-reader" /run/secrets/s3-reader
echo "$bucket is ready"
