// layer: one_descriptor
// attack: tries all descriptors up to the limit
// success: one beside its own socket is open
// control: succeeds
const open = [];
for (let fd = 1; fd < 1100; fd++) {
    const polled = new Uint8Array([fd & 255, fd >> 8, 0, 0, 0, 0, 0, 0]);
    sys.poll(polled, 1, 0);
    if (!(polled[6] & 0x20)) open.push(fd);
}
export default open.length ? escaped(`open: ${open}`) : held('none is open');
