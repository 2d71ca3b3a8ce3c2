// Every interface on the global object has the shape that Web IDL gives it: descriptors, tags, lengths of accessors,
// members that refuse other objects. What the members do is the other tests' business.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { runCases } from './shell.mjs';

const language = runInContext('Object.getOwnPropertyNames(globalThis)', createContext({}));
// Plain classes of errors (docs/scripts.md).
const errors = ['HostError', 'PermissionDenied', 'BudgetExceeded', 'InvalidArgument', 'NotFound', 'Conflict', 'IntegrityError'];
const source = `
  const except = new Set(${JSON.stringify([...language, ...errors])});
  const names = Object.getOwnPropertyNames(globalThis).filter((n) => /^[A-Z]/.test(n) && !except.has(n) && typeof globalThis[n] === 'function');
  const wrong = [];
  const flags = (d) => (d.enumerable ? 'e' : '-') + (d.configurable ? 'c' : '-') + (d.writable ? 'w' : '-');
  const is = (where, found, ...allowed) => { if (!allowed.includes(found)) wrong.push(where + ': ' + found) };
  const refuses = async (where, f) => {
    let result;
    try { result = f() } catch (e) { is(where, e instanceof TypeError ? 'TypeError' : String(e), 'TypeError'); return }
    if (!(result instanceof Promise)) return void wrong.push(where + ': took another object');
    await result.then(() => wrong.push(where + ': took another object'), (e) => is(where, e instanceof TypeError ? 'TypeError' : String(e), 'TypeError'));
  };
  let members = 0;
  for (const n of names) {
    const type = globalThis[n];
    is(n, flags(Object.getOwnPropertyDescriptor(globalThis, n)), '-cw');
    is(n + '.prototype', flags(Object.getOwnPropertyDescriptor(type, 'prototype')), '---');
    is(n + '.name', type.name, n);
    is(n + ' called without new', (() => { try { type(); return 'no error' } catch (e) { return e.name } })(), 'TypeError');
    const tag = Object.getOwnPropertyDescriptor(type.prototype, Symbol.toStringTag);
    is(n + ' tag', tag && tag.value + flags(tag), n + '-c-');
    for (const [holder, prefix] of [[type, n + '.'], [type.prototype, n + '.prototype.']]) {
      for (const key of Object.getOwnPropertyNames(holder)) {
        if (['prototype', 'name', 'length'].includes(key) && holder === type) continue;
        const where = prefix + key, d = Object.getOwnPropertyDescriptor(holder, key);
        members++;
        if (key === 'constructor') is(where, flags(d) + (d.value === type), '-cwtrue');
        else if (d.get || d.set) {
          is(where, flags(d), 'ec-');
          is(where + ' get', d.get.name + d.get.length, 'get ' + key + '0');
          if (d.set) is(where + ' set', d.set.name + d.set.length, 'set ' + key + '1');
          if (holder !== type) await refuses(where + ' get', () => d.get.call({}));
          if (holder !== type && d.set) await refuses(where + ' set', () => d.set.call({}, 'x'));
        } else if (typeof d.value === 'function') {
          is(where, flags(d), 'ecw');
          is(where + ' name', d.value.name, key);
          if (holder !== type) await refuses(where, () => d.value.call({}, 'a', 'b', 'c', 'd'));
        } else is(where + ' constant', flags(d), 'e--');
      }
    }
  }
  show('wrong', wrong); show('names', names.length); show('members', members);
`;

test('interfaces: descriptors, names, tags, brand checks', () => {
  const { wrong, names, members } = runCases(source, '--allow-wasm', '--allow-sab');
  assert.deepEqual(wrong, []);
  assert.ok(names >= 50 && members >= 400, `${names} interfaces, ${members} members`);
});
