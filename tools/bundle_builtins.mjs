// Bundles the built-ins (sandbox/js) for the startup snapshot: `bundle_builtins.mjs SOURCE_DIR OUT`.
//
// How this works
//   OUT is one text: the base bundle (SOURCE_DIR/main.js and all that it imports, a function body with the
//   parameter `native`), then each lazily loaded part behind a line "//# isolane:part NAME". A part is
//   SOURCE_DIR/parts/NAME.js or SOURCE_DIR/parts/NAME/index.js; its body has the parameters `native` and
//   `__cell` (parts.js makes that). sandbox/engine/snapshot.cc reads this.
//
//   A file of SOURCE_DIR itself belongs to the base: its state and classes exist once. Where a part imports
//   one, it gets the base's live exports (`__cell.shared`, by number: only what parts name is kept for them), where
//   it imports another part's index, that part's exports (`__cell.load`). In the place of primordials.js it has
//   inside/primordials.js, with the language's own by number as well (`__cell.original`); what both have stands in
//   inside/plain.js, bundled into each. Everything else, npm packages too, is bundled into the part.
//
//   A part is evaluated after guest code ran, so the language's constructors, which a script can replace on
//   globalThis, come to it as they were (`__cell.language`), and no helper of esbuild's that reads them is
//   in its way: exports leave by plain assignments.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';

const { build } = createRequire(import.meta.url)('esbuild');

const [source, out] = process.argv.slice(2).map((path) => resolve(path));
if (!out) {
  process.stderr.write('usage: bundle_builtins.mjs SOURCE_DIR OUT\n');
  process.exit(2);
}

const PARTS = join(source, 'parts');
const NAME = /^[a-z][a-z0-9_]{0,30}$/;
const quoted = JSON.stringify;

function fail(message) {
  process.stderr.write(`bundle_builtins: ${message}\n`);
  process.exit(1);
}

// name → file
function findParts() {
  const found = new Map();
  if (!existsSync(PARTS)) return found;
  for (const entry of readdirSync(PARTS, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isFile() && !entry.name.endsWith('.js')) continue;
    const name = basename(entry.name, '.js');
    const file = entry.isFile() ? join(PARTS, entry.name) : join(PARTS, entry.name, 'index.js');
    if (!NAME.test(name)) fail(`parts/${entry.name}: a part's name must match ${NAME}`);
    if (!existsSync(file)) fail(`parts/${name} has no index.js`);
    if (found.has(name)) fail(`parts/${name}.js and parts/${name}/index.js are the same part`);
    found.set(name, file);
  }
  return found;
}

const parts = findParts();
const partOf = new Map([...parts].map(([name, file]) => [file, name]));
const base = readdirSync(source).filter((name) => name.endsWith('.js'));

// What each module of the base and each part's index exports.
async function readExports() {
  const files = [...base.map((name) => join(source, name)), ...parts.values()];
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    // The other side sees the values of the moment in which a part is loaded.
    if (/^export (?:let|var)\b/m.test(text)) fail(`${relative('.', file)}: export const or functions, never let`);
    if (/^export \*/m.test(text)) fail(`${relative('.', file)}: name what is exported, no "export *"`);
  }
  const { metafile } = await build({
    entryPoints: files, bundle: false, write: false, metafile: true, format: 'esm', target: 'esnext',
    outdir: '/exports', outbase: source, logLevel: 'warning',
    logOverride: { 'unsupported-require-call': 'silent' }, // bundled later
  });
  const all = new Map();
  for (const output of Object.values(metafile.outputs)) all.set(resolve(output.entryPoint), output.exports);
  return all;
}

