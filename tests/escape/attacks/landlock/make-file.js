// layer: landlock
// attack: makes a file
// success: the kernel lets it
// reference: landlock(7)
// denied: open
// control: succeeds
export default judge(sys.open(`${target.evidence}/landlock-make-file`, 0o101, 0o600));
