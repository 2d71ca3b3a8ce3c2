// The kinds of key pairs of crypto.subtle: each file registers its algorithms (../crypto/normalize.js).
import './ec.js';
import './okp.js';
import './rsa.js';
import { subtle } from '../crypto/index.js';

export function rehearse() {
  const bytes = new Uint8Array(3);
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  const use = { name: 'ECDSA', hash: 'SHA-256' };
  subtle.generateKey(curve, true, ['sign', 'verify']).then(({ publicKey, privateKey }) => {
    subtle.sign(use, privateKey, bytes).then((signature) => subtle.verify(use, publicKey, signature, bytes));
    subtle.exportKey('jwk', publicKey).then((jwk) => subtle.importKey('jwk', jwk, curve, true, ['verify']));
  });
}