// What the language's own are called in parts: by number, in the order of sandbox/js/primordials.js.
const { methods, values } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(join(source, 'originals.js'), 'utf8'))}`);
const originals = [...Object.keys(methods), 'uncurry', ...Object.keys(values)];

const exported = await readExports();
const used = []; // [module of the base, what of it parts use]: by number, in their texts and in `shared`
const needs = new Map(); // part → parts that it imports

const taken = (names) =>
  names.map((name) => (name === 'default' ? 'default: theDefault' : name)).join(', ');
const reExport = (names, from) =>
  names.length === 0
    ? 'export {};'
    : `${names.includes('default') ? `const { ${taken(names)} } = ${from};\nexport { theDefault as default, ${names.filter((n) => n !== 'default').join(', ')} };` : `export const { ${names.join(', ')} } = ${from};`}`;

function insidePart(name) {
  const home = join(PARTS, name) + sep;
  return {
    name: 'part',
    setup(b) {
      b.onResolve({ filter: /^\.\.?\// }, ({ path, importer, resolveDir, namespace }) => {
        if (namespace !== 'file' || !importer.startsWith(source + sep)) return undefined;
        const file = resolve(resolveDir, path);
        if (file === join(source, 'primordials.js')) return { path: join(source, 'inside/primordials.js'), sideEffects: false };
        if (file === join(source, 'inside/plain.js')) return { path: file, sideEffects: false };
        if (dirname(file) === source) return { path: file, namespace: 'base', sideEffects: false };
        const other = partOf.get(file);
        if (other !== undefined && other !== name) {
          needs.get(name).add(other);
          return { path: file, namespace: 'other' };
        }
        if (file.startsWith(home) || file === parts.get(name)) return { path: file };
        return { errors: [{ text: `parts/${name} may import its own files, the base's, and the index of other parts` }] };
      });
      b.onResolve({ filter: /^isolane:originals$/ }, ({ path }) => ({ path, namespace: 'originals', sideEffects: false }));
      b.onLoad({ filter: /.*/, namespace: 'originals' }, () => ({
        contents: originals.map((original, i) => `export const ${original} = /* @__PURE__ */ __cell.original(${i});\n`).join(''),
      }));
      b.onLoad({ filter: /.*/, namespace: 'base' }, ({ path }) => {
        if (!exported.has(path)) return { errors: [{ text: `${path}: no such file` }] };
        const lines = exported.get(path).map((member) => {
          const from = `/* @__PURE__ */ __cell.shared(${quoted(basename(path))}, ${quoted(member)});\n`;
          return member === 'default' ? `export default ${from}` : `export const ${member} = ${from}`;
        });
        return { contents: lines.join('') };
      });
      b.onLoad({ filter: /.*/, namespace: 'other' }, ({ path }) => ({
        contents: reExport(exported.get(path), `__cell.load(${quoted(partOf.get(path))})`),
      }));
    },
  };
}

// Tables of the encodings of one byte (0x80 to 0xff as 128 characters), as this Node.js has them: its
// TextDecoder passes the web platform tests of each.
const SINGLE_BYTE = [
  'ibm866', 'iso-8859-2', 'iso-8859-3', 'iso-8859-4', 'iso-8859-5', 'iso-8859-6', 'iso-8859-7', 'iso-8859-8', 'iso-8859-10',
  'iso-8859-13', 'iso-8859-14', 'iso-8859-15', 'iso-8859-16', 'koi8-r', 'koi8-u', 'macintosh', 'windows-874', 'windows-1250',
  'windows-1251', 'windows-1252', 'windows-1253', 'windows-1254', 'windows-1255', 'windows-1256', 'windows-1257', 'windows-1258',
  'x-mac-cyrillic',
];
const tablesModule = {
  name: 'tables',
  setup(b) {
    b.onResolve({ filter: /^isolane:single-byte$/ }, ({ path }) => ({ path, namespace: 'tables' }));
    b.onLoad({ filter: /.*/, namespace: 'tables' }, () => {
      const upper = Uint8Array.from({ length: 128 }, (_, i) => i + 128);
      const rows = SINGLE_BYTE.map((name) => `${quoted(name)}: ${quoted(new TextDecoder(name).decode(upper))}`);
      return { contents: `export const tables = { __proto__: null, ${rows.join(', ')} };` };
    });
  },
};

// What inside/plain.js takes is in the base that of primordials.js.
const ownModule = {
  name: 'own',
  setup(b) {
    b.onResolve({ filter: /^isolane:originals$/ }, () => ({ path: join(source, 'primordials.js') }));
  },
};

