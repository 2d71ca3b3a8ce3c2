// Build step: the declarations of ECMAScript that come with the TypeScript compiler, as one module of texts.
//   node libs.mjs OUT
// Takes lib.esnext.d.ts and what it refers to; the DOM's are left out, a job has none.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const folder = dirname(createRequire(import.meta.url).resolve('typescript'));
const texts = {};

function take(lib) {
  const file = `lib.${lib}.d.ts`;
  if (file in texts) return;
  const text = readFileSync(join(folder, file), 'utf8');
  texts[file] = text.replace(/^\/\*![\s\S]*?\*\/\s*/, ''); // the license stands in NOTICE of the package
  for (const [, name] of text.matchAll(/^\/\/\/ <reference lib="([^"]+)"/gm)) take(name);
}

take('esnext');
writeFileSync(process.argv[2], `export default ${JSON.stringify(texts)};\n`);
