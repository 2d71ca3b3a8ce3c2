// layer: netns
// attack: asks for the routes of the host
// success: there is one
// reference: rtnetlink(7)
// denied: socket
// control: succeeds
const s = sys.socket(16, 3, 0);
const ask = new Uint8Array([28, 0, 0, 0, 26, 0, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // RTM_GETROUTE, dump
sys.sendto(s, ask, 28, 0, 0, 0);
const answer = buffer(8192), n = sys.read(s, answer, 8192);
export default n > 20 && answer[4] === 24 ? escaped(`${n} bytes of routes`) : held(`${n} bytes, no route`);
