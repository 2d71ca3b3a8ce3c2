// SHA-1, SHA-2 (FIPS 180-4) and SHA-3 (FIPS 202).
import { objectKeys } from '../../primordials.js';
import { hashes } from './hashes.js';
import { register } from './normalize.js';
import { done, natives } from './webidl.js';

const implementation = {
  __proto__: null,
  digest: (algorithm, bytes) =>
    done(natives.digest(hashes[algorithm.name].id, bytes), `${algorithm.name} failed`),
};

const names = objectKeys(hashes);
for (let i = 0; i < names.length; i++)
  register(names[i], { __proto__: null, digest: [] }, implementation);
