// The kinds of secret keys of crypto.subtle: each file registers its algorithms (../crypto/normalize.js).
import './aes.js';
import './hmac.js';
import './kdf.js';
import { subtle } from '../crypto/index.js';

export function rehearse() {
  const bytes = new Uint8Array(16);
  const use = { name: 'AES-GCM', iv: bytes };
  subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']).then((key) => subtle.encrypt(use, key, bytes));
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  subtle.importKey('raw', bytes, hmac, false, ['sign', 'verify']).then((key) => {
    subtle.sign('HMAC', key, bytes);
    subtle.verify('HMAC', key, bytes, bytes);
  });
}
