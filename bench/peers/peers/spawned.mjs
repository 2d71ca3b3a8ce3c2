// A process a job: Node.js, Deno, and Node.js in a bubblewrap jail, which is what a careful person builds today.
// The script comes by argument, the value goes out by stdout. As many at once as there are cores, and one more.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { deno, node, repository } from '../lib/place.mjs'

const print = (body) => `console.log(JSON.stringify((() => { ${body} })()))`

const JAIL = ['--unshare-all', '--die-with-parent', '--new-session', '--clearenv', '--cap-drop', 'ALL',
  '--ro-bind', '/usr', '/usr', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64',
  '--ro-bind', node, '/node', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--chdir', '/tmp']

const commands = {
  node: (body) => [node, ['-e', print(body)]],
  // No permission is given, so what it asks for is refused.
  deno: (body) => [deno, ['eval', '--no-lock', '--no-config', print(body)]],
  bubblewrap: (body) => ['/usr/bin/bwrap', [...JAIL, '/node', '--max-old-space-size=64', '-e', print(body)]],
}

export function missing({ command }) {
  const [file] = commands[command]('')
  return existsSync(file) ? undefined : `${file.replace(`${repository}/`, '')} is not there`
}

function run(file, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, DENO_NO_UPDATE_CHECK: '1' } })
    let text = ''
    child.stdout.on('data', (chunk) => { text += chunk })
    child.on('error', reject)
    child.on('close', (code) => code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`${file} ended with ${code}`)))
  })
}

export function start(job, { command }) {
  const [file, args] = commands[command](job.body)
  return { one: () => run(file, args), window: availableParallelism() + 1, stop() {} }
}
