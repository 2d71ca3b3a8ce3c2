// Stacks of TypeScript that was made into something else: the transformer's source maps read by the cell, through a real
// worker. Each transform is one that moves lines or columns, or the test would hold without a map.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder } from './lib/place.mjs';
import { isolane } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

let w, c;
before(async () => {
    w = await up({ config: { tenants: [{ name: 'default' }] } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const threw = async (job) => {
    const r = await c.execute(job);
    assert.equal(r.outcome, 'threw', JSON.stringify([r.outcome, r.error, r.value]));
    return r.error;
};
const script = (text, more = {}) => ({ script: text, name: 'a.ts', ...more });

/** Where `mark` stands in the text: [line, column], from 1. */
function place(text, mark) {
    const before_it = text.slice(0, text.indexOf(mark)).split('\n');
    return [before_it.length, before_it.at(-1).length + 1];
}

test('behind an enum, a namespace and parameter properties: line and column of the source', async () => {
    const text = `enum Color { Red, Green = 5, Blue }
namespace Units { export const cm = 10; }
class Box { constructor(private readonly w: number, public h: Color = Color.Blue) {}
    area(): number { if (this.h > 5) throw new RangeError('too high: ' + this.h); return this.w * this.h; }
}

export default function (): number { return new Box(Units.cm).area(); }
`;
    const e = await threw(script(text));
    const [line, column] = place(text, 'new RangeError');
    assert.deepEqual([e.name, e.message, e.line, e.column], ['RangeError', 'too high: 6', line, column]);
    assert.match(e.stack, new RegExp(`^RangeError: too high: 6\\n {4}at (\\w+\\.)?area \\(a\\.ts:${line}:${column}\\)`));
    const [l2, c2] = place(text, 'area(); }');
    assert.match(e.stack, new RegExp(`a\\.ts:${l2}:${c2}\\)$`));
});

test('behind decorators, which the compiler rewrites: a method, an accessor, the decorator itself', async () => {
    const text = `function loud(_: unknown, c: DecoratorContext): void { if (c.name === 'bad') throw new TypeError('no ' + String(c.name)); }
function same<T extends Function>(f: T, c: ClassMethodDecoratorContext): T { return f; }

class A {
    @loud accessor x: number = 1;
    @same
    method(this: A): never {
        throw new SyntaxError('from a decorated method');
    }
}
export default () => new A().method();
`;
    const e = await threw(script(text));
    assert.deepEqual([e.name, e.line, e.column], ['SyntaxError', ...place(text, 'new SyntaxError')]);
    assert.match(e.stack, /a\.ts:11:\d+/);
    const bad = text.replace('accessor x', 'accessor bad');
    const d = await threw(script(bad));
    assert.deepEqual([d.name, d.line, d.column], ['TypeError', ...place(bad, 'new TypeError')]);
    const old = `function dec(t: object, k: string): void { if (k === 'm') throw new RangeError('old'); }\n\nclass B {\n  @dec m(): void {}\n}\n`;
    const o = await threw(script(old, { typescript: { experimental_decorators: true } }));
    assert.deepEqual([o.name, o.line, o.column], ['RangeError', ...place(old, 'new RangeError')]);
});

test('behind JSX: a component that throws', async () => {
    const text = `const h = (f: any, p: any, ...k: any[]): any => typeof f === 'function' ? f({ ...p, k }) : [f, k];
type P = { n: number };
const Item = ({ n }: P) => <li>{n > 1 ? null!.x : n}</li>;
export default () => <ul>
    <Item n={1}/>
    <Item n={2}/>
</ul>;
`;
    const e = await threw({ script: text, name: 'view.tsx', typescript: { jsx_factory: 'h' } });
    assert.equal(e.name, 'TypeError');
    assert.equal(e.line, 3);
    assert.match(e.stack, /\(view\.tsx:3:\d+\)\n[^]*view\.tsx:6:\d+/);
});

test('several files, each with its own map; one that is only stripped; what is printed', async () => {
    const files = {
        'main.ts': "import { Level, check } from './lib/level.ts';\nenum Here { A = 'a' }\n\nexport default () => { console.error(new Error('printed')); return check(Level.High, Here.A); };\n",
        'lib/level.ts': "import { fail } from './plain.ts';\nexport enum Level { Low, High }\n\nexport function check(l: Level, why: string): number {\n    if (l === Level.High) fail(why);\n    return l;\n}\n",
        'lib/plain.ts': "export function fail(why: string): never {\n    type T = { deep: string };\n    throw new EvalError(why satisfies string);\n}\n",
    };
    const r = await c.execute({ files, main: 'main.ts' });
    assert.deepEqual([r.outcome, r.error.line, r.error.column], ['threw', 3, 11]);
    assert.match(r.error.stack, /^EvalError: a\n {4}at fail \(lib\/plain\.ts:3:11\)\n {4}at \w*check \(lib\/level\.ts:5:27\)\n {4}at [^\n]*\(main\.ts:4:\d+\)/);
    assert.match(r.stderr, /at [^\n]*main\.ts:4:\d+/);
});

test('an error that is caught, kept and thrown again, with a cause, keeps its places', async () => {
    const text = `enum E { A = 1 }
const make = (n: E): Error => new Error('made ' + n);

let kept: Error | undefined;
try { throw make(E.A); } catch (e) { kept = e as Error; }
throw new Error('outer', { cause: kept });
`;
    const e = await threw(script(text));
    assert.deepEqual([e.message, e.line, e.column], ['outer', 6, 7]);
    const shown = await c.execute(script(text.replace('throw new Error', 'console.log(kept.stack); throw new Error')));
    assert.match(shown.stdout, /at make \(a\.ts:2:31\)\n {4}at a\.ts:5:13/);
});

test('where a rejection was made, and a timer that throws', async () => {
    const text = `enum E { A = 1 }
async function later(): Promise<never> { await null;
    throw new RangeError('rejected ' + E.A); }
export default later();
`;
    const e = await threw(script(text));
    assert.deepEqual([e.name, e.line, e.column], ['RangeError', ...place(text, 'new RangeError')]);
    const timer = "namespace N { export const ms = 1 }\n\nsetTimeout((): void => {\n  throw new Error('timer');\n}, N.ms);\n";
    const t = await threw(script(timer));
    assert.deepEqual([t.message, t.line, t.column], ['timer', 4, 9]);
});

test('from the cache a source has the same places', async () => {
    const text = "enum E { A }\n\n\nexport default (): never => { throw new Error('again'); };\n";
    const one = await threw(script(text)), two = await threw(script(text));
    assert.deepEqual([one.line, one.stack], [4, two.stack]);
});

test('a project that esbuild bundles: its own TypeScript and a package that came with a map of its own', async () => {
    const dir = fresh_folder();
    // What a compiler made of src/lib.ts of the package, on one line.
    // All of it comes from line 3, column 1.
    const map = { version: 3, sources: ['../src/lib.ts'], names: [], mappings: 'AAEA', sourcesContent: ['// one\n// two\nexport function deep(): never { throw new TypeError("deep") }\n'] };
    const files = {
        'package.json': JSON.stringify({ name: 'chain', type: 'module', main: 'src/job.ts', dependencies: { made: '1' } }),
        'src/job.ts': "import { deep } from 'made';\nenum Mode { On = 2 }\n\nexport default (): number => { if (Mode.On > 1) deep(); return 0; };\n",
        'node_modules/made/package.json': JSON.stringify({ name: 'made', version: '1.0.0', type: 'module', main: './dist/lib.js' }),
        'node_modules/made/dist/lib.js': 'export function deep(){throw new TypeError("deep")}\n//# sourceMappingURL=lib.js.map\n',
        'node_modules/made/dist/lib.js.map': JSON.stringify(map),
    };
    for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(dir, path)), { recursive: true });
        writeFileSync(join(dir, path), text);
    }
    const r = await isolane(['run', dir, '--json', '--data', fresh_folder()]);
    const { outcome, error } = JSON.parse(r.stdout);
    assert.equal(outcome, 'threw', r.stdout + r.stderr);
    assert.equal(error.name, 'TypeError');
    assert.match(error.stack, /at \S*deep \(node_modules\/made\/src\/lib\.ts:3:1\)\n {4}at \S+ \(src\/job\.ts:4:\d+\)/);
    assert.equal(error.line, 3);
});
