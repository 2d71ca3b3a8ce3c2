// Build step: the declarations of everything that a job finds on its global object.
//   node web_types.mjs GLOBALS.json AMBIENT.d.ts OUT
//
// How this works: what Isolane has of its own stands in ambient.d.ts. What it shares with browsers is taken out
// of lib.webworker.d.ts: the values that the engine really has (GLOBALS, asked of it by the build), and the
// types that their declarations speak of, and those of these. So a check knows URL when there is a URL, and
// never knows an indexedDB. The declarations of ambient.d.ts win, but those marked @adds, which are merged.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const ts = require('typescript');
const [globalsPath, ambientPath, out] = process.argv.slice(2);
const parse = (path) => ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);

const web = parse(join(dirname(require.resolve('typescript')), 'lib.webworker.d.ts'));
const ambient = parse(ambientPath);

// name → {types, values}: statements.
function statementsOf(file) {
  const found = new Map();
  const add = (name, kind, statement) => {
    if (!found.has(name)) found.set(name, { types: [], values: [] });
    found.get(name)[kind].push(statement);
  };
  for (const s of file.statements) {
    if (ts.isInterfaceDeclaration(s) || ts.isTypeAliasDeclaration(s)) add(s.name.text, 'types', s);
    else if (ts.isFunctionDeclaration(s) || ts.isClassDeclaration(s) || ts.isModuleDeclaration(s)) add(s.name.text, 'values', s);
    else if (ts.isVariableStatement(s)) for (const d of s.declarationList.declarations) add(d.name.text, 'values', s);
  }
  return found;
}

const known = statementsOf(web);
const adds = (s) => ts.getJSDocTags(s).some((tag) => tag.tagName.text === 'adds');
const own = statementsOf({ statements: ambient.statements.filter((s) => !adds(s)) });
const taken = new Set();
const spoken = new Set(); // names whose types were looked at

function leftmost(name) {
  while (name.left ?? name.expression) name = name.left ?? name.expression;
  return name.text;
}

function follow(node) {
  if (ts.isTypeReferenceNode(node)) takeTypes(leftmost(node.typeName));
  else if (ts.isExpressionWithTypeArguments(node)) takeTypes(leftmost(node.expression));
  else if (ts.isTypeQueryNode(node)) takeTypes(leftmost(node.exprName));
  ts.forEachChild(node, follow);
}

function take(statements) {
  for (const s of statements) {
    if (taken.has(s)) continue;
    taken.add(s);
    ts.forEachChild(s, follow);
  }
}

function takeTypes(name) {
  if (spoken.has(name) || own.has(name)) return;
  spoken.add(name);
  take(known.get(name)?.types ?? []);
}

ts.forEachChild(ambient, follow);
for (const name of JSON.parse(readFileSync(globalsPath, 'utf8'))) {
  if (own.has(name)) continue;
  takeTypes(name);
  take(known.get(name)?.values ?? []);
}

const texts = web.statements.filter((s) => taken.has(s)).map((s) => s.getFullText(web).replace(/^\s*\n/, ''));
const notice = '// What a job finds beyond ECMAScript. From the TypeScript compiler (Apache License 2.0, Microsoft):\n\n';
writeFileSync(out, `${notice}${texts.join('\n')}\n// ---- Isolane's own ----\n\n${ambient.getFullText()}`);
