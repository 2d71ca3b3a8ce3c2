// layer: seccomp
// attack: forks
// success: the call reaches the kernel
// denied: fork
// control: succeeds
const answer = fork_sleeper();
sys.kill(answer, 9);
export default escaped(`the kernel answered ${answer}`);
