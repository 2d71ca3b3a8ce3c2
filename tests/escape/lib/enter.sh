#!/bin/sh
# The ground that attacks run on: network, processes, mounts, ipc and names of its own, everything
# but a tmpfs read-only, and without the capabilities that reach beyond namespaces. So a layer that
# is left out, or broken, costs nobody anything.
#
#   unshare … enter.sh FOLDER COMMAND…     FOLDER becomes a tmpfs; the rest is run inside
set -eu
ground=$1
shift
mount --make-rprivate /
while read -r _ _ _ _ at options _; do
    case $at in
    /proc | /proc/*) ;; # of this pid namespace; uid maps are written there
    *) mount -o "remount,bind,$(printf %s "$options" | sed 's/^rw/ro/;s/,relatime//;s/,noatime//')" "$(printf '%b' "$at")" 2>/dev/null || [ "$at" != / ] ;;
    esac
done </proc/self/mountinfo
mount -t tmpfs -o mode=0755,size=512m escape "$ground"
ip link set lo up
hostname escape-ground
exec setpriv --bounding-set -sys_module,-sys_time,-sys_boot,-sys_rawio,-syslog,-wake_alarm,-audit_control,-mac_admin,-mac_override "$@"
