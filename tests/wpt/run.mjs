// Runs web platform tests from a checkout in cells, and the same scripts in Node.js beside them.
//   node tests/wpt/run.mjs CHECKOUT [--area NAME]… [--file PREFIX] [--no-node] [--failures] [--json FILE] [--interfaces]
// A test's cell is the engine shell (tests/engine/shell.c): snapshot, fork and cell as in production, without jail
// and supervisor, which no test here can tell from the whole and which would take thrice the time.
// Exit status: 0, or 1 when a test fails that expected.txt does not list.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { absent, areas } from './areas.mjs';
import { testsOf } from './checkout.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const AT_ONCE = 2;
const TIMEOUT_MS = 60_000;
const OUTPUT_MAX = 256 << 20;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    area: { type: 'string', multiple: true },
    file: { type: 'string' },
    'no-node': { type: 'boolean' },
    failures: { type: 'boolean' },
    interfaces: { type: 'boolean' },
    json: { type: 'string' },
    expected: { type: 'string', default: join(here, 'expected.txt') },
  },
});
const [checkout] = positionals;
if (!checkout || !existsSync(join(checkout, 'resources/testharness.js'))) {
  process.stderr.write(`${checkout ? `${checkout} is no checkout of web platform tests (no resources/testharness.js). ` : ''}` +
    'Get one: git clone --depth 1 https://github.com/web-platform-tests/wpt, then make wpt WPT=wpt\n');
  process.exit(2);
}

/** The checkout's commit: of git, or its file REVISION; undefined when neither says. */
function revision(path) {
  const { status, stdout } = spawnSync('git', ['-C', path, 'rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' });
  const top = status === 0 && spawnSync('git', ['-C', path, 'rev-parse', '--show-prefix'], { encoding: 'utf8' }).stdout.trim() === '';
  if (top) return stdout.trim();
  const file = join(path, 'REVISION');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().slice(0, 12) : undefined;
}

const folder = mkdtempSync(join(tmpdir(), 'isolane-wpt-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Lines `path | test | reason`; `*` stands for any text. */
const glob = (text) => new RegExp(`^${text.split('*').map(RegExp.escape).join('[^]*')}$`);
const expected = readFileSync(options.expected, 'utf8').split('\n')
  .filter((line) => line.trim() && !line.startsWith('#'))
  .map((line) => line.split(' | ').map((s) => s.trim()))
  .map(([path, name, reason]) => ({ path: glob(path), name: glob(name), reason }));
const listed = (path, name) => expected.find((e) => e.path.test(path) && e.name.test(name));

function execute(command, args, env) {
  return new Promise((done) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { out: '', err: '' };
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    for (const [stream, name] of [[child.stdout, 'out'], [child.stderr, 'err']]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        if (output[name].length < OUTPUT_MAX) output[name] += text;
      });
    }
    child.on('close', () => {
      clearTimeout(timer);
      done(output);
    });
  });
}

const shell = { PATH: process.env.PATH, LD_PRELOAD: join(root, 'build/engine-shell/libshell.so') };
const ceilings = ['--heap-mb', '512', '--memory-mb', '2048', '--output-kb', '65536', '--wall-ms', '30000', '--value-kb', '1024'];
const permitted = ['--allow-eval', '--allow-wasm', '--allow-sab'];
const runners = {
  cell: (file, url) => execute(join(root, 'build/engine/node'), [file, '--script', '--name', url, ...ceilings, ...permitted], shell),
  node: (file) => execute(process.execPath, ['--no-warnings', join(here, 'node_shim.mjs'), file], { PATH: process.env.PATH, TZ: 'UTC' }),
};

/** [{name, status, message}]; a file that did not come to its end has one failure more, with no name. */
async function results(runner, file, path) {
  const { out, err } = await runners[runner](file, `http://web-platform.test:8000/${path}`);
  const tests = [];
  let end;
  for (const line of out.split('\n')) {
    if (!line.startsWith('WPT ')) continue;
    const [kind, name, status, message] = JSON.parse(line.slice(4));
    if (kind === 'test') tests.push({ name, status, message });
    else end = { status: name, message: status };
  }
  if (end?.status === 'OK') return tests;
  const why = end ? `${end.status}: ${end.message}` : err.trim().split('\n').at(-1)?.slice(0, 300);
  return [...tests, { name: '(the file)', status: 'FAIL', message: `did not come to its end: ${why}` }];
}

const passes = (tests) => tests.filter(({ status }) => status === 'PASS').length;

// Names of tests begin with the interface or namespace: its own, or a member's.
const interfaceOf = (name) =>
  (/^([A-Z]\w+|console) (?:interface|namespace|must|includes)/.exec(name) ?? /^Stringification of (?:new |self\.)?(\w+)/.exec(name))?.[1];

