// layer: one_descriptor
// attack: looks for the zygote's control socket, to forge what it says
// success: descriptor 3 is open
// control: succeeds
const polled = new Uint8Array([3, 0, 0, 0, 1, 0, 0, 0]);
sys.poll(polled, 1, 0);
export default polled[6] & 0x20 ? held('POLLNVAL') : escaped(`revents ${polled[6]}`);
