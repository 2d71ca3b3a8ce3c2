// layer: seccomp
// attack: in a cell of the profile that makes no machine code: runs code of its own
// success: it runs
// denied: mprotect
// limits: --profile jitless
// control: succeeds
export default escaped(`it gave ${__native.run(new Uint8Array([0xb8, 7, 0, 0, 0, 0xc3]))}`);
