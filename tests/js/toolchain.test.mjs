// The TypeScript tools as plain modules: what their scan of a source finds, held against real sources; places of
// errors; and the tools in the engine, without jail and queue.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { runJob } from './shell.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
// not by its name, for which Node.js would look for a package.json of type module
const { findUnknown } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(join(root, 'sandbox/toolchain/scan.js'), 'utf8'))}`);

test('scan: what is a decorator, and what only looks like one', () => {
    for (const text of [
        '@a class X {}', 'class X { @a m() {} }', 'class X { @(f()) m() {} }', 'f(@a class {})', '/* */@a\nclass X {}', '`${1}`;@a class X {}',
        '`a${ {b: `${1}`} }`; @a class X {}', 'const r = /[/]@x/; @a class X {}', 'x = a / b; @a class X {}', 'if (x) /re/.test(y); @a class X {}',
        'const π = 1; @π class X {}', '@\\u0061 class X {}', 'x++ / 2; @a class X {}', '"\\"@"; @a class X {}', "'\\\n'; @a class X {}",
    ]) assert.equal(findUnknown(text), 'decorators', text);
    for (const text of ['class X { accessor x = 1 }', 'class X { static accessor #x }', 'class X { accessor [y] = 1 }', 'class X { accessor "z" }'])
        assert.equal(findUnknown(text), 'accessor fields', text);
    for (const text of [
        '', '@', 'a', '// @a class', '/** @param {string} x */', '"@a"', "'@a'", '`@a`', '`@a ${x} @b`', '`${`@a`}`', 'x = /@a/', 'return /[@/]@a/g', '#!/bin/x @a\n1',
        'const accessor = 1', 'accessor\nx', 'f(accessor x)', 'o.accessor', '// accessor x', '({ accessor: 1 })', 'for (const accessor of x);', 'f(accessor in x)', 'let x = accessor as y', 'a => /@b/', '`\\`@a`', '/* @a', '"@a', '`@a', 'x = /@a',
    ]) assert.equal(findUnknown(text), undefined, text);
});

test('scan: large sources that have none', () => {
    const files = readdirSync(join(root, 'node_modules/typescript/lib')).filter((n) => /\.js$/.test(n)).map((n) => join(root, 'node_modules/typescript/lib', n));
    for (const path of [...files, join(root, 'node_modules/esbuild/lib/main.js'), join(root, 'node_modules/web-streams-polyfill/dist/ponyfill.mjs')]) {
        const text = readFileSync(path, 'utf8');
        assert.equal(findUnknown(text), undefined, path);
        assert.equal(findUnknown(`${text}\n@last class X {}`), 'decorators', path);
    }
});

const tool = (name, input) => {
    const options = ['--preload', join(root, 'build/engine', `${name}.js`), '--quick', '--heap-mb', '512', '--memory-mb', '768', '--value-kb', '16384'];
    const r = runJob('export default isolaneTool', ...options, '--input', JSON.stringify(input));
    assert.equal(r.end, 'ok', JSON.stringify(r));
    return r.value;
};
const one = (name, text, more = {}) => tool(name, { files: [{ name: 'a.ts', text }], ...more });

test('toolchain: what is taken away leaves every position; what is transformed has a map', () => {
    const text = 'let a: number = 1;\nfunction f<T>(x: T): T { return x as T }\n';
    const { files: [{ code }] } = one('toolchain', text);
    assert.equal(code.length, text.length);
    assert.equal(code.replace(/\s+/g, ''), 'leta=1;functionf(x){returnx}');
    const more = one('toolchain', 'enum A { X }\nexport const b = A.X;\n').files[0].code;
    const [, base64] = more.match(/\n\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\n$/);
    const map = JSON.parse(Buffer.from(base64, 'base64'));
    assert.deepEqual([map.version, map.sources], [3, ['a.ts']]);
});

test('toolchain: places of errors in what is wide, narrow, or no character of its own', () => {
    for (const [before, column] of [['', 8], ['\t', 9], ['"ä";', 12], ['"𝒳";', 13], ['"日本";', 13], ['/*👍🏽*/', 16], ['\ufeff', 8], ['\u3000', 9], ['let ñ = 1;', 18]]) {
        const { error } = one('toolchain', `\n${before}let b: = 2`.replace('\n\ufeff', '\ufeff'));
        assert.deepEqual([error.name, error.column, error.line], ['SyntaxError', column, before === '\ufeff' ? 1 : 2], JSON.stringify([before, error]));
    }
    assert.deepEqual(one('toolchain', '@a class X {}'), { needs: 'typescript' });
    assert.equal(one('toolchain', 'let x: ;\n@a class X {}').error.line, 1);
});

