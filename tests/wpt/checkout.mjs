// Finds the tests of an area in a checkout and makes one script of each: prelude, harness, the files that its
// META lines name, the test. Files that a test would fetch are embedded.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, extname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needs, skipped } from './areas.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const prelude = readFileSync(join(here, 'prelude.js'), 'utf8');
const FILE_MAX = 8 << 20;
const TYPES = {
  '.json': 'application/json', '.txt': 'text/plain', '.html': 'text/html', '.vtt': 'text/vtt', '.png': 'image/png', '.webm': 'video/webm',
  '.wasm': 'application/wasm',
};

// What the suite's own server answers under another name.
const ALIASES = { 'resources/WebIDLParser.js': 'resources/webidl2/lib/webidl2.js' };

/** Is it one of the files that test interfaces against their IDL? */
const ofInterfaces = (path) => /(?:^|\/)idlharness[^/]*\.any\.js$/.test(path);

function* walk(root, folder) {
  if (!existsSync(join(root, folder))) return;
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, path);
    else if (entry.name.endsWith('.any.js')) yield path;
  }
}

/** META lines: {scripts, variants, globals}. */
function metaOf(text) {
  const meta = { scripts: [], variants: [], globals: ['window', 'dedicatedworker'] };
  for (const [, key, value] of text.matchAll(/^\/\/ META: *(\w+)=(.*?)\s*$/gm)) {
    if (key === 'script') meta.scripts.push(value);
    else if (key === 'variant') meta.variants.push(value);
    else if (key === 'global') meta.globals = value.split(',').map((s) => s.trim());
  }
  if (meta.variants.length === 0) meta.variants.push('');
  return meta;
}

function resolved(path, from) {
  const name = path.startsWith('/') ? path.slice(1) : posix.join(posix.dirname(from), path);
  return ALIASES[name] ?? name;
}

/** Why a file says nothing about a cell; undefined: it runs. */
function reasonToSkip(path, text, globals) {
  const prefix = skipped.find(([start]) => path.startsWith(start));
  if (prefix) return prefix[1];
  if (/\.sub\.any\.js$/.test(path)) return 'a server of web platform tests';
  if (!globals.some((g) => /^!?(?:window|worker|dedicatedworker|jsshell|shadowrealm.*|\*)$/.test(g)))
    return 'service workers or shared workers';
  return needs.find(([pattern]) => pattern.test(text))?.[1];
}

/** Files that the texts name and a test would fetch: path → [base64, type]. */
function embedded(root, path, texts) {
  const files = {};
  const add = (name) => {
    const file = join(root, name);
    if (existsSync(file) && statSync(file).size < FILE_MAX)
      files[name] = [readFileSync(file, 'base64'), TYPES[extname(name)] ?? ''];
  };
  for (const text of texts) {
    for (const [, name] of text.matchAll(/["'`]([\w./-]+\.(?:json|idl|txt|html|vtt|webm|png|wasm))["'`]/g)) add(resolved(name, path));
    for (const [, sources, dependencies] of text.matchAll(/idl_test\(\s*\[([^\]]*)\]\s*,\s*\[([^\]]*)\]/g))
      for (const [, name] of `${sources},${dependencies}`.matchAll(/["']([\w-]+)["']/g)) add(`interfaces/${name}.idl`);
  }
  return files;
}

/** Tests below the folders: {path, skip} or {path, variant, script()}; with `interfaces` those of IDL, else the others. */
export function* testsOf(root, folders, interfaces = false) {
  const read = (path) => readFileSync(join(root, path), 'utf8');
  for (const folder of folders) {
    for (const path of walk(root, folder)) {
      if (ofInterfaces(path) !== interfaces) continue;
      const text = read(path);
      const { scripts, variants, globals } = metaOf(text);
      const names = scripts.map((script) => resolved(script, path));
      const missing = names.find((name) => !existsSync(join(root, name)));
      const skip = missing ? `the checkout lacks ${missing}` : !interfaces && reasonToSkip(path, text, globals);
      if (skip) {
        yield { path, skip };
        continue;
      }
      for (const variant of variants)
        yield {
          path,
          variant,
          script() {
            const texts = [...names.map(read), text];
            const about = { wptFiles: embedded(root, path, texts), wptPath: path, wptVariant: variant };
            const declare = Object.entries(about).map(([name, value]) => `var ${name} = ${JSON.stringify(value)};`).join('\n');
            return [declare, prelude, read('resources/testharness.js'), 'wptBegin();', ...texts, 'done();'].join('\n;\n');
          },
        };
    }
  }
}
