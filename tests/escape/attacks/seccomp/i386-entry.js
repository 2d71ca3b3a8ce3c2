// layer: seccomp
// attack: enters the kernel as a 32-bit program does (int 0x80), where the numbers are others: 39 is mkdir there and getpid here
// success: the call is made, or the script goes on
// reference: seccomp(2): check the architecture
// ends: denied crashed
// control: succeeds
// mov eax, nr; int 0x80; cdqe; ret
const code = (nr) => new Uint8Array([0xb8, nr & 255, (nr >> 8) & 255, (nr >> 16) & 255, (nr >> 24) & 255, 0xcd, 0x80, 0x48, 0x98, 0xc3]);
export default escaped(`the kernel answered ${__native.run(code(20))}`);
