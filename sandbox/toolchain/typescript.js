// The tool of the profile `typescript`: the TypeScript compiler itself.
//
//   isolaneTool({files: [{name, text}], options, script})  → {files: [{code}]} | {error: …}   as toolchain.js
//   isolaneTool({…, check: true, main})                    → {files: []} | {error: …}         types are checked
//
// How this works: what the fast transformer cannot do (JSX, decorators, accessor fields) is transpiled here,
// one file at a time, with its source map at its end. A check makes a program of all files of the job,
// strict, with the declarations of ECMAScript and of what a job finds (web_types.mjs). What this file does when
// it is loaded is the warm-up: the declarations are parsed and bound once, before the zygote forks, and every
// check goes on from that program.
import ts from 'typescript';
import ambient from '../../build/engine/isolane.d.ts';
import libs from '../../build/gen/typescript_libs.js';
import { inlineMap, syntaxError, toolError } from './say.js';

const DIAGNOSTICS_MAX = 50;
const DIAGNOSTIC_TEXT_MAX = 1000;
const NO_INPUTS = new Set([18002, 18003]); // its files are those of the job
const NO_MODULE = 2307;
const LIB = '/lib/';
const JOB = '/job/';
const AMBIENT = `${LIB}isolane.d.ts`;

// What the job's field `typescript` may say, over what stands for every job.
function settings({ jsx, jsx_factory, jsx_fragment_factory, jsx_import_source, experimental_decorators } = {}, script) {
  return {
    target: ts.ScriptTarget.ES2023,
    module: script ? ts.ModuleKind.None : ts.ModuleKind.ESNext,
    moduleDetection: script ? ts.ModuleDetectionKind.Legacy : ts.ModuleDetectionKind.Force,
    isolatedModules: !script,
    verbatimModuleSyntax: !script,
    useDefineForClassFields: true,
    jsx: jsx === 'automatic' ? ts.JsxEmit.ReactJSX : ts.JsxEmit.React,
    jsxFactory: jsx_factory,
    jsxFragmentFactory: jsx_fragment_factory,
    jsxImportSource: jsx === 'automatic' ? jsx_import_source : undefined,
    experimentalDecorators: experimental_decorators === true,
    ignoreDeprecations: '6.0',
  };
}

const textOf = (diagnostic) => {
  const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n  ');
  return text.length > DIAGNOSTIC_TEXT_MAX ? `${text.slice(0, DIAGNOSTIC_TEXT_MAX)}…` : text;
};

// ---- transpile ----

// A .cts file may say import x = require() and export =.
const commonJS = { module: ts.ModuleKind.CommonJS, moduleDetection: ts.ModuleDetectionKind.Auto, verbatimModuleSyntax: false };

// The compiler leaves out decorators that stand where they may not, without a word when it does not check.
function misplacedDecorator(source, legacy) {
  const look = (node) => {
    const decorator = node.modifiers?.find(ts.isDecorator);
    if (decorator && (!ts.canHaveDecorators(node) || (ts.isParameter(node) && !legacy))) {
      const messageText = ts.isParameter(node)
        ? 'Decorators of parameters are legacy ones: they need "typescript": {"experimental_decorators": true}, or experimentalDecorators in the tsconfig.json of what is submitted'
        : 'Decorators are not valid here';
      return { file: source, start: decorator.getStart(source), length: decorator.getWidth(source), messageText };
    }
    return ts.forEachChild(node, look);
  };
  return ts.forEachChild(source, look);
}

function transpile({ name, text }, options, script) {
  const compilerOptions = { ...settings(options, script), ...(/\.cts$/.test(name) && !script ? commonJS : {}), sourceMap: true };
  let misplaced;
  const look = () => (source) => {
    misplaced = misplacedDecorator(source, compilerOptions.experimentalDecorators);
    return source;
  };
  const { outputText, sourceMapText, diagnostics } = ts.transpileModule(text, {
    fileName: name,
    reportDiagnostics: true,
    compilerOptions,
    transformers: { before: [look] },
  });
  const wrong = diagnostics.find((d) => d.category === ts.DiagnosticCategory.Error && d.file) ?? misplaced;
  if (wrong) return { error: syntaxErrorOf(wrong, name, text) };
  const map = JSON.parse(sourceMapText);
  map.sources = [name];
  const code = outputText.replace(/\n\/\/# sourceMappingURL=[^\n]*\s*$/, '');
  return { code: code + inlineMap(JSON.stringify(map)) };
}

function syntaxErrorOf(diagnostic, name, text) {
  const { line, character } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start);
  const end = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start + diagnostic.length);
  const endColumn = end.line === line ? end.character : Infinity;
  return syntaxError(textOf(diagnostic), name, text, line + 1, character, end.line + 1, endColumn);
}

// ---- check ----

// Parsed once, in the zygote, whatever the options: declarations mean the same under all of them.
const parsed = new Map();

function declarations(path) {
  const text = path === AMBIENT ? ambient : libs[path.slice(LIB.length)];
  if (text === undefined) return undefined;
  if (!parsed.has(path)) parsed.set(path, ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, false));
  return parsed.get(path);
}

function hostOf(files) {
  const texts = new Map(files.map(({ name, text }) => [JOB + name, text]));
  const exists = (path) => texts.has(path) || (path.startsWith(LIB) && declarations(path) !== undefined);
  return {
    getSourceFile: (path, target) =>
      texts.has(path) ? ts.createSourceFile(path, texts.get(path), target, true) : declarations(path),
    getDefaultLibFileName: () => `${LIB}lib.esnext.d.ts`,
    getDefaultLibLocation: () => LIB,
    getCurrentDirectory: () => JOB,
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    fileExists: exists,
    readFile: (path) => texts.get(path),
    directoryExists: () => true,
    getDirectories: () => [],
    writeFile: () => {},
  };
}

