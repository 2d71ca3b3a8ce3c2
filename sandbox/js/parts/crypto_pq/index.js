// ML-DSA (FIPS 204) and ML-KEM (FIPS 203) of crypto.subtle, as Modern Algorithms in Web Cryptography has them.
import { arrayBufferByteLength } from '../../primordials.js';
import {
  DECAPSULATE_BITS,
  DECAPSULATE_KEY,
  ENCAPSULATE_BITS,
  ENCAPSULATE_KEY,
  SIGN,
  VERIFY,
  access,
  checkJwk,
  data,
  done,
  encode,
  makeKey,
  member,
  natives,
  needs,
  notSupported,
  onlyUsages,
  operation,
  register,
  source,
  subtle,
  syntax,
} from '../crypto/index.js';

// What a key is given as (crypto_pq.cc).
const FORMS = { __proto__: null, 'raw-seed': 0, 'raw-public': 1, pkcs8: 2, spki: 3 };
const CONTEXT_MOST = 255;

function kind(name, id, use, publicUsages, privateUsages, dictionaries, functions) {
  const keyOf = (type, handle, extractable, set) =>
    makeKey(type, handle, { __proto__: null, name }, extractable, set);
  const importJwk = (jwk, extractable, set) => {
    checkJwk(jwk, 'AKP', use, extractable, set);
    if (jwk.alg !== name) data(`JSON Web Key: alg must be '${name}'`);
    const open = member(jwk, 'pub');
    if (jwk.priv === undefined) return natives.pqImport(id, FORMS['raw-public'], open);
    const handle = natives.pqImport(id, FORMS['raw-seed'], member(jwk, 'priv'));
    if (handle !== null && !natives.equal(natives.pqPublic(handle), open))
      data('JSON Web Key: pub and priv are not a pair');
    return handle;
  };
  const implementation = {
    __proto__: null,
    generateKey(algorithm, extractable, set) {
      onlyUsages(set, publicUsages | privateUsages);
      if (!(set & privateUsages)) syntax(`${name}: a private key without usages would be of no use`);
      const { 0: open, 1: secret } = done(natives.pqGenerate(id), `${name}: no key could be made`);
      return {
        __proto__: null,
        publicKey: keyOf('public', open, true, set & publicUsages),
        privateKey: keyOf('private', secret, extractable, set & privateUsages),
      };
    },
    importKey(format, keyData, algorithm, extractable, set) {
      const isPrivate =
        format === 'pkcs8' || format === 'raw-seed' || (format === 'jwk' && keyData.priv !== undefined);
      onlyUsages(set, isPrivate ? privateUsages : publicUsages);
      const handle =
        format === 'jwk' ? importJwk(keyData, extractable, set) : natives.pqImport(id, FORMS[format], keyData);
      if (handle === null) data(`${name}: the ${format} is not a key of ${name}`);
      if (isPrivate && natives.pqSeed(handle) === null)
        notSupported(`${name}: a private key without its seed is not supported`);
      return keyOf(isPrivate ? 'private' : 'public', handle, extractable, set);
    },
    exportKey(format, key) {
      const isPrivate = key.type === 'private';
      const failed = `${name}: the key cannot be exported`;
      if (format === 'jwk') {
        const jwk = { __proto__: null, alg: name, kty: 'AKP', pub: encode(done(natives.pqPublic(key.handle), failed)) };
        if (isPrivate) jwk.priv = encode(done(natives.pqSeed(key.handle), failed));
        return jwk;
      }
      if (isPrivate !== (format === 'pkcs8' || format === 'raw-seed'))
        access(`${name}: a ${key.type} key cannot be exported as ${format}`);
      if (format === 'raw-seed') return done(natives.pqSeed(key.handle), failed);
      if (format === 'raw-public') return done(natives.pqPublic(key.handle), failed);
      return done(format === 'spki' ? natives.pqSpki(key.handle) : natives.pqPkcs8(id, key.handle), failed);
    },
    publicKey: (key, set) => {
      onlyUsages(set, publicUsages);
      const handle = natives.pqImport(id, FORMS['raw-public'], natives.pqPublic(key.handle));
      return keyOf('public', done(handle, `${name}: no public key could be made`), true, set);
    },
    formats: ['raw-public', 'raw-seed', 'spki', 'pkcs8', 'jwk'],
    ...functions,
  };
  const operations = { __proto__: null, generateKey: [], importKey: [], exportKey: [], ...dictionaries };
  register(name, operations, implementation);
}

const context = [source('context', false)];
function checkContext(name, given) {
  if (given !== undefined && arrayBufferByteLength(given) > CONTEXT_MOST)
    operation(`${name}: a context must have at most ${CONTEXT_MOST} bytes`);
}

const signer = {
  sign(algorithm, key, bytes) {
    needs(key, 'private');
    checkContext(algorithm.name, algorithm.context);
    return done(natives.pqSign(key.handle, bytes, algorithm.context), `${algorithm.name}: signing failed`);
  },
  verify(algorithm, key, signature, bytes) {
    needs(key, 'public');
    checkContext(algorithm.name, algorithm.context);
    return natives.pqVerify(key.handle, signature, bytes, algorithm.context);
  },
};
const kem = {
  encapsulate(algorithm, key) {
    needs(key, 'public');
    const { 0: sharedKey, 1: ciphertext } = done(natives.kemEncapsulate(key.handle), `${algorithm.name} failed`);
    return { __proto__: null, sharedKey, ciphertext };
  },
  decapsulate(algorithm, key, ciphertext) {
    needs(key, 'private');
    return done(natives.kemDecapsulate(key.handle, ciphertext), `${algorithm.name}: not a ciphertext`);
  },
};

const signing = { sign: context, verify: context };
kind('ML-DSA-44', 0, 'sig', VERIFY, SIGN, signing, signer);
kind('ML-DSA-65', 1, 'sig', VERIFY, SIGN, signing, signer);
kind('ML-DSA-87', 2, 'sig', VERIFY, SIGN, signing, signer);
const agreeing = { encapsulate: [], decapsulate: [] };
const encapsulating = ENCAPSULATE_KEY | ENCAPSULATE_BITS;
const decapsulating = DECAPSULATE_KEY | DECAPSULATE_BITS;
kind('ML-KEM-512', 3, 'enc', encapsulating, decapsulating, agreeing, kem);
kind('ML-KEM-768', 4, 'enc', encapsulating, decapsulating, agreeing, kem);
kind('ML-KEM-1024', 5, 'enc', encapsulating, decapsulating, agreeing, kem);

export function rehearse() {
  subtle.generateKey('ML-KEM-768', false, ['encapsulateBits', 'decapsulateBits']).then(({ publicKey }) => {
    subtle.encapsulateBits('ML-KEM-768', publicKey);
  });
}
