// Hashes by name. `id` is the number that native code knows them by (sandbox/engine/crypto/crypto_hash.h); `block` in
// bits is the length of an HMAC key that no length was asked for; `jwk` what JSON Web Keys call it.
const row = (name, id, bits, block, jwk) => ({ __proto__: null, name, id, bits, block, jwk });

export const hashes = {
  __proto__: null,
  'SHA-1': row('SHA-1', 0, 160, 512, '1'),
  'SHA-256': row('SHA-256', 1, 256, 512, '256'),
  'SHA-384': row('SHA-384', 2, 384, 1024, '384'),
  'SHA-512': row('SHA-512', 3, 512, 1024, '512'),
  'SHA3-256': row('SHA3-256', 4, 256, 1088, undefined),
  'SHA3-384': row('SHA3-384', 5, 384, 832, undefined),
  'SHA3-512': row('SHA3-512', 6, 512, 576, undefined),
};
