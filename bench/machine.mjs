// What a run was measured on, and what its files are called.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

function said(program, ...args) {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'not known'
  }
}

function fileSystemOf(dir) {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((l) => l.split(' '))
  const real = path.resolve(dir)
  const holding = mounts.filter(([, at]) => at && (real === at || real.startsWith(at.endsWith('/') ? at : `${at}/`)))
  return holding.sort((a, b) => a[1].length - b[1].length).at(-1)?.[2] ?? 'not known'
}

/** What a figure was measured on, as rows of a table. dataDir: a folder on the disk that was used. */
export function machine(dataDir) {
  const cpus = os.cpus()
  const thp = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8')
  return [
    ['CPU', `${cpus[0].model.trim()}, ${cpus.length} cores`],
    ['memory', `${(os.totalmem() / 2 ** 30).toFixed(1)} GiB, transparent huge pages: ${/\[(\w+)\]/.exec(thp)?.[1]}`],
    ['kernel', `Linux ${os.release()}`],
    ['disk', `${fileSystemOf(dataDir)}`],
    ['nats-server', said('nats-server', '--version').replace(/^nats-server: /, '')],
    ['node (V8)', `${process.version} (${process.versions.v8})`],
    ['commit', said('git', 'describe', '--always', '--dirty', '--tags')],
  ]
}

/** Names of the files of a run that ends now. */
export function stemOf(kind) {
  const now = new Date().toISOString()
  const stem = now.slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
  return { now, date: now.slice(0, 10), stem: kind ? `${stem}-${kind}` : stem }
}
