#!/usr/bin/env bash
# `make demo`: a worker with a nats-server of its own, the example jobs through the queue, their results in a table,
# every signature checked, everything ended again. Exit 0 only when each job ended as expected, every signature held
# and nothing was left running. Needs nothing but the build and a shell.
set -euo pipefail
cd "$(dirname "$0")/.."

isolane=${ISOLANE_BUILD:-build}/isolane
isolane=${isolane#"$PWD"/}
wait_s=60 # for one result; against hangs only

# file, expected outcome, options of `isolane submit`
jobs='
hello.js     ok
timers.js    ok
orders.js    ok               --input @examples/inputs/orders.json
classic.cjs  ok
inspect.js   ok
sodium.js    ok
jwt.js       ok
handler.js   ok
compress.js  ok
patience.js  ok
primes.js    ok               --input 3000000
progress.js  ok
artifacts.js ok               --artifact sales.csv=examples/inputs/sales.csv
shapes.ts    ok
page.tsx     ok
escape.js    ok
mistyped.ts  threw            --check
throws.js    threw
loop.js      cpu_exceeded     --cpu-ms 200
regexp.js    cpu_exceeded     --cpu-ms 200
sleeper.js   wall_exceeded    --wall-ms 300
hog.js       heap_exceeded    --heap-mb 32 --cpu-ms 10000
buffers.js   memory_exceeded  --memory-mb 64
flood.js     output_exceeded  --output-kb 16
'

bold='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$'\033[1m' green=$'\033[32m' red=$'\033[31m' plain=$'\033[0m'
fi
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
good() { printf '  %sok%s   %s\n' "$green" "$plain" "$*"; }
bad() {
    printf '  %sFAIL%s %s\n' "$red" "$plain" "$*"
    failures=$((failures + 1))
}

envelope() { "$isolane" result "$1" --envelope --data "$data" || true; } # 1: the job is not ok

failures=0
pid=''
data=$(mktemp -d "${TMPDIR:-/tmp}/isolane-demo.XXXXXX")

alive() { # a zombie whose parent does not ask for it is no running process
    [ -r "/proc/$1/stat" ] && ! grep -q '^[0-9]* (.*) [ZX]' "/proc/$1/stat" 2>/dev/null
}
descendants() {
    local child children
    read -ra children -d '' < <(cat "/proc/$1/task"/*/children 2>/dev/null) || true
    for child in "${children[@]}"; do
        echo "$child"
        descendants "$child"
    done
}
tidy() {
    if [ -n "$pid" ] && alive "$pid"; then
        kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq 150); do alive "$pid" || break; sleep 0.1; done
    fi
    rm -rf "$data"
}
trap tidy EXIT
trap 'exit 130' INT TERM

[ -x "$isolane" ] || { echo "demo: $isolane is not there: run make first" >&2; exit 3; }

step "1. A worker with its own nats-server"
ready=$("$isolane" up --detach --data "$data")
echo "  $ready"
pid=$(sed -n 's/^isolane is up (pid \([0-9]*\),.*/\1/p' <<<"$ready")
[ -n "$pid" ] || { echo "demo: cannot read the worker's pid in: $ready" >&2; exit 3; }

step "2. Jobs into the queue"
ids=()
declare -A expected
while read -r file outcome options; do
    [ -n "$file" ] || continue
    # shellcheck disable=SC2086 # options are words
    id=$("$isolane" submit "examples/$file" --id "$file" --data "$data" $options)
    ids+=("$id")
    expected[$id]=$outcome
    printf '  %-12s %s\n' "$id" "${options:+($options)}"
done <<<"$jobs"

step "3. Results"
declare -A outcome_of
for id in "${ids[@]}"; do
    json=$("$isolane" result "$id" --wait=$wait_s --json --data "$data") || true # 1: the job is not ok
    outcome_of[$id]=$(grep -o '"outcome":"[a-z_]*"' <<<"$json" | head -n 1 | cut -d '"' -f 4 || true)
done
"$isolane" result "${ids[@]}" --data "$data" || true

step "4. As expected?"
wrong=0
for id in "${ids[@]}"; do
    if [ "${outcome_of[$id]:-none}" != "${expected[$id]}" ]; then
        bad "$id: expected ${expected[$id]}, found ${outcome_of[$id]:-no result}"
        wrong=$((wrong + 1))
    fi
done
[ "$wrong" -gt 0 ] || good "${#ids[@]} jobs, each with the outcome it should have"
echo
echo "  One of them in full, as \`isolane result throws.js\` shows it:"
{ "$isolane" result throws.js --data "$data" || true; } | sed 's/^/  | /'

step "5. Signatures"
held=0
for id in "${ids[@]}"; do
    if why=$(envelope "$id" | "$isolane" verify - --data "$data" 2>&1); then
        held=$((held + 1))
    else
        bad "$id: $why"
    fi
done
[ "$held" -lt "${#ids[@]}" ] || good "$held envelopes, each signed by this worker's key"
if chain=$("$isolane" verify --db "$data/results.db" --data "$data" 2>&1); then
    good "the database's chain: $(head -n 1 <<<"$chain")"
else
    bad "the database: $chain"
fi
other=$(envelope throws.js | grep -o '"sig":"[^"]*"')
if why=$(envelope hello.js | sed "s|\"sig\":\"[^\"]*\"|$other|" | "$isolane" verify - --data "$data" 2>&1); then
    bad "a result with another's signature was taken for a good one"
else
    good "a result with another's signature is refused"
fi

step "6. The end"
mapfile -t family < <(descendants "$pid")
kill -TERM "$pid"
for _ in $(seq 150); do alive "$pid" || break; sleep 0.1; done
left=()
for p in "$pid" "${family[@]}"; do
    if alive "$p"; then left+=("$p"); fi
done
if [ "${#left[@]}" -eq 0 ]; then
    good "worker, nats-server, zygote and cells are gone (${#family[@]} processes under pid $pid)"
else
    bad "still running: ${left[*]}"
fi
if [ -s "$data/isolane.log" ]; then
    bad "the worker complained:"
    sed 's/^/       /' "$data/isolane.log"
fi
pid=''

echo
if [ "$failures" -gt 0 ]; then
    echo "${red}demo: $failures of its checks failed${plain}"
    exit 1
fi
echo "${green}demo: all is well.${plain} Next: $isolane run examples/hello.js, or $isolane help"
