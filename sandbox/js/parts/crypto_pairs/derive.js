// What ECDH, X25519 and X448 have in common.
import { arrayBufferByteLength, ceil } from '../../primordials.js';
import {
  access,
  done,
  natives,
  needs,
  operation,
  slots,
  toKey,
} from '../crypto/index.js';

export const toPeer = (value, what) => slots(toKey(value, what));

// fit: whether two keys are of the same curve; agree: the shared secret or null.
export const derive = (fit, agree) => (algorithm, key, bits) => {
  const { name, public: peer } = algorithm;
  needs(key, 'private');
  if (peer.type !== 'public') access(`${name}: public must be a public key`);
  if (peer.algorithm.name !== name) access(`${name}: public is a key of ${peer.algorithm.name}`);
  if (!fit(key, peer)) access(`${name}: the two keys are on different curves`);
  const secret = done(agree(key, peer), `${name}: the keys give no secret`);
  return bits === null ? secret : firstBits(secret, bits, name);
};

function firstBits(secret, bits, name) {
  const all = arrayBufferByteLength(secret) * 8;
  if (bits > all) operation(`${name}: ${bits} bits were asked for, there are ${all}`);
  if (bits === all) return secret;
  const bytes = ceil(bits / 8);
  const out = natives.copy(new Uint8Array(secret, 0, bytes));
  if (bits % 8 !== 0) new Uint8Array(out)[bytes - 1] &= 0xff << (8 - (bits % 8));
  return out;
}
