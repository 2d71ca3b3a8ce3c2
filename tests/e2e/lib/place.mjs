// Where things are, and a folder for each test file that goes when the file ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const build = process.env.ISOLANE_BUILD ?? join(root, 'build');
export const program = join(build, 'isolane');
export const sanitized = build.endsWith('asan');

/** Time-outs are for hangs, not for judging speed: generous, and more so under the sanitizers. */
export const patience = sanitized ? 4 : 1;

export const scratch = mkdtempSync(join(tmpdir(), 'isolane-e2e-'));
process.on('exit', () => {
    if (process.env.KEEP)
        process.stderr.write(`# kept: ${scratch}\n`);
    else
        rmSync(scratch, { recursive: true, force: true });
});

let folders = 0;
/** Path of a data folder that nobody has made yet. */
export function fresh_folder(name = 'data') {
    return join(scratch, `${name}-${++folders}`);
}
