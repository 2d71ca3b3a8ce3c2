// Small WebAssembly modules, as JavaScript source that makes their bytes.

const leb = (n) => {
  const out = [];
  do out.push((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
  while ((n >>>= 7));
  return out;
};
const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];
const vector = (items) => [...leb(items.length), ...items.flat()];
const name = (text) => vector([...text].map((c) => [c.charCodeAt(0)]));
const body = (code) => [...leb(code.length), ...code];

const I32 = 0x7f;

// x = f(n): n rounds of x = x * 31 + i, as a loop.
const LOOP = [
  1, 2, I32, // two locals: i, x
  0x03, 0x40, // loop
  0x20, 2, 0x41, 31, 0x6c, 0x20, 1, 0x6a, 0x21, 2, // x = x * 31 + i
  0x20, 1, 0x41, 1, 0x6a, 0x22, 1, // i = i + 1
  0x20, 0, 0x49, 0x0d, 0, // br_if i < n
  0x0b, 0x20, 2, 0x0b,
];

// A module with so many exported functions f0, f1, …, each that loop; memory: [flags, min, max] or nothing.
export function moduleBytes({ functions = 1, memory } = {}) {
  const each = Array.from({ length: functions }, (_, i) => i);
  return [
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, vector([[0x60, 1, I32, 1, I32]])),
    ...section(3, vector(each.map(() => [0]))),
    ...(memory ? section(5, vector([memory])) : []),
    ...section(7, vector([
      ...each.map((i) => [...name(`f${i}`), 0, ...leb(i)]),
      ...(memory ? [[...name('memory'), 2, 0]] : []),
    ])),
    ...section(10, vector(each.map(() => body(LOOP)))),
  ];
}

export const moduleSource = (options) => `new Uint8Array([${moduleBytes(options).join(',')}])`;
