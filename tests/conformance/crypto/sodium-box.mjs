// Behaviour: a sealed box opens for its key alone
// Spec: docs/scripts.md, sodium
// Covers: sodium
// Expect: value ["hi",true]
const a = sodium.cryptoBoxKeypair(), b = sodium.cryptoBoxKeypair(); const box = sodium.cryptoBoxSeal(new TextEncoder().encode('hi'), a.publicKey);
let other; try { sodium.cryptoBoxSealOpen(box, b.publicKey, b.secretKey); } catch (e) { other = /wrong/.test(e.message); }
export default [new TextDecoder().decode(sodium.cryptoBoxSealOpen(box, a.publicKey, a.secretKey)), other];
