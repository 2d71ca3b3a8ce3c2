// layer: seccomp
// attack: mounts the host's cgroups, to write a release_agent
// success: the call reaches the kernel
// reference: CVE-2022-0492
// denied: mount
// control: succeeds
const answer = sys.mount("none", target.mountpoint, "cgroup", 0, "memory");
export default escaped(`the kernel answered ${answer}`);
