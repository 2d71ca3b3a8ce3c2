// What runs for long is run by V8's best compiler, although there is no thread beside the script's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases } from '../js/shell.mjs';
import { moduleSource } from '../js/wasm.mjs';

test('a loop reaches the optimizing compiler while it runs', () => {
  const r = runCases(`
    function run(n) {
      let sum = 0, best = false;
      for (let i = 0; i < n; i++) { sum = (sum + i * i) | 0; if ((i & 1023) === 0) best = %CurrentFrameIsTurbofan(); }
      return best;
    }
    show('short', run(2000)); show('long', run(5e6));`,
    '--v8-flags', '--allow-natives-syntax');
  assert.deepEqual(r, { short: false, long: true });
});

test('WebAssembly: hot code reaches the optimizing compiler, on the one thread there is', () => {
  const r = runCases(`const { f0 } = new WebAssembly.Instance(new WebAssembly.Module(${moduleSource()})).exports;
    f0(1); show('first', %IsLiftoffFunction(f0)); f0(2e7); f0(1e6); show('hot', %IsTurboFanFunction(f0));`,
    '--allow-wasm', '--v8-flags', '--allow-natives-syntax');
  assert.deepEqual(r, { first: true, hot: true });
});
