// Random inputs, the same in both engines by a fixed seed: text decoding and base64 as in Node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob, runNode } from './shell.mjs';

const prelude = `
let seed = 12345; const next = (n) => { seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5; return (seed >>> 0) % n; };
const units = [0, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe2, 0xed, 0xef, 0xbb, 0xf0, 0xf1, 0xf4, 0xf5, 0xfe, 0xff, 0xd8, 0xdc];
const bytes = (n) => Uint8Array.from({ length: n }, () => next(4) ? units[next(units.length)] : next(256));
const hex = (s) => Array.from(s, (c) => c.codePointAt(0).toString(16)).join(' ');
const attempt = (f) => { try { return hex(f()); } catch (e) { return e.name; } };
const out = [];
`;

const programs = {
  'decoding whole inputs': `for (let i = 0; i < 6000; i++) { const b = bytes(next(14)); const label = ['utf-8', 'utf-16le', 'utf-16be'][next(3)];
    const options = { fatal: next(3) === 0, ignoreBOM: next(2) === 0 }; out.push(attempt(() => new TextDecoder(label, options).decode(b))); }`,
  'decoding streams cut anywhere': `for (let i = 0; i < 3000; i++) { const b = bytes(next(20)); const label = ['utf-8', 'utf-16le', 'utf-16be'][next(3)];
    out.push(attempt(() => { const d = new TextDecoder(label); let s = ''; for (let at = 0; at < b.length;) { const n = 1 + next(4);
      s += d.decode(b.subarray(at, at + n), { stream: true }); at += n; } return s + d.decode(); })); }`,
  'encoding and encodeInto': `for (let i = 0; i < 3000; i++) { const s = String.fromCharCode(...Array.from({ length: next(8) }, () => next(3) ? next(128) : 0xd700 + next(0x900)));
    const into = new Uint8Array(next(12)); const r = new TextEncoder().encodeInto(s, into);
    out.push(new TextEncoder().encode(s).toHex(), r.read, r.written, into.toHex()); }`,
  'atob and btoa': `const letters = 'ABab09+/=  \\n\\t_-*\\u00e9\\u4e2d'; for (let i = 0; i < 6000; i++) { const s = Array.from({ length: next(10) }, () => letters[next(letters.length)]).join('');
    out.push(attempt(() => atob(s)), attempt(() => btoa(s))); }`,
  'console.log of random values': `const value = (depth) => { switch (next(depth > 3 ? 8 : 16)) {
      case 0: return next(1000) - 500; case 1: return next(1000) / 7; case 2: return String.fromCharCode(...Array.from({ length: next(30) }, () => 32 + next(95)));
      case 3: return null; case 4: return undefined; case 5: return next(2) === 0; case 6: return BigInt(next(99999)); case 7: return 'line\\n'.repeat(next(4)) + "it's";
      case 8: case 9: return Array.from({ length: next(12) }, () => value(depth + 1));
      case 10: case 11: return Object.fromEntries(Array.from({ length: next(8) }, () => ['k' + '-'.repeat(next(2)) + next(99), value(depth + 1)]));
      case 12: return new Map(Array.from({ length: next(5) }, () => [value(depth + 1), value(depth + 1)]));
      case 13: return new Set(Array.from({ length: next(5) }, () => value(depth + 1)));
      case 14: { const a = []; for (let i = 0; i < 4; i++) a[next(12)] = value(depth + 1); return a; }
      default: return new Uint8Array(Array.from({ length: next(40) }, () => next(256))); } };
    for (let i = 0; i < 700; i++) console.log(value(0), value(2));`,
};

for (const [name, program] of Object.entries(programs)) {
  test(name, () => {
    const source = `${prelude}${program}\nconsole.log(out.join('\\n'));`;
    const job = runJob(source, '--output-kb', '100000');
    assert.equal(job.end, 'ok', JSON.stringify(job).slice(0, 500));
    const ours = job.stdout.split('\n');
    const theirs = runNode(source).stdout.split('\n');
    const at = ours.findIndex((line, i) => line !== theirs[i]);
    assert.equal(at, -1, `line ${at}: ${ours[at]} here, ${theirs[at]} in Node`);
    assert.equal(ours.length, theirs.length);
    assert.ok(ours.length > 1000);
  });
}
