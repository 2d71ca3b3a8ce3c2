// layer: cgroupns
// attack: reads where in the host's tree of cgroups it is
// success: a path other than the root
// reference: cgroup_namespaces(7)
// denied: open
// control: succeeds
// needs: cgroup_path
const paths = slurp(sys.open('/proc/self/cgroup', 0)).trim().split('\n').map((line) => line.split(':')[2]);
export default paths.some((p) => p !== '/') ? escaped(paths.find((p) => p !== '/')) : held(`${paths.length} roots`);
