// ECDSA (FIPS 186-5) and ECDH (SP 800-56A) on P-256, P-384, P-521.
import { arrayBufferByteLength } from '../../primordials.js';
import {
  access,
  checkAlg,
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
  notSupported,
  onlyUsages,
  register,
  SIGN,
  syntax,
  toHash,
  toText,
  VERIFY,
} from '../crypto/index.js';
import { derive, toPeer } from './derive.js';

const curve = (id, bytes, alg) => ({ __proto__: null, id, bytes, alg, kind: id + 1 }); // kind: of crypto_der.cc
const curves = {
  __proto__: null,
  'P-256': curve(0, 32, 'ES256'),
  'P-384': curve(1, 48, 'ES384'),
  'P-521': curve(2, 66, 'ES512'),
};
const parameters = [['namedCurve', toText, true]];

// What the native import takes: an encoded point.
function pointOf(x, y, bytes) {
  if (arrayBufferByteLength(x) !== bytes || arrayBufferByteLength(y) !== bytes)
    data(`JSON Web Key: x and y must be ${bytes} bytes`);
  const point = new Uint8Array(1 + 2 * bytes);
  const fromX = new Uint8Array(x);
  const fromY = new Uint8Array(y);
  point[0] = 4;
  for (let i = 0; i < bytes; i++) {
    point[1 + i] = fromX[i];
    point[1 + bytes + i] = fromY[i];
  }
  return point;
}

function importJwk(jwk, name, namedCurve, use, extractable, set) {
  checkJwk(jwk, 'EC', use, extractable, set);
  const { id, bytes, alg } = curves[namedCurve] ?? data(`${name}: '${namedCurve}' is not a curve`);
  if (jwk.crv !== namedCurve) data(`JSON Web Key: crv must be '${namedCurve}'`);
  if (name === 'ECDSA') checkAlg(jwk, alg);
  const point = pointOf(member(jwk, 'x'), member(jwk, 'y'), bytes);
  if (jwk.d === undefined) return natives.ecImport(id, point);
  const d = member(jwk, 'd');
  if (arrayBufferByteLength(d) !== bytes) data(`JSON Web Key: d must be ${bytes} bytes`);
  return natives.ecImport(id, point, d);
}

function ec(name, use, publicUsages, privateUsages, dictionaries, functions) {
  const keyOf = (type, handle, namedCurve, extractable, set) =>
    makeKey(type, handle, { __proto__: null, name, namedCurve }, extractable, set);
  const implementation = {
    __proto__: null,
    generateKey({ namedCurve }, extractable, set) {
      onlyUsages(set, publicUsages | privateUsages);
      const { id } = curves[namedCurve] ?? notSupported(`${name}: '${namedCurve}' is not a curve`);
      if (!(set & privateUsages)) syntax(`${name}: a private key without usages would be of no use`);
      const { 0: open, 1: secret } = done(natives.ecGenerate(id), `${name}: no key could be made`);
      return {
        __proto__: null,
        publicKey: keyOf('public', open, namedCurve, true, set & publicUsages),
        privateKey: keyOf('private', secret, namedCurve, extractable, set & privateUsages),
      };
    },
    importKey(format, keyData, { namedCurve }, extractable, set) {
      const isPrivate = format === 'pkcs8' || (format === 'jwk' && keyData.d !== undefined);
      onlyUsages(set, isPrivate ? privateUsages : publicUsages);
      const { id, kind } = curves[namedCurve] ?? data(`${name}: '${namedCurve}' is not a curve`);
      let handle;
      if (format === 'jwk') handle = importJwk(keyData, name, namedCurve, use, extractable, set);
      else if (format === 'raw') handle = natives.ecImport(id, keyData);
      else handle = natives.importDer(kind, isPrivate, keyData);
      if (handle === null) data(`${name}: the ${format} is not a key on ${namedCurve}`);
      return keyOf(isPrivate ? 'private' : 'public', handle, namedCurve, extractable, set);
    },
    exportKey(format, key) {
      const isPrivate = key.type === 'private';
      const { namedCurve } = key.algorithm;
      if (format !== 'jwk') {
        if (isPrivate !== (format === 'pkcs8'))
          access(`${name}: a ${key.type} key cannot be exported as ${format}`);
        if (format === 'raw') return done(natives.ecPoint(key.handle), `${name}: the key cannot be exported`);
        const der = natives.exportDer(curves[namedCurve].kind, isPrivate, key.handle);
        return done(der, `${name}: the key cannot be exported`);
      }
      const parts = done(natives.ecParts(key.handle, isPrivate), `${name}: the key cannot be exported`);
      const jwk = { __proto__: null, crv: namedCurve, kty: 'EC', x: encode(parts[0]), y: encode(parts[1]) };
      if (isPrivate) jwk.d = encode(parts[2]);
      return jwk;
    },
    publicKey(key, set) {
      onlyUsages(set, publicUsages);
      const { namedCurve } = key.algorithm;
      const handle = natives.ecImport(curves[namedCurve].id, natives.ecPoint(key.handle));
      return keyOf('public', done(handle, `${name}: no public key could be made`), namedCurve, true, set);
    },
    rawName: 'raw-public',
    formats: ['raw', 'spki', 'pkcs8', 'jwk'],
    ...functions,
  };
  const operations = { __proto__: null, generateKey: parameters, importKey: parameters, exportKey: [], ...dictionaries };
  register(name, operations, implementation);
}

const hashed = [['hash', toHash, true]];
ec('ECDSA', 'sig', VERIFY, SIGN, { sign: hashed, verify: hashed }, {
  sign({ hash }, key, bytes) {
    needs(key, 'private');
    return done(natives.ecdsaSign(key.handle, hash.id, bytes), 'ECDSA: signing failed');
  },
  verify({ hash }, key, signature, bytes) {
    needs(key, 'public');
    return natives.ecdsaVerify(key.handle, hash.id, signature, bytes);
  },
});

ec('ECDH', 'enc', 0, DERIVE_BITS | DERIVE_KEY, { deriveBits: [['public', toPeer, true]] }, {
  deriveBits: derive(
    (key, peer) => key.algorithm.namedCurve === peer.algorithm.namedCurve,
    (key, peer) => natives.ecdh(key.handle, peer.handle),
  ),
});
