// Math.random over a generator of our own. V8 seeds its own generator before the zygote forks, so that every
// cell would draw the same numbers; this one is seeded from the kernel on the first use in each cell.
//
// xoshiro128++ (Blackman and Vigna, public domain): four words of state, two outputs make the 53 bits of
// a double. Not for secrets: those come from crypto.getRandomValues and sodium.randombytesBuf.
import { Int32Array, define } from './primordials.js';

let state;

function seed() {
  state = new Int32Array(4);
  do native.random.fill(state);
  while ((state[0] | state[1] | state[2] | state[3]) === 0);
}

function next() {
  const a = state[0];
  const b = state[1];
  const sum = (a + state[3]) | 0;
  const result = (((sum << 7) | (sum >>> 25)) + a) | 0;
  const c = state[2] ^ a;
  const d = state[3] ^ b;
  state[1] = b ^ c;
  state[0] = a ^ d;
  state[2] = c ^ (b << 9);
  state[3] = (d << 11) | (d >>> 21);
  return result;
}

const functions = {
  random() {
    if (state === undefined) seed();
    // 27 and 26 bits.
    return ((next() >>> 5) * 0x4000000 + (next() >>> 6)) * 2 ** -53;
  },
};

// A new seed on the next use: for an engine that runs a warm-up before its job is known.
export function resetRandom() {
  state = undefined;
}

export const installRandom = () => define(Math, functions, false);
