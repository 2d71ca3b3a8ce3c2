// Behaviour: sodium hashes as libsodium does
// Spec: RFC 7693 (BLAKE2b)
// Covers: sodium
// Expect: value ["0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8",false]
const h = sodium.cryptoGenerichash(32, new Uint8Array(0));
export default [sodium.bin2hex(h), sodium.memcmp(h, sodium.randombytesBuf(32))];
