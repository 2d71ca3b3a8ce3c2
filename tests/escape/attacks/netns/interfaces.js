// layer: netns
// attack: looks for a network interface that is up
// success: one is up
// reference: netdevice(7)
// denied: socket
// control: succeeds
const s = sys.socket(2, 2, 0), up = [];
for (let index = 1; index < 32; index++) {
    const request = buffer(40);
    new DataView(request.buffer).setInt32(16, index, true);
    if (sys.ioctl(s, 0x8910, request) < 0) continue; // SIOCGIFNAME
    if (sys.ioctl(s, 0x8913, request) >= 0 && request[16] & 1) up.push(text(request.subarray(0, 16)).replace(/\0.*/, '')); // SIOCGIFFLAGS
}
export default up.length ? escaped(up) : held('none is up');
