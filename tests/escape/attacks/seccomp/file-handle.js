// layer: seccomp
// attack: takes the handle of a file, to open it from another root
// success: the call reaches the kernel
// reference: open_by_handle_at(2), CVE-2014-9357 ("shocker")
// denied: name_to_handle_at
// control: succeeds
const handle = buffer(136);
handle[0] = 128;
const answer = sys.name_to_handle_at(-100, target.open, handle, buffer(8), 0);
export default escaped(`the kernel answered ${answer}`);
