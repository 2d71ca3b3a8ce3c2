// JSON Web Keys (RFC 7517, RFC 7518): the dictionary, what all kinds of keys check, and reading and writing it.
import { arrayIndexOf, defineProperty, jsonParse, jsonStringify, objectKeys } from '../../primordials.js';
import { arrayOf, usageBit, usageList, usageNamesOf } from './key.js';
import { data, isObject, natives, toDictionary, toSequence, toText } from './webidl.js';

const { base64url, unbase64url } = natives;
const { text } = native;
// Of native.text (sandbox/engine/native_text.cc).
const UTF_8 = 0;
const FATAL = 1;

const otherPrime = [['d', toText], ['r', toText], ['t', toText]];
const members = [
  ['alg', toText],
  ['crv', toText],
  ['d', toText],
  ['dp', toText],
  ['dq', toText],
  ['e', toText],
  ['ext', (value) => !!value],
  ['k', toText],
  ['key_ops', (value, what) => toSequence(value, what, toText)],
  ['kty', toText],
  ['n', toText],
  ['oth', (value, what) => toSequence(value, what, (v, w) => toDictionary(v, otherPrime, w))],
  ['p', toText],
  ['priv', toText],
  ['pub', toText],
  ['q', toText],
  ['qi', toText],
  ['use', toText],
  ['x', toText],
  ['y', toText],
];

export const toJwk = (value, what) => toDictionary(value, members, what);

// The bytes of a member, or a DataError that names it.
export function member(jwk, name) {
  if (jwk[name] === undefined) data(`JSON Web Key: ${name} is missing`);
  const bytes = unbase64url(jwk[name]);
  if (bytes === null) data(`JSON Web Key: ${name} is not base64url`);
  return bytes;
}

export const encode = (bytes) => base64url(bytes);

// kty, use, key_ops and ext. use: what `use` must say when there are usages.
export function checkJwk(jwk, kty, use, extractable, usages) {
  if (jwk.kty !== kty) data(`JSON Web Key: kty must be '${kty}'`);
  if (usages !== 0 && jwk.use !== undefined && jwk.use !== use)
    data(`JSON Web Key: use must be '${use}'`);
  if (jwk.key_ops !== undefined) checkOperations(jwk.key_ops, jwk.use, usages);
  if (jwk.ext === false && extractable) data('JSON Web Key: ext forbids that the key is extractable');
}

function checkOperations(operations, use, usages) {
  let given = 0;
  for (let i = 0; i < operations.length; i++) {
    const name = operations[i];
    if (arrayIndexOf(operations, name) !== i) data(`JSON Web Key: key_ops has '${name}' twice`);
    let bit = 0;
    try {
      bit = usageBit(name, 'key_ops');
    } catch {
      continue; // others may have words of their own
    }
    given |= bit;
  }
  if (usages & ~given)
    data(`JSON Web Key: key_ops lacks '${usageList(usages & ~given)[0]}', which the key is to be used for`);
}

export function checkAlg(jwk, wanted) {
  if (jwk.alg !== undefined && jwk.alg !== wanted) data(`JSON Web Key: alg must be '${wanted}'`);
}

// What every key has, in the order of the members' names. parts: without prototype.
export function jwkOf(parts, key) {
  const out = { __proto__: null };
  parts.ext = key.extractable;
  parts.key_ops = usageNamesOf(key.usages);
  for (let i = 0; i < members.length; i++) {
    const { 0: name } = members[i];
    if (parts[name] !== undefined) out[name] = parts[name];
  }
  return out;
}

// The same as an object of the script's.
export function jwkObject(jwk) {
  const out = {};
  const names = objectKeys(jwk);
  for (let i = 0; i < names.length; i++) {
    const value = names[i] === 'key_ops' ? arrayOf(jwk.key_ops) : jwk[names[i]];
    defineProperty(out, names[i], { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  }
  return out;
}

// A key as jwkOf() gives it ⇄ the bytes that are wrapped.
export const jwkText = (jwk) => text.encode(jsonStringify(jwk));

export function parseJwk(bytes, what) {
  let value;
  try {
    value = jsonParse(text.decode(UTF_8, bytes, FATAL, undefined));
  } catch {
    data('what was wrapped is not a JSON Web Key');
  }
  if (!isObject(value)) data('what was wrapped is not a JSON Web Key');
  const jwk = toJwk(value, what);
  if (jwk.kty === undefined) data('JSON Web Key: kty is missing');
  return jwk;
}
