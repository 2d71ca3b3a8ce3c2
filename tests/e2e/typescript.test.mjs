// TypeScript that runs as it is: what is transformed, and where errors of it are; the cache; type checks; sources and
// accidents that a worker must live through.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { build, fresh_folder, root, scratch } from './lib/place.mjs';
import { descendants_of, isolane, send_signal, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const config = {
    job_max_kb: 20480,
    profile_idle_s: 3600,
    tenants: [{ name: 'default' }, { name: 'strict', strict_ts: true }, { name: 'other' }],
};

let w, c, first;
before(async () => {
    w = await up({ config });
    c = await Client.connect(w.url);
    [first] = w.zygotes(); // of the default profile; the others hold tools
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const ts = (script, more = {}, options) => c.execute({ script, name: 'a.ts', ...more }, options);
const ok = async (script, more, options) => {
    const r = await ts(script, more, options);
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    return r.value;
};
const threw = async (script, more, options) => {
    const r = await ts(script, more, options);
    assert.equal(r.outcome, 'threw', JSON.stringify([r.outcome, r.error, r.value]));
    return r.error;
};
const invalid = async (job, options) => {
    const r = await c.execute(job, options);
    assert.deepEqual([r.outcome, r.error.name, r.attempts], ['invalid', 'InvalidJob', 0]);
    return r.error.message;
};
const tools = () => w.zygotes().filter((p) => p !== first);

// ---- what runs -------------------------------------------------------------------------------------------

test('types are taken away: annotations, generics, interfaces, satisfies, overloads, declare', async () => {
    assert.deepEqual(await ok(`
        interface Shape<T extends object = {}> { readonly name: string; extra?: T }
        type Point = { x: number; y?: number } | null;
        declare const never_there: string;
        function over(a: string): string; function over(a: number): number; function over(a: any): any { return a }
        abstract class Base<T> { protected items!: T[]; declare tag: string; abstract f(this: Base<T>): void }
        class List<T> extends Base<T> implements Iterable<T> {
            override f(): void {} constructor(readonly_items: readonly T[]) { super(); this.items = [...readonly_items] }
            *[Symbol.iterator](): Generator<T> { for (const i of this.items!) yield i as T }
        }
        const p = { x: 1 } satisfies Point;
        export default async (input: { n: number }): Promise<unknown> =>
            ({ n: input.n, p, over: over('x'), list: [...new List<number>([1, 2])], keys: Object.keys(new List<string>([])) });`,
    { input: { n: 7 } }), { n: 7, p: { x: 1 }, over: 'x', list: [1, 2], keys: ['items'] });
});

test('what is more than types: enums, namespaces, parameter properties', async () => {
    assert.deepEqual(await ok(`
        enum Color { Red = 1, Green, Blue = 'b' as any }
        const enum Bit { A = 1 << 0, B = 1 << 1, Both = A | B }
        namespace Units { export const cm = 10; export namespace Deep { export const mm = cm / 10 } }
        class P { constructor(private readonly x: number, public y = 2) {} get sum(): number { return this.x + this.y } }
        export default [Color.Green, Color[1], Bit.Both, Units.Deep.mm, new P(1).sum];`), [2, 'Red', 3, 1, 3]);
});

test('decorators of the standard and accessor fields; legacy ones with experimental_decorators', async () => {
    assert.deepEqual(await ok(`
        const seen: string[] = [];
        /** @param v "@not" a decorator */
        function log(v: unknown, c: DecoratorContext): void { seen.push(c.kind + ':' + String(c.name)) }
        @log class A { @log accessor x = 1; @log m(): number { return this.x } }
        export default [new A().m(), ...seen];`), [1, 'accessor:x', 'method:m', 'class:A']);
    assert.deepEqual(await ok(`
        const seen: string[] = [];
        const log = (target: any, key: string): void => { seen.push(typeof target + ':' + key) };
        class A { @log x = 1; @log m(): void {} }
        new A(); export default seen;`, { typescript: { experimental_decorators: true } }), ['object:x', 'object:m']);
});

test('JSX: classic, by pragma, by the job; automatic asks for its package', async () => {
    const h = 'const h = (tag: unknown, props: object | null, ...children: unknown[]) => ({ tag, props, children });\n';
    const view = 'export default <b id="1">{2}<i/></b>;';
    const value = { tag: 'b', props: { id: '1' }, children: [2, { tag: 'i', props: null, children: [] }] };
    assert.deepEqual(await ok(`/** @jsx h */\n${h}${view}`, { name: 'a.tsx' }), value);
    assert.deepEqual(await ok(h + view, { language: 'tsx', name: undefined, typescript: { jsx_factory: 'h' } }), value);
    const error = await threw(view, { name: 'a.tsx', typescript: { jsx: 'automatic', jsx_import_source: 'preact' } });
    assert.match(error.message, /preact\/jsx-runtime/);
});

test('a job of several files: the one that is wrong is named', async () => {
    const files = { 'main.ts': 'import { E } from "./e.mts"; export default E.One;', 'e.mts': 'export enum E { One = }', 'types.d.ts': 'declare const x: number;' };
    const { outcome, error } = await c.execute({ files });
    assert.deepEqual([outcome, error.name, error.line, error.column], ['threw', 'SyntaxError', 1, 23]);
    assert.match(error.stack, /^e\.mts:1\n/);
});

test('a classic script has its completion value; a byte order mark and a #! line are no error', async () => {
    assert.equal(await ok('const n: number = 20; n + 1', { type: 'script', name: 'a.cts' }), 21);
    assert.equal(await ok('\ufeffconst n: number = 20; export default n', {}), 20);
    assert.equal(await ok('#!/usr/bin/env -S isolane run\nexport default 1 as number', {}), 1);
});

test('language says what a script without a telling name is; a result has the hash of the source', async () => {
    const script = 'export default (1 as number)';
    const r = await c.execute({ script, language: 'typescript' });
    assert.deepEqual([r.outcome, r.value], ['ok', 1]);
    assert.deepEqual([r.language, r.transform.cached, r.transform.checked], ['typescript', false, false]);
    assert.ok(r.transform.cpu_ms > 0 && r.transform.wall_ms > 0, JSON.stringify(r.transform));
    const again = await c.execute({ script, language: 'typescript' });
    assert.deepEqual(again.transform, { cached: true, checked: false, cpu_ms: 0, wall_ms: 0 });
    const plain = await c.execute({ script: '1' });
    assert.deepEqual([plain.language, plain.transform], ['javascript', null]);
    const { createHash } = await import('node:crypto');
    assert.equal(r.script_sha256, createHash('sha256').update(script).digest('hex'));
    assert.equal((await c.execute({ script: 'export default 2', name: 'a.ts', language: 'javascript' })).value, 2);
});

// ---- where errors are ------------------------------------------------------------------------------------

test('positions are those of the source: thrown errors, stacks', async () => {
    const script = 'type A = { a: number };\n\nconst f = (a: A): never => {\n  throw new TypeError("here" + a.a);\n};\nf({ a: 1 });\n';
    const e = await threw(script);
    assert.deepEqual([e.name, e.line, e.column], ['TypeError', 4, 9]);
    assert.match(e.stack, /at f \(a\.ts:4:9\)\n {4}at a\.ts:6:1/);
});

test('syntax errors: name, message, picture, line and column, in UTF-16 units', async () => {
    const e = await threw('const a = 1;\n\t"ä𝒳"; let b: = 2;\n');
    assert.deepEqual([e.name, e.line, e.column], ['SyntaxError', 2, 16]);
    assert.match(e.message, /^Unexpected token `=`/);
    assert.match(e.stack, /^a\.ts:2\n\t"ä𝒳"; let b: = 2;\n\t {14}\^\n\nSyntaxError: Unexpected token/);
    const x = await threw('\nexport default <b>{1</b>;', { name: 'view.tsx' });
    assert.deepEqual([x.name, x.line], ['SyntaxError', 2]);
    assert.match(x.stack, /^view\.tsx:2\n/);
});

test('a source that is wrong is not tried again, and uses up no attempt', async () => {
    const r = await ts('let a: =', { max_attempts: 5, retry_on: ['threw'] });
    assert.deepEqual([r.outcome, r.state, r.attempts, r.started_at], ['threw', 'done', 0, null]);
});

// ---- check -----------------------------------------------------------------------------------------------

test('check: wrong types end the job before it runs, with each place', async () => {
    const e = await threw('const n: number = "a";\nconsole.log("ran");\nexport default job.idd + n;\n', { check: true });
    assert.deepEqual([e.name, e.line, e.column], ['TypeScriptError', 1, 7]);
    assert.match(e.message, /^a\.ts:1:7 TS2322: Type 'string' is not assignable to type 'number'\.\na\.ts:3:20 TS2339: Property 'idd' does not exist/);
});

test('check: what a job finds has types; right ones run', async () => {
    assert.deepEqual(await ok(`
        console.log(await Promise.resolve(1), job.env.X?.length, setTimeout((a: number) => a, 1, 2));
        const texts: ReadableStream<string>[] = [new Blob(['a']).textStream(), new Response('b').textStream()];
        const bytes: Uint8Array = new TextEncoder().encode(structuredClone(btoa('x')));
        export default async (input: { n: number }): Promise<number> => input.n + bytes.length + texts.length - 2;`, { check: true, input: { n: 1 } }), 5);
    const files = { 'a.ts': 'import { b } from "./b.ts"; export default b("x");', 'b.ts': 'export const b = (n: number) => n;' };
    const r = await c.execute({ files, main: 'a.ts', check: true });
    assert.deepEqual([r.outcome, r.error?.line, r.error?.column], ['threw', 1, 46], JSON.stringify(r));
});

test('isolane check: files and folders as one program, without running them', async () => {
    const dir = fresh_folder('check'), data = fresh_folder();
    mkdirSync(join(dir, 'src/node_modules/x'), { recursive: true });
    const put = (name, text) => writeFileSync(join(dir, name), text);
    put('src/a.ts', 'import { b } from "./b.js";\nimport d from "./d.json";\nconsole.log(declared, d.n);\nexport const s: string = b;\n');
    put('src/b.ts', 'export const b = 1;\n');
    put('src/d.json', '{"n": 1}');
    put('src/types.d.ts', 'declare const declared: number;\n');
    put('src/node_modules/x/i.ts', 'let broken: = 1');
    const check = (...args) => isolane(['check', '--data', data, ...args], { cwd: dir });
    const wrong = await check('src/');
    assert.deepEqual([wrong.code, wrong.stdout, wrong.stderr], [1, "src/a.ts:4:14 TS2322: Type 'number' is not assignable to type 'string'.\n", '']);
    const right = await check('./src/b.ts');
    assert.deepEqual([right.code, right.stdout, right.stderr], [0, '', '']);
    const json = await check('src', '--json');
    assert.deepEqual([json.code, JSON.parse(json.stdout).error.line], [1, 4]);
    put('bad\\name.ts', '');
    for (const [args, message] of [[['../x.ts'], /^isolane: cannot read \.\.\/x\.ts: No such file/], [['src', 'bad\\name.ts'], /bad.name\.ts: a job's file cannot have this name/], [['src/d.json'], /no TypeScript among these files/], [['nope.ts'], /nope\.ts/]]) {
        const end = await check(...args);
        assert.deepEqual([end.code, end.stdout], [2, '']);
        assert.match(end.stderr, message);
    }
});

test('isolane types: the declarations of what a job finds', async () => {
    const printed = await isolane(['types']), file = join(scratch, 'isolane.d.ts');
    assert.deepEqual([printed.code, printed.stderr], [0, '']);
    assert.match(printed.stdout, /^declare const job: \{$/m);
    assert.match(printed.stdout, /^declare var URL: \{$/m);
    const written = await isolane(['types', file]);
    assert.deepEqual([written.code, written.stdout, readFileSync(file, 'utf8') === printed.stdout], [0, '', true]);
});

// ---- what is refused -------------------------------------------------------------------------------------

test('strict_ts: a tenant\'s plain JavaScript is refused, its TypeScript runs', async () => {
    const options = { tenant: 'strict' };
    assert.match(await invalid({ script: '1' }, options), /^language: found "javascript"; allowed: "typescript", .*strict_ts of tenant 'strict'/);
    assert.match(await invalid({ files: { 'a.ts': '1', 'lib/b.js': '1' }, main: 'a.ts' }, options), /^files\["lib\/b\.js"\]: found JavaScript; allowed: \.ts/);
    assert.equal(await ok('export default 3 as number', {}, options), 3);
    const r = await c.execute({ files: { 'a.ts': 'export default 4 as number', 'node_modules/x/i.js': '1', 'd.json': '1' }, main: 'a.ts' }, options);
    assert.equal(r.value, 4, JSON.stringify(r.error));
});

test('fields that are wrong are named', async () => {
    for (const [more, message] of [
        [{ language: 'coffee' }, 'language: found "coffee"; allowed: "javascript", "typescript", "tsx"'],
        [{ check: 1 }, 'check: found 1; allowed: true, false'],
        [{ check: true, name: 'a.js' }, /^check: found true; allowed: with TypeScript/],
        [{ typescript: [] }, 'typescript: found array; allowed: an object'],
        [{ typescript: { jsx: 'x' } }, 'typescript.jsx: found "x"; allowed: "classic", "automatic"'],
        [{ typescript: { jsx_factory: 'a b' } }, /^typescript\.jsx_factory: found "a b"; allowed: a name/],
        [{ typescript: { jsxx: 1 } }, /^typescript: unknown field 'jsxx'; .* did you mean 'jsx'\?$/],
        [{ profile: 'toolchain' }, 'profile: found "toolchain"; allowed: "default", "jitless"'],
        [{ profile: 'typescript' }, 'profile: found "typescript"; allowed: "default", "jitless"'],
    ]) {
        const found = await invalid({ script: '1', name: 'a.ts', ...more });
        if (message instanceof RegExp) assert.match(found, message);
        else assert.equal(found, message);
    }
});

// ---- the cache -------------------------------------------------------------------------------------------

test('a source is transformed once, on disk too; an entry that was altered counts for nothing', async () => {
    const data = fresh_folder(), file = join(scratch, 'cached.ts');
    writeFileSync(file, 'enum A { X = 5 }\nexport default A.X;');
    const run = async () => {
        const end = await isolane(['run', file, '--json', '--data', data]);
        assert.equal(end.code, 0, end.stderr);
        return JSON.parse(end.stdout).value;
    };
    const entries = () => readdirSync(join(data, 'transforms')).sort();
    assert.equal(await run(), 5);
    const [name, ...none] = entries();
    assert.deepEqual(none, []);
    const path = join(data, 'transforms', name), good = readFileSync(path, 'latin1');
    assert.match(good, /^isolane-transform-1 [0-9a-f]{64}\n/);
    for (const bad of ['', good.slice(0, 40), good.replace('= 5', '= 6'), good.slice(0, -1), `${good}x`]) {
        writeFileSync(path, bad, 'latin1');
        assert.equal(await run(), 5);
        assert.equal(readFileSync(path, 'latin1'), good);
    }
    // what is right, but of another source
    writeFileSync(file, 'enum A { X = 7 }\nexport default A.X;');
    assert.equal(await run(), 7);
    const other = entries().find((n) => n !== name);
    renameSync(path, join(data, 'transforms', other));
    assert.equal(await run(), 7);
});

test('many jobs of one source at once all run', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `many-${i}`);
    const script = 'enum A { X = 9 }\nexport default (n: number) => n + A.X;';
    await Promise.all(ids.map((id, i) => c.publish({ id, script, name: 'many.ts', input: i })));
    for (const [i, id] of ids.entries()) assert.equal((await c.result(id)).value, i + 9);
});

test('a process that stays for the next job has what its own source and options were made into', async () => {
    const script = `const seen: unknown[] = []; const d = (...a: any[]): any => { seen.push(a.length) }; class A { @d m(): void {} }
        let calls = 0; export default (): unknown => [seen, ++calls];`;
    const job = { script, name: 'stays.ts', reuse: 'script' }, legacy = { ...job, typescript: { experimental_decorators: true } };
    const values = [];
    for (const j of [job, job, legacy, legacy, job]) values.push((await c.execute(j)).value);
    assert.deepEqual(values.map(([seen]) => seen), [[2], [2], [3], [3], [2]]);
    assert.ok(Math.max(...values.map(([, calls]) => calls)) > 1, JSON.stringify(values));
});

// ---- accidents and enemies -------------------------------------------------------------------------------

test('9 MB of TypeScript is refused; what cannot be transformed in its bounds ends the job alone', async () => {
    assert.match(await invalid({ script: `// ${'x'.repeat(9 << 20)}`, name: 'big.ts' }),
        /^script: found 94371\d\d bytes of TypeScript; allowed: at most 8388608$/);
    const deep = await threw(`export default ${'('.repeat(200_000)}1${')'.repeat(200_000)}`);
    assert.equal(deep.name, 'TypeScriptError', JSON.stringify(deep));
    assert.equal(await ok('export default 1 as number'), 1);
});

test('types that take forever to check: the time is bounded, other jobs go on', async () => {
    const slow = ts(`
        type Bit = 0 | 1; type Eight = [Bit, Bit, Bit, Bit, Bit, Bit, Bit, Bit];
        type Big = \`\${Eight[0]}\${Eight[1]}\${Bit}\${Bit}\${Bit}\${Bit}\${Bit}\${Bit}\${Bit}\${Bit}\${Bit}\${Bit}\${Bit}\${Bit}\${Bit}\`;
        type Cross<A extends string, B extends string> = A extends string ? B extends string ? \`\${A}\${B}\` extends \`\${infer X}0\${infer Y}\` ? [X, Y] : 0 : 1 : 2;
        const x: Cross<Big, Big> = 1; export default x;`, { id: 'slow-check', check: true });
    assert.equal(await ok('export default 11 as number'), 11);
    await c.cancel('slow-check');
    const r = await slow;
    assert.ok(['cancelled', 'threw'].includes(r.outcome), r.outcome);
});

test('a job that is cancelled, or whose deadline passes, while it is transformed', async () => {
    let n = 0;
    const source = `${'export const v = { a: [1, 2, { b: (x: number): number => x * 2 }] };\n'
        .repeat(60_000).replace(/\bv\b/g, () => `v${n++}`)}enum E { X }`;
    await c.publish({ id: 'stop-me', script: source, name: 'long.ts' });
    await until('its transform to begin', async () => (await c.get('stop-me')).state !== undefined);
    await c.cancel('stop-me');
    const r = await c.result('stop-me');
    assert.ok(['cancelled', 'ok'].includes(r.outcome), JSON.stringify(r.error));
    const late = await c.execute({ id: 'late', script: `${source}\n// late`, name: 'late.ts', ttl_ms: 60 });
    assert.deepEqual([late.outcome, late.error.name], ['cancelled', 'DeadlineExceeded']);
});

test('the zygote of the transformer is killed again and again: every job ends as it should', async () => {
    await ok('export default 1 as number // up');
    const ids = Array.from({ length: 30 }, (_, i) => `kill-${i}`);
    for (const [i, id] of ids.entries()) {
        await c.publish({ id, script: `enum A { X = ${i} }\nexport default A.X;`, name: 'kill.ts' });
        if (i % 10 === 5) for (const p of tools()) send_signal(p, 'SIGKILL');
    }
    for (const [i, id] of ids.entries()) {
        const r = await c.result(id);
        assert.deepEqual([r.outcome, r.value], ['ok', i], JSON.stringify(r.error));
    }
    assert.ok(w.is_up());
});

test('cells of a transformer that are killed: tried once more, then the result says so', async () => {
    await ok('export default 1 as number // again');
    let stop = false;
    const killing = (async () => {
        // Not for ever: on a slow machine none would live until it can take the job.
        for (const end = Date.now() + 2000; !stop && Date.now() < end;) {
            for (const z of tools()) for (const p of descendants_of(z)) send_signal(p, 'SIGKILL');
            await new Promise((r) => setTimeout(r, 5));
        }
    })();
    const r = await ts(`enum A { X }\nexport default A.X;`, { name: 'cells.ts' });
    stop = true;
    await killing;
    assert.ok((r.outcome === 'ok' && r.value === 0) || (r.outcome === 'crashed' && r.error.name === 'TypeScriptError'), JSON.stringify(r));
    assert.equal(await ok('export default 2 as number // after'), 2);
});

test('isolane check: files from anywhere, named as they are reached from here', async () => {
    const top = fresh_folder('anywhere');
    const put = (path, text) => {
        mkdirSync(dirname(join(top, path)), { recursive: true });
        writeFileSync(join(top, path), text);
    };
    put('here/a.ts', "import { n } from '../shared/n.ts';\nexport const s: string = n;");
    put('shared/n.ts', 'export const n: number = 1;');
    put('shared/more.ts', 'export const t: string = 2;');
    symlinkSync(join(top, 'shared'), join(top, 'here/link'));
    const check = async (cwd, ...args) => (await isolane(['check', '--data', fresh_folder(), ...args], { cwd: join(top, cwd) })).stdout.replaceAll(/ TS\d+: .*/g, '').trim().split('\n').sort();
    assert.deepEqual(await check('here', 'a.ts', '../shared'), ['../shared/more.ts:1:14', 'a.ts:2:14']);
    assert.deepEqual(await check('here', '.'), ['a.ts:1:19'], 'links are left out');
    assert.deepEqual(await check('here', join(top, 'here/a.ts'), join(top, 'shared/n.ts')), [`${top}/here/a.ts:2:14`]);
    assert.deepEqual(await check('here', join(top, 'here')), ['a.ts:1:19']);
    assert.deepEqual(await check('shared', './../shared//more.ts'), ['more.ts:1:14']);
    assert.deepEqual(await check('..', join(top, 'shared', 'more.ts')), [`${top.split('/').at(-1)}/shared/more.ts:1:14`]);
});

test('isolane check: the nearest tsconfig.json with what it extends, `paths` too; what is wrong with it', async () => {
    const top = fresh_folder('extends');
    const put = (path, text) => {
        mkdirSync(dirname(join(top, path)), { recursive: true });
        writeFileSync(join(top, path), typeof text === 'string' ? text : JSON.stringify(text));
    };
    const check = (...args) => isolane(['check', '--data', fresh_folder(), ...args], { cwd: join(top, 'app') });
    put('node_modules/@tsconfig/own/package.json', { name: '@tsconfig/own', tsconfig: 'strict' });
    put('node_modules/@tsconfig/own/strict.json', { compilerOptions: { jsx: 'react', jsxFactory: 'h', experimentalDecorators: true } });
    put('base.json', '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] }, }, } // of all');
    put('app/tsconfig.json', { extends: ['@tsconfig/own', '../base'], compilerOptions: { jsxFactory: null } });
    put('lib/n.ts', 'export const n: number = 1;');
    put('app/src/a.ts', "import { n } from '@lib/n.ts';\nfunction d(_: object, __: string, ___: number) {}\nexport class A { m(@d x: number) { const s: string = n; return [s, x]; } }");
    const right = await check('src', '../lib');
    assert.equal(right.stdout, "src/a.ts:3:42 TS2322: Type 'number' is not assignable to type 'string'.\n", right.stderr);
    put('app/tsconfig.json', { extends: './a.json' });
    put('app/a.json', { extends: './tsconfig' });
    const circle = await check('src');
    assert.deepEqual([circle.code, circle.stdout], [2, '']);
    assert.match(circle.stderr, /^isolane: .*app\/tsconfig\.json: extends: found a circle, by way of .*app\/a\.json\n$/);
    for (const [what, says] of [['./none', /extends: found '\.\/none'; allowed: what is there\n$/], ['@none/x', /found '@none\/x'; allowed: what is there \(packages have to be installed\)/], [7, /extends: found number; allowed: the path of a file/], [[''], /found an empty text/]]) {
        put('app/tsconfig.json', { extends: what });
        const end = await check('src');
        assert.equal(end.code, 2, end.stdout);
        assert.match(end.stderr, says);
    }
    put('app/tsconfig.json', { extends: './c1.json' });
    for (let i = 1; i < 20; i++) put(`app/c${i}.json`, { extends: `./c${i + 1}.json` });
    assert.match((await check('src')).stderr, /extends: found more than 16 files in a chain/);
    for (let i = 1; i < 10; i++) put(`app/c${i}.json`, { extends: [`./c${i + 1}.json`, `./c${i + 1}.json`] });
    put('app/c10.json', {});
    assert.match((await check('src')).stderr, /extends: found more than 64 files in all/);
});

test('a job\'s check follows `paths` of the tsconfig.json beside what runs, as far as the job has it', async () => {
    const main = 'app/main.ts', files = {
        [main]: "import { n } from '@lib/n.ts'; export default n as string;",
        'lib/n.ts': 'export const n: number = 1;',
        'app/tsconfig.json': '{"extends": "../base.json"} // a comment',
    };
    const base = { 'base.json': '{"compilerOptions":{"paths":{"@lib/*":["./lib/*"]}}}' };
    assert.match((await c.execute({ files: { ...files, ...base }, main, check: true })).error.message, /^app\/main\.ts:1:47 TS2352: /);
    const lacking = (await c.execute({ files, main, check: true })).error.message.split('\n');
    assert.match(lacking[0], /TS2307: Cannot find module '@lib\/n\.ts'/);
    assert.match(lacking[1], /base\.json/);
    const circle = (await c.execute({ files: { ...files, 'base.json': '{"extends":"./app/tsconfig.json"}' }, main, check: true })).error.message;
    assert.match(circle, /TS18000: Circularity detected while resolving configuration: .*app\/tsconfig\.json/);
});

// ---- the zygotes of tools ------------------------------------------------------------------------------------

test('the tool\'s zygote is there when it is asked for, and goes when nobody needs it', async () => {
    const lazy = await up({ config: { profile_idle_s: 1 } }), ready = await up({ config: { profile_idle_s: 1, toolchain: 'ready' } });
    const lc = await Client.connect(lazy.url), rc = await Client.connect(ready.url);
    try {
        assert.equal(lazy.zygotes().length, 1);
        await until('the tool of the one that is ready', () => ready.zygotes().length === 2);
        for (const client of [lc, rc]) {
            const r = await client.execute({ script: 'export default 1 as number', name: 'a.ts', profile: 'jitless' });
            assert.deepEqual([r.outcome, r.profile], ['ok', 'jitless']);
        }
        await until('the tool to go with the last job', () => lazy.zygotes().length === 1);
        await until('the profile of the job to go, and not the tool', () => ready.zygotes().length === 2);
    } finally {
        await lc.close();
        await rc.close();
        await lazy.stop();
        await ready.stop();
    }
});

test('a worker that lacks the tool runs JavaScript, and says of TypeScript what is missing', async () => {
    const dir = fresh_folder('engine');
    mkdirSync(dir);
    for (const name of ['node', 'libisolane-cell.so', 'snapshot.bin']) symlinkSync(join(build, 'engine', name), join(dir, name));
    const files = ['a.ts', 'b.mjs'].map((name) => join(scratch, name));
    for (const file of files) writeFileSync(file, 'export default 1');
    const end = await isolane(['run', ...files, '--json', '--data', fresh_folder()], { env: { ISOLANE_ENGINE_DIR: dir } });
    const [a, b] = end.stdout.trim().split('\n').map((line) => JSON.parse(line)).sort((x, y) => x.outcome < y.outcome ? -1 : 1);
    assert.deepEqual([a.outcome, b.outcome, b.value], ['internal', 'ok', 1], end.stderr);
    assert.match(a.error.message, /^profile toolchain cannot be had on this worker: .*cannot read .*toolchain\.js: No such file/);
});

test('a tool whose cells all end before they are ready: a few tries, and the job says so', async () => {
    const dir = fresh_folder('engine'), data = fresh_folder();
    mkdirSync(dir);
    for (const name of ['node', 'libisolane-cell.so', 'snapshot.bin']) symlinkSync(join(root, 'build/fake-engine', name), join(dir, name));
    writeFileSync(join(dir, 'toolchain.js'), 'cells end 6');
    const file = join(scratch, 'dies.ts');
    writeFileSync(file, 'export default 1 as number');
    const end = await isolane(['run', file, '--json', '--wall-ms', '600000', '--data', data], { env: { ISOLANE_ENGINE_DIR: dir } });
    const r = JSON.parse(end.stdout);
    assert.deepEqual([end.code, r.outcome], [1, 'internal'], end.stderr);
    assert.match(r.error.message, /^profile toolchain cannot be had on this worker: 7 times in a row a cell ended before it was ready, .*: exit status 6$/);
    const js = await isolane(['run', '-', '--json', '--data', data], { env: { ISOLANE_ENGINE_DIR: dir }, input: 'value 1' });
    assert.equal(JSON.parse(js.stdout).value, 1);
});
