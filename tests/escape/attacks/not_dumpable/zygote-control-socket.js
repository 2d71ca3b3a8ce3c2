// layer: not_dumpable
// attack: takes the control socket out of the zygote, to speak in its name
// success: the kernel lets it
// reference: pidfd_getfd(2)
// with: no_caps
// denied: getppid
// control: succeeds
export default judge(sys.pidfd_getfd(sys.pidfd_open(sys.getppid(), 0), 3, 0));
