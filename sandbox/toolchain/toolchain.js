// The tool of the profile `toolchain`: TypeScript to JavaScript with amaro, the SWC build that Node uses.
//
//   isolaneTool({files: [{name, text}]}) → {files: [{code}]}          in the same order
//                                        | {error: {name, message, stack, file, line, column}}
//                                        | {needs: 'typescript'}       what only that compiler does right
//
// How this works: types are replaced by blanks, which leaves every position as it is and needs no source
// map. Where that is not enough (enums, namespaces with values, parameter properties, import =), the file is
// transformed, with its source map at its end. What this file does when it is loaded is the warm-up: it runs
// once, before the zygote forks.
import { transformSync } from 'amaro';
import { findUnknown, hasMergedBlocks } from './scan.js';
import { inlineMap, syntaxError, toolError } from './say.js';

// undefined: the compiler has to do it.
function transform({ name, text }) {
  try {
    return transformSync(text, { mode: 'strip-only', filename: name }).code;
  } catch (e) {
    if (e?.code !== 'UnsupportedSyntax') throw e;
  }
  if (hasMergedBlocks(text)) return undefined;
  const { code, map } = transformSync(text, { mode: 'transform', filename: name, sourceMap: true });
  return code + inlineMap(map);
}

// amaro's columns count what a terminal shows: four for a tab, two for a wide character. They are UTF-16
// units, as everybody else's, in a source that has none of these: so that one is asked.
const flat = (text) =>
  text.replace(/[\t\u0080-\uffff]/g, (c) =>
    c === '\u2028' || c === '\u2029' ? c : /\s/.test(c) ? ' ' : '\u00e9',
  );

function placeOf(e, { name, text }) {
  if (!/[\t\u0080-\uffff]/.test(text)) return e;
  try {
    transform({ name, text: flat(text) });
  } catch (other) {
    if (other?.startLine === e.startLine) return other;
  }
  return e;
}

function errorOf(e, file) {
  if (typeof e?.startLine !== 'number') return toolError(e, file.name);
  const { startLine, startColumn, endLine, endColumn } = placeOf(e, file);
  return syntaxError(e.message, file.name, file.text, startLine, startColumn, endLine, endColumn);
}

globalThis.isolaneTool = function ({ files }) {
  const made = [];
  for (const file of files) {
    if (file.text.charCodeAt(0) === 0xfeff) file.text = file.text.slice(1);
    try {
      const code = transform(file);
      if (code === undefined || findUnknown(file.text)) return { needs: 'typescript' };
      made.push({ code });
    } catch (e) {
      return { error: errorOf(e, file) };
    }
  }
  return { files: made };
};

// By then what a source needs is optimized machine code: 2.3 ms for 10 kB in a fresh cell, 35 without. A
// zygote for a handful of files comes up sooner (job.input is the engine's, sandbox/engine/preload.cc).
const ROUNDS = job.input.quick ? 1 : 90;
const WARM_UP = `
import { readFile, type Stats } from "node:fs";
import type { Config } from "./config.ts";
/** @param values what is added up */
export interface Shape<T extends object = {}> { readonly name: string; area(this: Shape<T>): number; meta?: T }
type Point = { x: number; y: number } | null;
abstract class Base<T> implements Iterable<T> {
  protected abstract items: readonly T[];
  static #count = 0; declare tag: string; private seen = new Map<string, T>();
  *[Symbol.iterator](): Generator<T, void, unknown> { for (const item of this.items!) yield item as T; }
  get size(): number { return this.items.length } async load?(url: URL): Promise<void>;
}
export class List<T extends { id: number }> extends Base<T> {
  constructor(protected override items: T[] = []) { super(); }
  find<K extends keyof T>(key: K, value: T[K]): T | undefined { return this.items.find((i) => i[key] === value); }
}
const total = (values: number[], ...rest: Array<Point>): number => values.reduce((a: number, b) => a + b, 0);
function over(a: string): string; function over(a: number): number; function over(a: any): any { return a satisfies any; }
export default async function main(input: { values: number[]; at?: Point }): Promise<Record<string, unknown>> {
  const { values = [], at } = input; let text = \`\${total(values)} of \${values.length}\`;
  try { if (at?.x ?? 0 > 1) throw new Error(text); } catch (e: unknown) { console.error((e as Error).message); }
  for await (const [i, v] of Object.entries(values) as [string, number][]) { label: while (v > +i) break label; }
  return { text, over: over("x"), re: /a[/]b/gu.test(text), big: 10n ** 2n, list: new List<{ id: number }>([]) };
}
`;
const STRIPPED = WARM_UP.replace('protected override items', 'items');
const MORE = 'enum Color { Red, Green = "g" }\nnamespace Units { export const cm = 1; }\n';
for (let i = 0; i < ROUNDS; i++) {
  const name = `warm-${i}.ts`;
  const plain = isolaneTool({ files: [{ name, text: `${STRIPPED}// ${i}` }] });
  const more = isolaneTool({ files: [{ name, text: `${WARM_UP}${MORE}// ${i}` }] });
  const wrong = isolaneTool({ files: [{ name, text: `let a: = ${i}` }] });
  if (plain.files === undefined || more.files === undefined || wrong.error?.line !== 1)
    throw new Error(`amaro fails a trial: ${JSON.stringify([plain, more, wrong])}`);
}
