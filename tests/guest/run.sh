#!/bin/bash
# Runs tests in a kernel of their own (User Mode Linux, an ordinary process), for what the machine's kernel may
# not give: a cgroup v2 that holds memory, pids and cpu, all ours; no Landlock. Speaks TAP, skips without
# `linux.uml` (Debian: user-mode-linux). The guest sees this machine's files read-only.
#   tests/guest/run.sh          called by `make guest`
#   ISOLANE_UML=PATH            another kernel
set -euo pipefail
cd "$(dirname "$0")/../.."

uml=${ISOLANE_UML:-$(command -v linux.uml || true)}
if [[ ! -x $uml ]]; then
    echo "1..0 # SKIP no User Mode Linux here (Debian: apt install user-mode-linux, or set ISOLANE_UML)"
    exit 0
fi
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# The guest has no way to be told but its command line, and none to answer but its console.
timeout 300 "$uml" mem=1G rootfstype=hostfs rootflags=/ ro quiet init="$PWD/tests/guest/init.sh" \
    ISOLANE_BUILD="${ISOLANE_BUILD:-$PWD/build}" con=null con0=fd:0,fd:1 < /dev/null > "$out" 2> /dev/null || true
if ! grep -q '^guest: up' "$out"; then
    echo "1..0 # SKIP User Mode Linux does not start here: $(tail -n 1 "$out" | tr -d '\r')"
    exit 0
fi
tr -d '\r' < "$out" | sed -n '/^guest: up/,/^guest: end/p' | sed 's/^guest:/# guest:/'
grep -q '^guest: end 0' "$out" && echo "ok 1 - the tests in the guest" || echo "not ok 1 - the tests in the guest"
echo "1..1"