// `paths` of the tsconfig.json that is nearest to the file that runs, with what it extends, as far as the job has
// that: of its options the only one that a check takes from it. The others are the job's field `typescript`, or
// stand for every job.
function configured(host, main) {
  let folder = JOB + main;
  do {
    folder = folder.slice(0, folder.lastIndexOf('/'));
  } while (folder.length >= JOB.length && !host.fileExists(`${folder}/tsconfig.json`));
  const path = `${folder}/tsconfig.json`;
  if (!host.fileExists(path)) return { options: {}, errors: [] };
  const { config, error } = ts.readConfigFile(path, host.readFile);
  if (error) return { options: {}, errors: [error] };
  const parsed = ts.parseJsonConfigFileContent(config, { ...host, readDirectory: () => [] }, folder, undefined, path);
  const { paths, baseUrl, pathsBasePath } = parsed.options;
  return { options: paths ? { paths, baseUrl, pathsBasePath } : {}, errors: parsed.errors.filter(({ code }) => !NO_INPUTS.has(code)) };
}

let base; // the program that the zygote made

function programOf(files, options, script, host = hostOf(files), more) {
  return ts.createProgram({
    rootNames: [AMBIENT, ...files.filter(({ name }) => /\.[cm]?tsx?$/.test(name)).map(({ name }) => JOB + name)],
    options: {
      ...settings(options, script),
      ...more,
      target: ts.ScriptTarget.ESNext,
      lib: ['lib.esnext.d.ts'],
      types: [],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      resolveJsonModule: true,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      module: ts.ModuleKind.ESNext,
    },
    host,
    oldProgram: base,
  });
}

function check(files, options, script, main) {
  const host = hostOf(files);
  const config = configured(host, main ?? files[0].name);
  const program = programOf(files, options, script, host, config.options);
  const found = ts
    .getPreEmitDiagnostics(program)
    .filter((d) => d.category === ts.DiagnosticCategory.Error && (!d.file || d.file.fileName.startsWith(JOB)));
  if (found.length === 0) return { files: [] };
  // What cannot be read of a tsconfig.json matters where its `paths` may be what is missing.
  if (found.some(({ code }) => code === NO_MODULE)) found.push(...config.errors);
  const lines = [];
  let first;
  for (const d of found.slice(0, DIAGNOSTICS_MAX)) {
    if (!d.file?.fileName.startsWith(JOB)) {
      lines.push(`TS${d.code}: ${textOf(d).replaceAll(JOB, '')}`);
      continue;
    }
    const { line, character } = d.file.getLineAndCharacterOfPosition(d.start);
    const file = d.file.fileName.slice(JOB.length);
    lines.push(`${file}:${line + 1}:${character + 1} TS${d.code}: ${textOf(d)}`);
    first ??= { file, line: line + 1, column: character + 1 };
  }
  if (found.length > DIAGNOSTICS_MAX) lines.push(`… and ${found.length - DIAGNOSTICS_MAX} more`);
  const name = 'TypeScriptError';
  const message = lines.join('\n');
  return { error: { name, message, stack: `${name}: ${message}`, ...first } };
}

// ---- the tool ----

globalThis.isolaneTool = function ({ files, options, script = false, check: checks = false, main }) {
  let file = files[0];
  for (const f of files) if (f.text.charCodeAt(0) === 0xfeff) f.text = f.text.slice(1);
  try {
    if (checks) return check(files, options, script, main);
    const made = [];
    for (file of files) {
      const one = transpile(file, options, script);
      if (one.error) return one;
      made.push({ code: one.code });
    }
    return { files: made };
  } catch (e) {
    return { error: toolError(e, file.name) };
  }
};

const ROUNDS = job.input.quick ? 1 : 4;
const WARM_UP = `
/** @jsx h */
function sealed<T extends new (...args: any[]) => object>(c: T, _: ClassDecoratorContext) { return c; }
const h = (tag: string, props: object | null, ...children: unknown[]): unknown => ({ tag, props, children });
interface Point { x: number; y?: number }
@sealed class Shape<T extends Point> { accessor at: T | undefined; constructor(private readonly points: T[]) {}
  get total(): number { return this.points.reduce((sum, p) => sum + p.x + (p.y ?? 0), 0); } }
enum Color { Red, Green }
export default async (input: { points: Point[] }): Promise<Record<string, unknown>> => {
  const shape = new Shape(input.points), names = new Map<string, Color>([["a", Color.Red]]);
  for (const [name, color] of names) console.log(name, Color[color], job.id, await Promise.all([secrets.get("x")]));
  return { total: shape.total, list: Object.entries(input).map(([k, v]) => [k, v.length] as const) };
};
`;
for (let i = 0; i < ROUNDS; i++) {
  const files = [{ name: `warm-${i}.ts`, text: WARM_UP }];
  const jsx = [{ name: `warm-${i}.tsx`, text: `${WARM_UP}export const view = <b x={${i}}>{h}<i/></b>;` }];
  const answers = [isolaneTool({ files, check: true }), isolaneTool({ files: jsx })];
  base ??= programOf([], undefined, false);
  const wrong = isolaneTool({ files: [{ name: 'wrong.ts', text: `const n: number = "${i}";` }], check: true });
  if (answers.some((a) => a.error) || wrong.error?.line !== 1)
    throw new Error(`the compiler fails a trial: ${JSON.stringify([answers, wrong]).slice(0, 2000)}`);
}
