// What a process and everything below it costs: CPU time and memory, from /proc.
import { readFileSync, readdirSync } from 'node:fs'
import { execFileSync } from 'node:child_process'

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // it ended meanwhile
  }
}

function stat(pid) {
  const text = read(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ') // [0] is field 3, the state
}

/** The process and all below it that live now. */
export function tree(root) {
  const below = new Map()
  for (const name of readdirSync('/proc'))
    if (/^\d+$/.test(name)) {
      const parent = Number(stat(name)[1])
      below.set(parent, [...(below.get(parent) ?? []), Number(name)])
    }
  const all = [root]
  for (let i = 0; i < all.length; i++)
    all.push(...(below.get(all[i]) ?? []))
  return all
}

/** Seconds of CPU that a tree has used so far, with those of children that were waited for. */
export function cpuSeconds(root) {
  let ticks = 0
  for (const pid of tree(root)) {
    const s = stat(pid)
    if (s.length > 15)
      ticks += Number(s[11]) + Number(s[12]) + Number(s[13]) + Number(s[14])
  }
  return ticks / TICKS
}

/** Bytes of memory of a tree, pages that are shared divided by those who share them. */
export function memoryBytes(root) {
  let kb = 0
  for (const pid of tree(root))
    kb += Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)
  return kb * 1024
}
