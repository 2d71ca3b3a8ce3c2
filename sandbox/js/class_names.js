// Names of the language's own classes, each with a space behind it, taken before anything is put on the global
// object; and the one class that has no name there. For the part `inspect`.
import { getOwnPropertyNames, getPrototypeOf, Uint8Array, regexpExec } from './primordials.js';

let found = '';
{
  const names = getOwnPropertyNames(globalThis);
  for (let i = 0; i < names.length; i++)
    if (regexpExec(/^[A-Z][a-zA-Z0-9]+$/, names[i]) !== null) found += `${names[i]} `;
}
export const classNames = found;
export const typedArrayConstructor = getPrototypeOf(Uint8Array);
