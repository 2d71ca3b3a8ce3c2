// Servers that a peer needs: started here, ended here, by pid.
import { spawn } from 'node:child_process'
import { createConnection, createServer } from 'node:net'
import { once } from 'node:events'

const PATIENCE_MS = 30_000

/** Starts a program. ready: a function of what it has printed so far that gives a value once it can be used, or the
 *  port where it will listen. */
export async function server(file, args, ready, options = {}) {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const end = () => child.kill('SIGKILL') // should this process end by an error
  process.on('exit', end)
  let text = ''
  const value = await new Promise((resolve, reject) => {
    const look = (chunk) => {
      text = (text + chunk).slice(-65536)
      const found = typeof ready === 'function' && ready(text)
      if (found) resolve(found)
    }
    child.stdout.on('data', look)
    child.stderr.on('data', look)
    child.on('error', reject)
    child.on('exit', (code, signal) => reject(new Error(`${file} ended (${code ?? signal}):\n${text}`)))
    setTimeout(() => reject(new Error(`${file} is not ready after ${PATIENCE_MS} ms:\n${text}`)), PATIENCE_MS).unref()
    if (typeof ready === 'number') listening(ready).then(resolve, reject)
  })
  return {
    value,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

export async function freePort() {
  const s = createServer().listen(0, '127.0.0.1')
  await once(s, 'listening')
  const { port } = s.address()
  s.close()
  await once(s, 'close')
  return port
}

async function listening(port) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    const socket = createConnection(port, '127.0.0.1')
    const ok = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
    socket.destroy()
    if (ok) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`nothing listens on port ${port} after ${PATIENCE_MS} ms`)
}