test('typescript: transpiled with a map, checked with all places', () => {
    const { files: [{ code }] } = one('typescript', 'const seen = (v: any, c: any) => {};\n@seen class X { accessor y = 1 }\nexport default new X().y;\n');
    assert.match(code, /__esDecorate/);
    assert.match(code, /\n\/\/# sourceMappingURL=data:application\/json;base64,\S+\n$/);
    assert.deepEqual(one('typescript', 'export default 1;', { check: true }), { files: [] });
    const many = one('typescript', 'let x: string = 1;\n'.repeat(60).replace(/x/g, (_, i) => `x${i}`), { check: true }).error;
    assert.deepEqual([many.name, many.file, many.line, many.column], ['TypeScriptError', 'a.ts', 1, 5]);
    assert.equal(many.message.split('\n').length, 51);
    assert.match(many.message, /\n… and 10 more$/);
});

// ---- what a job finds, as a check knows it ----

const ts = createRequire(import.meta.url)('typescript');
const types = join(root, 'build/engine/isolane.d.ts');

test('types: every global has a declaration, and nothing that a job does not find has a value', () => {
    const globals = JSON.parse(readFileSync(join(root, 'build/gen/globals.json'), 'utf8'));
    const file = ts.createSourceFile('isolane.d.ts', readFileSync(types, 'utf8'), ts.ScriptTarget.Latest);
    const declared = new Set(file.statements.flatMap((s) =>
        ts.isVariableStatement(s) ? s.declarationList.declarations.map((d) => d.name.text)
            : ts.isFunctionDeclaration(s) || ts.isClassDeclaration(s) || ts.isModuleDeclaration(s) ? [s.name.text] : []));
    const language = new Set(runInNewContext('Object.getOwnPropertyNames(globalThis)'));
    language.delete('WebAssembly');
    language.delete('console');
    assert.deepEqual(globals.filter((name) => !language.has(name) && !declared.has(name)), [], 'without a type: sandbox/toolchain/ambient.d.ts');
    assert.deepEqual([...declared].filter((name) => !globals.includes(name)), [], 'not there');
});

test('types: the declarations are right among themselves, and those of a worker are not there', () => {
    const problems = (text) => {
        const options = { strict: true, noEmit: true, lib: ['lib.esnext.d.ts'], types: [], target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
        const host = ts.createCompilerHost(options), { getSourceFile } = host;
        host.getSourceFile = (path, ...more) => path === '/job.ts' ? ts.createSourceFile(path, text, ts.ScriptTarget.ESNext) : getSourceFile(path, ...more);
        return ts.getPreEmitDiagnostics(ts.createProgram(['/job.ts', types], options, host)).map((d) => `${d.file?.fileName.split('/').at(-1)} ${ts.flattenDiagnosticMessageText(d.messageText, ' ')}`);
    };
    assert.deepEqual(problems(`
        const url = new URL('x', job.env.BASE), params: URLSearchParams = url.searchParams;
        const stream = new ReadableStream<BufferSource>().pipeThrough(new TextDecoderStream());
        for await (const text of stream) console.log(text.length, params.get('a')?.length);
        const key = await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign']);
        addEventListener('unhandledrejection', (e) => { e.preventDefault(); reportError(e.reason) });
        const stop = AbortSignal.any([AbortSignal.timeout(5), new AbortController().signal]);
        const { instance } = await WebAssembly.instantiate(new Uint8Array());
        const stored: string | undefined = await kv.get('a', { type: 'text' });
        for await (const change of kv.watch()) if (change.type === 'put') log.info(change.key, { stored, at: change.storedAt });
        console.log((await emit({ script: '1' }, { class: 'low' })).id);
        export default [key, stop.aborted, instance.exports, structuredClone(url.href), performance.now(), sodium.x];`), []);
    assert.equal(problems('export default [indexedDB, importScripts, caches, new OffscreenCanvas(1, 1)];').length, 4);
});
