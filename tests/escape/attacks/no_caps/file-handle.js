// layer: no_caps
// attack: opens a file by its handle, past all paths
// success: the kernel lets it
// reference: CVE-2014-9357 ("shocker")
// root: yes
// denied: name_to_handle_at
// control: succeeds
export default judge((() => { const h = buffer(136), m = buffer(8); h[0] = 128; sys.name_to_handle_at(-100, target.open, h, m, 0); return sys.open_by_handle_at(sys.open(target.folder, 0), h, 0); })());
