// libsodium from a script, under its own names in camelCase: a hash, a sealed box, a signature, keys
// derived from a master key. Everything is over Uint8Array; nothing random is shared with another job.
//
//   isolane run examples/sodium.js

const bytes = (text) => new TextEncoder().encode(text);
const text = (raw) => new TextDecoder().decode(raw);

// BLAKE2b of a text, the same wherever it is computed.
const digest = sodium.bin2hex(sodium.cryptoGenerichash(32, bytes('to be or not to be')));
console.log('BLAKE2b-256   ', digest);

// A sealed box: anybody can write to Ada, only she can read, and the writer stays unknown.
const ada = sodium.cryptoBoxKeypair();
const sealed = sodium.cryptoBoxSeal(bytes('meet me at the analytical engine'), ada.publicKey);
const opened = text(sodium.cryptoBoxSealOpen(sealed, ada.publicKey, ada.secretKey));
console.log('sealed box    ', `${sealed.length} bytes → ${opened}`);

// A signature, and what becomes of it when one bit of the message changes.
const signer = sodium.cryptoSignKeypair();
const message = bytes('one hundred crowns');
const signature = sodium.cryptoSignDetached(message, signer.secretKey);
const holds = sodium.cryptoSignVerifyDetached(signature, message, signer.publicKey);
message[0] ^= 1;
const forged = sodium.cryptoSignVerifyDetached(signature, message, signer.publicKey);
console.log('signature     ', { holds, forged });

// Two keys from one, and authenticated encryption with the first.
const master = sodium.cryptoKdfKeygen();
const [first, second] = [1, 2].map((id) => sodium.cryptoKdfDeriveFromKey(32, id, bytes('examples'), master));
const nonce = sodium.randombytesBuf(24);
const box = sodium.cryptoAeadXchacha20poly1305IetfEncrypt(bytes('attack at dawn'), bytes('to: general'), nonce, first);
let second_key_opens = true;
try {
    sodium.cryptoAeadXchacha20poly1305IetfDecrypt(box, bytes('to: general'), nonce, second);
} catch {
    second_key_opens = false;
}
console.log('derived keys  ', { differ: !sodium.memcmp(first, second), second_key_opens });

export default { digest, opened, holds, forged, second_key_opens };