// The base's side of it: parts.js imports this.
const sharedModule = {
  name: 'shared',
  setup(b) {
    b.onResolve({ filter: /^isolane:shared$/ }, ({ path }) => ({ path, namespace: 'shared' }));
    b.onLoad({ filter: /.*/, namespace: 'shared' }, () => {
      const imports = used.map(([name, member], i) => `import { ${member} as m${i} } from ${quoted(`./${name}`)};\n`);
      const cases = used.map((_, i) => `case ${i}: return m${i};\n`);
      const contents = `${imports.join('')}export function shared(number) { switch (number) {\n${cases.join('')}} }\n`;
      return { contents, resolveDir: source };
    });
  },
};

const common = {
  bundle: true, write: false, target: 'esnext', charset: 'ascii', minifyWhitespace: true, minifySyntax: true,
  define: { ISOLANE_VERSION: quoted(JSON.parse(readFileSync(new URL('../package.json', import.meta.url))).version) },
  legalComments: 'none', logLevel: 'warning', sourcesContent: false,
};

// Constructors and functions of the language, of which a part gets those that its text names.
const language = /const LANGUAGE = \[([^\]]*)\]/.exec(readFileSync(join(source, 'parts.js'), 'utf8'))?.[1].match(/\w+/g);
if (!language) fail('parts.js lacks the list LANGUAGE');

// esbuild makes `var X = class _X` of a class that names itself in its own body; a script would read that name.
// The class's own binding is as good when it is called X.
const withNames = (text) =>
  [...text.matchAll(/\b(\w+)=class _\1\b/g)].reduce((all, [, name]) => all.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name), text);

// The base keeps for parts what their texts name of it, and nothing else.
function numbered(name, member) {
  const known = used.findIndex(([n, m]) => n === name && m === member);
  return known >= 0 ? known : used.push([name, member]) - 1;
}

async function bundlePart(name, file) {
  needs.set(name, new Set());
  const names = exported.get(file);
  const entry = names.map((member, i) => `import { ${member} as e${i} } from ${quoted(file)};\n`).join('') +
    names.map((member, i) => `__cell.out[${quoted(member)}] = e${i};\n`).join('');
  const result = await build({
    ...common, stdin: { contents: entry, resolveDir: source, sourcefile: `parts/${name}` }, format: 'esm',
    // A package that is prepared for browsers and workers asks for no Node.js modules.
    platform: 'browser', plugins: [insidePart(name), tablesModule],
    // Names of the web that a package uses freely (`URL`) come from the part's own inject.js, not from globalThis.
    inject: [join(dirname(file), 'inject.js')].filter((path) => file.endsWith('/index.js') && existsSync(path)),
  });
  const text = withNames(result.outputFiles[0].text)
    .replace(/\b__cell\.shared\("([a-z_]+\.js)","(\w+)"\)/g, (_, module, member) => `__cell.shared(${numbered(module, member)})`);
  const free = language.filter((word) => new RegExp(`\\b${word}\\b`).test(text));
  return `"use strict";const{${free.join(",")}}=__cell.language;(()=>{\n${text}})();\n`;
}

function checkCycles() {
  const visit = (name, path) => {
    if (path.includes(name)) fail(`parts import each other: ${[...path, name].join(' -> ')}; use lazy() for one of them`);
    for (const next of needs.get(name)) visit(next, [...path, name]);
  };
  for (const name of parts.keys()) visit(name, []);
}

let text = '';
for (const [name, file] of parts) text += `//# isolane:part ${name}\n${await bundlePart(name, file)}`;
checkCycles();
const main = await build({
  ...common, entryPoints: [join(source, 'main.js')], format: 'iife', globalName: 'hooks',
  footer: { js: 'return hooks.default;' }, plugins: [ownModule, sharedModule],
});
const whole = withNames(main.outputFiles[0].text) + text;
if (/[^\x00-\x7f]/.test(whole)) fail('the bundle must be ASCII');
mkdirSync(dirname(out), { recursive: true });
writeFileSync(`${out}.part`, whole);
renameSync(`${out}.part`, out);
