// A test file that imports this runs itself again inside namespaces of its own (enter.sh) and ends
// with that run's exit code; inside, nothing happens. Import it first, everything else after it:
//
//   await (await import('./lib/ground.mjs')).enter();
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const GROUND = 'ISOLANE_ESCAPE_GROUND';

export const is_root = process.env.ISOLANE_ESCAPE_ROOT === '1';

export function enter() {
    if (process.env[GROUND]) return;
    const namespaces = ['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc',
        ...(process.getuid() === 0 ? [] : ['--user', '--map-root-user'])];
    const possible = spawnSync('unshare', [...namespaces, 'true'], { encoding: 'utf8' });
    if (possible.status !== 0) {
        process.stdout.write(`1..0 # SKIP no namespaces to attack in: ${(possible.stderr || String(possible.error)).trim()}\n`);
        process.exit(0);
    }
    const folder = mkdtempSync(join(tmpdir(), 'isolane-escape-'));
    const root = process.getuid() === 0;
    const end = spawnSync('unshare', [
        ...namespaces, join(import.meta.dirname, 'enter.sh'), folder,
        process.execPath, ...process.execArgv, ...process.argv.slice(1),
    ], { stdio: 'inherit', env: { ...process.env, [GROUND]: folder, TMPDIR: folder, ISOLANE_ESCAPE_ROOT: root ? '1' : '0' } });
    rmSync(folder, { recursive: true, force: true });
    if (end.error) throw end.error;
    process.exit(end.status ?? 1);
}
