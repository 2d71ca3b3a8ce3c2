// Ed25519, Ed448 (RFC 8032), X25519, X448 (RFC 7748): Secure Curves in Web Cryptography.
import { arrayBufferByteLength } from '../../primordials.js';
import {
  access,
  checkJwk,
  data,
  DERIVE_BITS,
  DERIVE_KEY,
  done,
  encode,
  makeKey,
  member,
  natives,
  needs,
  onlyUsages,
  operation,
  register,
  SIGN,
  source,
  syntax,
  VERIFY,
} from '../crypto/index.js';
import { derive, toPeer } from './derive.js';

const FIRST_KIND = 4; // of crypto_der.cc

function okp(name, id, bytes, use, publicUsages, privateUsages, dictionaries, functions) {
  const keyOf = (type, handle, extractable, set) =>
    makeKey(type, handle, { __proto__: null, name }, extractable, set);
  const handleOf = (raw, what) => {
    if (arrayBufferByteLength(raw) !== bytes)
      data(`${name}: ${what} must be ${bytes} bytes, found ${arrayBufferByteLength(raw)}`);
    return natives.secret(raw);
  };
  const importJwk = (jwk, extractable, set) => {
    checkJwk(jwk, 'OKP', use, extractable, set);
    if (jwk.crv !== name) data(`JSON Web Key: crv must be '${name}'`);
    if (use === 'sig' && jwk.alg !== undefined && jwk.alg !== name && jwk.alg !== 'EdDSA')
      data(`JSON Web Key: alg must be '${name}' or 'EdDSA'`);
    const x = member(jwk, 'x');
    if (jwk.d === undefined) return handleOf(x, 'x');
    const secret = handleOf(member(jwk, 'd'), 'd');
    if (!natives.equal(natives.okpPublic(id, secret), x)) data('JSON Web Key: x and d are not a pair');
    return secret;
  };
  const implementation = {
    __proto__: null,
    generateKey(algorithm, extractable, set) {
      onlyUsages(set, publicUsages | privateUsages);
      if (!(set & privateUsages)) syntax(`${name}: a private key without usages would be of no use`);
      const { 0: open, 1: secret } = done(natives.okpGenerate(id), `${name}: no key could be made`);
      return {
        __proto__: null,
        publicKey: keyOf('public', open, true, set & publicUsages),
        privateKey: keyOf('private', secret, extractable, set & privateUsages),
      };
    },
    importKey(format, keyData, algorithm, extractable, set) {
      const isPrivate = format === 'pkcs8' || (format === 'jwk' && keyData.d !== undefined);
      onlyUsages(set, isPrivate ? privateUsages : publicUsages);
      let handle;
      if (format === 'jwk') handle = importJwk(keyData, extractable, set);
      else if (format === 'raw') handle = handleOf(keyData, 'a raw key');
      else handle = natives.importDer(FIRST_KIND + id, isPrivate, keyData);
      if (handle === null) data(`${name}: the ${format} is not a key of ${name}`);
      return keyOf(isPrivate ? 'private' : 'public', handle, extractable, set);
    },
    exportKey(format, key) {
      const isPrivate = key.type === 'private';
      if (format === 'jwk') {
        const open = isPrivate ? natives.okpPublic(id, key.handle) : natives.secretBytes(key.handle);
        const jwk = { __proto__: null, crv: name, kty: 'OKP', x: encode(done(open, `${name}: the key cannot be exported`)) };
        if (use === 'sig') jwk.alg = name;
        if (isPrivate) jwk.d = encode(natives.secretBytes(key.handle));
        return jwk;
      }
      if (isPrivate !== (format === 'pkcs8'))
        access(`${name}: a ${key.type} key cannot be exported as ${format}`);
      if (format === 'raw') return natives.secretBytes(key.handle);
      return done(natives.exportDer(FIRST_KIND + id, isPrivate, key.handle), `${name}: the key cannot be exported`);
    },
    publicKey(key, set) {
      onlyUsages(set, publicUsages);
      const open = done(natives.okpPublic(id, key.handle), `${name}: no public key could be made`);
      return keyOf('public', natives.secret(open), true, set);
    },
    rawName: 'raw-public',
    formats: ['raw', 'spki', 'pkcs8', 'jwk'],
    ...functions,
  };
  const operations = { __proto__: null, generateKey: [], importKey: [], exportKey: [], ...dictionaries };
  register(name, operations, implementation);
}

const CONTEXT_MOST = 255; // RFC 8032, 8.3

function checkContext(name, context) {
  if (context !== undefined && arrayBufferByteLength(context) > CONTEXT_MOST)
    operation(`${name}: a context must have at most ${CONTEXT_MOST} bytes`);
}

const signer = (name, id) => ({
  sign({ context }, key, bytes) {
    needs(key, 'private');
    checkContext(name, context);
    return done(natives.okpSign(id, key.handle, bytes, context), `${name}: signing failed`);
  },
  verify({ context }, key, signature, bytes) {
    needs(key, 'public');
    checkContext(name, context);
    return natives.okpVerify(id, key.handle, signature, bytes, context);
  },
});

const agreement = (id) => ({
  deriveBits: derive(() => true, (key, peer) => natives.okpDerive(id, key.handle, peer.handle)),
});
const deriving = DERIVE_BITS | DERIVE_KEY;
const peers = { deriveBits: [['public', toPeer, true]] };
const context = [source('context', false)];
okp('Ed25519', 0, 32, 'sig', VERIFY, SIGN, { sign: [], verify: [] }, signer('Ed25519', 0));
okp('X25519', 1, 32, 'enc', 0, deriving, peers, agreement(1));
okp('Ed448', 2, 57, 'sig', VERIFY, SIGN, { sign: context, verify: context }, signer('Ed448', 2));
okp('X448', 3, 56, 'enc', 0, deriving, peers, agreement(3));
