#!/bin/sh
# Prints the value of the header Isolane-Signature for a job, by openssl 3 alone:
#   sign.sh KEY.pem TENANT JOB.json
#   nats pub -H "Isolane-Signature:$(sign.sh ci.key ci job.json)" isolane.jobs.ci.normal < job.json
set -eu
key=$1 job=$3
type="application/vnd.isolane.job.v1+json;tenant=$2"
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
{
    printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(wc -c < "$job")"
    cat "$job"
} > "$dir/pae"
openssl pkeyutl -sign -rawin -inkey "$key" -in "$dir/pae" -out "$dir/signature"
keyid=$(openssl pkey -in "$key" -pubout -outform DER | sha256sum | cut -c1-64)
printf '%s %s\n' "$keyid" "$(base64 -w0 "$dir/signature")"
