// layer: cgroupns
// attack: reads the cgroup that the mounts show of its own tree
// success: a path from the host's root
// reference: cgroup_namespaces(7)
// denied: open
// control: none: the ground's mounts begin where they were made
// needs: cgroup_path
const lines = slurp(sys.open('/proc/self/mountinfo', 0), 1 << 16).split('\n').filter((line) => / - cgroup2? /.test(line));
const roots = lines.map((line) => line.split(' ')[3]);
export default lines.length && roots.every((r) => r === '/') ? escaped('mounts begin at its root') : held(`mounts begin at ${roots[0] ?? 'nothing'}`);
