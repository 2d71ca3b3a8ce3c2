// Normalizing an algorithm (Web Cryptography, "Algorithm Normalization"): what a script names becomes
// {name, the members its dictionary has} without prototype, and the one row that does the operation.
import { stringToLowerCase } from '../../primordials.js';
import { load } from '../../parts.js';
import { hashes } from './hashes.js';
import { isObject, notSupported, toBytes, toDictionary, toText } from './webidl.js';

const rows = { __proto__: null }; // name in lower case → {name, operations: {operation: members}}

// operations: {digest: [members of the dictionary], …}; what does them is in `implementation`.
export function register(name, operations, implementation) {
  rows[stringToLowerCase(name)] = { __proto__: null, name, operations, implementation };
}

// The part that has an algorithm, where it is not this one: a script that only hashes loads no keys.
const homes = {
  __proto__: null,
  'aes-cbc': 'crypto_secret',
  'aes-ctr': 'crypto_secret',
  'aes-gcm': 'crypto_secret',
  'aes-kw': 'crypto_secret',
  hkdf: 'crypto_secret',
  hmac: 'crypto_secret',
  pbkdf2: 'crypto_secret',
  ecdh: 'crypto_pairs',
  ecdsa: 'crypto_pairs',
  ed25519: 'crypto_pairs',
  ed448: 'crypto_pairs',
  'rsa-oaep': 'crypto_pairs',
  'rsa-pss': 'crypto_pairs',
  'rsassa-pkcs1-v1_5': 'crypto_pairs',
  x25519: 'crypto_pairs',
  x448: 'crypto_pairs',
  'ml-dsa-44': 'crypto_pq',
  'ml-dsa-65': 'crypto_pq',
  'ml-dsa-87': 'crypto_pq',
  'ml-kem-1024': 'crypto_pq',
  'ml-kem-512': 'crypto_pq',
  'ml-kem-768': 'crypto_pq',
};

function rowNamed(name) {
  const known = stringToLowerCase(name);
  if (rows[known] === undefined && homes[known] !== undefined) load(homes[known]);
  return rows[known];
}

const nameOnly = [['name', toText, true]];

export function normalize(input, operation) {
  const value = isObject(input) ? input : { __proto__: null, name: toText(input, 'algorithm') };
  const { name } = toDictionary(value, nameOnly, 'algorithm');
  const row = rowNamed(name);
  const members = row?.operations[operation];
  if (members === undefined) notSupported(`'${name}' is not an algorithm for ${operation}`);
  const out = { __proto__: null, name: row.name, row: row.implementation };
  if (members.length > 0) {
    toDictionary(value, nameOnly, 'algorithm'); // the name is read again as a part of the whole
    toDictionary(value, members, `algorithm ${row.name}`, out);
  }
  return out;
}

// Members that are themselves algorithms.
export function toHash(value) {
  return hashes[normalize(value, 'digest').name];
}

export const source = (name, required = true) => [name, toBytes, required];

// The implementation of a key's algorithm.
export const rowOf = (key) => rows[stringToLowerCase(key.algorithm.name)].implementation;