function count(interfaces, ours, theirs) {
  for (const [tests, at] of [[ours, 0], [theirs, 2]]) {
    for (const { name, status } of tests) {
      const of = interfaceOf(name);
      if (!of || !/^[A-Z]|^console/.test(of)) continue;
      const sums = (interfaces[of] ??= [0, 0, 0, 0]);
      sums[at + 1]++;
      if (status === 'PASS') sums[at]++;
    }
  }
}

async function runArea(area, folders) {
  const sum = { area, files: 0, skipped: {}, cell: [0, 0], node: [0, 0], unexpected: [], listed: 0, failures: [], interfaces: {} };
  const queue = [...testsOf(checkout, folders, area === 'interfaces')].filter(({ path }) => !options.file || path.startsWith(options.file));
  let n = 0;
  const worker = async () => {
    for (let test; (test = queue.shift()); ) {
      if (test.skip) {
        sum.skipped[test.skip] = (sum.skipped[test.skip] ?? 0) + 1;
        continue;
      }
      const file = join(folder, `${area.replace(/\W/g, '')}${n++}.js`);
      writeFileSync(file, test.script());
      const path = test.path + test.variant;
      const counted = ({ name }) => area !== 'interfaces' || !absent.has(interfaceOf(name));
      const ours = (await results('cell', file, test.path)).filter(counted);
      const theirs = options['no-node'] ? [] : (await results('node', file, test.path)).filter(counted);
      rmSync(file);
      sum.files++;
      sum.cell[0] += passes(ours);
      sum.cell[1] += ours.length;
      sum.node[0] += passes(theirs);
      sum.node[1] += theirs.length;
      if (area === 'interfaces') count(sum.interfaces, ours, theirs);
      for (const { name, status, message } of ours) {
        if (status === 'PASS') continue;
        const known = listed(path, name);
        if (known) {
          sum.listed++;
        } else {
          sum.unexpected.push(`${path} | ${name} | ${message}`);
        }
        sum.failures.push({ path, name, status, message });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return sum;
}

const rate = ([passed, all]) => (all ? `${((100 * passed) / all).toFixed(1)} %` : '-');
const row = (first, ...cells) => `${first.padEnd(28)}${cells.map((c) => String(c).padStart(11)).join('')}\n`;
const sumRow = (name, s) => row(name, s.files, s.skipped, s.cell[1], s.cell[0], s.listed, s.unexpected, rate(s.cell), s.node[1] || '-', s.node[1] ? s.node[0] : '-', rate(s.node));

const sums = [];
const all = { files: 0, skipped: 0, cell: [0, 0], node: [0, 0], listed: 0, unexpected: 0 };
const of = revision(checkout);
process.stdout.write(`web platform tests${of ? ` at ${of}` : ''}; a cell${options['no-node'] ? '' : ` beside Node.js ${process.versions.node}`}\n`);
process.stdout.write(row('area', 'files', 'skipped', 'tests', 'pass', 'expected', 'unexpected', 'rate', 'Node tests', 'Node pass', 'Node rate'));
for (const [area, folders] of Object.entries(areas)) {
  if (options.area && !options.area.includes(area)) continue;
  const s = await runArea(area, folders);
  sums.push(s);
  const line = { ...s, skipped: Object.values(s.skipped).reduce((a, b) => a + b, 0), unexpected: s.unexpected.length };
  process.stdout.write(sumRow(area, line));
  for (const key of ['files', 'skipped', 'listed', 'unexpected']) all[key] += line[key];
  for (const key of ['cell', 'node']) all[key] = all[key].map((n, i) => n + s[key][i]);
}
process.stdout.write(sumRow('all', all));
if (options.interfaces) {
  process.stdout.write(row('interface', 'tests', 'pass', 'Node tests', 'Node pass'));
  for (const [name, [pass, tests, nodePass, nodeTests]] of sums.flatMap((s) => Object.entries(s.interfaces)))
    process.stdout.write(row(name, tests, pass, nodeTests, nodePass));
}

const reasons = {};
for (const s of sums) for (const [why, n] of Object.entries(s.skipped)) reasons[why] = (reasons[why] ?? 0) + n;
for (const [why, n] of Object.entries(reasons)) process.stdout.write(`skipped: ${n} files that need ${why}\n`);
if (options.failures) for (const s of sums) for (const f of s.failures) process.stdout.write(`${f.path} | ${f.name} | ${f.message}\n`);
if (options.json) writeFileSync(options.json, `${JSON.stringify(sums, null, 1)}\n`);
const unexpected = sums.flatMap((s) => s.unexpected);
for (const line of options.failures ? [] : unexpected.slice(0, 50)) process.stdout.write(`not expected: ${line}\n`);
process.stdout.write(`${all.listed} failures are listed with their reason\n`);
if (unexpected.length > 0) process.stdout.write(`${unexpected.length} tests failed that ${options.expected} does not list\n`);
process.exitCode = unexpected.length > 0 ? 1 : 0;
