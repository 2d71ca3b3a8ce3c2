#!/usr/bin/env bash
# Installs what the machine lacks: Debian packages of tools/packages.txt, then npm packages exactly as
# pinned in package-lock.json. Does nothing (and needs no root) when everything is there.
#   tools/deps.sh [PACKAGE…]   further Debian packages, for what is not built or tested by everyone
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'deps: %s\n' "$*"; }
die() { printf 'deps: %s\n' "$*" >&2; exit 3; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "need root to run: $*  (run as root, or install sudo)"
    fi
}

missing=()
need() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed' || missing+=("$1"); }
while read -r name; do
    case $name in ''|'#'*) continue ;; esac
    need "$name"
done < tools/packages.txt
for name in "$@"; do need "$name"; done

# npm only runs the installer of packages; any npm will do. Debian's comes with Debian's nodejs, which
# is taken only where there is no Node at all: another one is never replaced.
if ! command -v npm >/dev/null; then
    command -v node >/dev/null && die "there is a node but no npm on this machine: install the npm that belongs to it, then run again"
    missing+=(npm)
fi

if [ "${#missing[@]}" -gt 0 ]; then
    say "installing ${missing[*]}"
    # Debian starts services on install; ours is started by us, on loopback, when needed: RUNLEVEL=1 keeps
    # invoke-rc.d from starting nats-server now.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || say "apt-get update failed; trying with the lists that are there"
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say "installing npm packages (pinned in package-lock.json)"
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch node_modules/.package-lock.json
fi
