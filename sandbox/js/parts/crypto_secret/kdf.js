// HKDF (RFC 5869) and PBKDF2 (RFC 8018).
import {
  DERIVE_BITS,
  DERIVE_KEY,
  done,
  makeKey,
  natives,
  notSupported,
  onlyUsages,
  operation,
  register,
  source,
  syntax,
  toHash,
  toLong,
} from '../crypto/index.js';

function kdf(name, parameters, derive) {
  const implementation = {
    __proto__: null,
    importKey(format, keyData, algorithm, extractable, set) {
      if (format !== 'raw') notSupported(`${name}: a key is imported as 'raw'`);
      onlyUsages(set, DERIVE_BITS | DERIVE_KEY);
      if (extractable) syntax(`${name}: a key cannot be extractable`);
      return makeKey('secret', natives.secret(keyData), { __proto__: null, name }, false, set);
    },
    rawName: 'raw-secret',
    formats: ['raw'],
    keyLength: () => null,
    deriveBits(algorithm, key, bits) {
      if (bits === null || bits % 8 !== 0)
        operation(`${name}: length must be a multiple of 8 bits, found ${bits}`);
      return done(derive(algorithm, key, bits / 8), `${name}: ${bits} bits cannot be derived`);
    },
  };
  const operations = { __proto__: null, importKey: [], deriveBits: parameters, 'get key length': [] };
  register(name, operations, implementation);
}

kdf('HKDF', [['hash', toHash, true], source('info'), source('salt')], ({ hash, salt, info }, key, bytes) =>
  natives.hkdf(hash.id, key.handle, salt, info, bytes),
);

kdf('PBKDF2', [['hash', toHash, true], ['iterations', toLong, true], source('salt')], (algorithm, key, bytes) => {
  const { hash, salt, iterations } = algorithm;
  if (iterations === 0) operation('PBKDF2: iterations must not be 0');
  return natives.pbkdf2(hash.id, key.handle, salt, iterations, bytes);
});
