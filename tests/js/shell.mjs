// Runs scripts in the engine shell (tests/engine/shell.c). Needs `make engine-shell`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const shellDir = process.env.ISOLANE_ENGINE_SHELL ?? join(root, 'build/engine-shell');
const folder = mkdtempSync(join(tmpdir(), 'isolane-js-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let count = 0;

// A file of the test's own folder that holds the text.
export function fileOf(text, suffix = '.mjs') {
  const path = join(folder, `case${count++}${suffix}`);
  writeFileSync(path, text);
  return path;
}

// For tests that spawn it themselves.
export const shellCommand = () => ({
  command: join(root, 'build/engine/node'),
  env: { PATH: process.env.PATH, LD_PRELOAD: join(shellDir, 'libshell.so') },
});

function spawnShell(path, options) {
  const { command, env } = shellCommand();
  const result = spawnSync(command, [path, ...options], {
    env,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (result.error) throw result.error;
  if (result.status !== 0 && result.status !== 1)
    throw new Error(`engine shell: exit ${result.status} ${result.signal}\n${result.stderr}`);
  return result;
}

// The job's result: {end, value, stdout, stderr, error, …}; options are the shell's.
export function runJob(source, ...options) {
  const result = spawnShell(fileOf(source), ['--json', ...options]);
  return JSON.parse(result.stdout);
}

// One job's results as lines of JSON: the script calls `show(name, value)` with plain values. Returns
// an object of them; a script that does not end well fails here.
export function runCases(source, ...options) {
  const prelude = 'const show = (name, value) => console.log(JSON.stringify([name, value]));\n';
  const result = runJob(prelude + source, ...options);
  if (result.end !== 'ok') throw new Error(`job ended ${result.end}: ${JSON.stringify(result)}`);
  const lines = result.stdout.split('\n').filter((line) => line.startsWith('["'));
  return Object.fromEntries(lines.map((line) => JSON.parse(line)));
}

// What real Node prints for the same file.
export function runNode(source) {
  const result = spawnSync(process.execPath, ['--no-warnings', fileOf(source)], {
    env: { PATH: process.env.PATH, NODE_DISABLE_COLORS: '1' },
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (result.error) throw result.error;
  return result;
}

// A job of several files: {path: text or bytes}, of which `main` runs.
export function runFiles(files, main, ...options) {
  const root = join(folder, `files${count++}`);
  for (const [path, data] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), data);
  }
  const result = spawnShell(main, ['--files', root, '--json', ...options]);
  rmSync(root, { recursive: true });
  return JSON.parse(result.stdout);
}
