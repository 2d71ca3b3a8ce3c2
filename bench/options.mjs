// Options of the bench scripts: one row each, { help, value } and what is allowed: `least` and `most` (a whole number), `of` (one of these),
// `some` (several of these, with commas), `flag`, or nothing (a text). --help prints them and ends with 0; what is wrong is one line, and 2.
import { parseArgs } from 'node:util'

function allowed(row) {
  return row.of ? row.of.join(', ') : row.some ? row.some.join(', ') : `${row.least} to ${row.most}`
}

function read(row, text) {
  if (row.least !== undefined) {
    const n = Number(text)
    return /^\d+$/.test(text) && n >= row.least && n <= row.most ? n : undefined
  }
  if (row.of) return row.of.includes(text) ? text : undefined
  if (row.some) return text.split(',').every((t) => row.some.includes(t)) ? text.split(',') : undefined
  return text
}

function help(about, rows) {
  const lines = Object.entries(rows).map(([name, row]) => {
    const range = row.flag ? '' : row.least !== undefined || row.of || row.some ? ` (default ${row.some ? 'all' : row.value}; ${allowed(row)})` : ''
    return `  --${name.padEnd(10)} ${row.help}${range}`
  })
  return `${about}\n\n${lines.join('\n')}`
}

/** name: of the script, before what it says of a mistake. → { rounds: 3, … } */
export function options(name, about, rows) {
  const wrong = (text) => {
    console.error(`${name}: ${text}`)
    process.exit(2)
  }
  const types = Object.entries(rows).map(([key, row]) => [key, { type: row.flag ? 'boolean' : 'string' }])
  let given
  try {
    given = parseArgs({ options: { help: { type: 'boolean' }, ...Object.fromEntries(types) } }).values
  } catch (error) {
    wrong(`${error.message.split('. ')[0]}; --help lists the options`)
  }
  if (given.help) {
    console.log(help(about, rows))
    process.exit(0)
  }
  return Object.fromEntries(Object.entries(rows).map(([key, row]) => {
    if (row.flag) return [key, given[key] ?? false]
    if (given[key] === undefined) return [key, row.value ?? row.some]
    const value = read(row, given[key])
    if (value === undefined) wrong(`--${key}: found '${given[key]}'; allowed: ${allowed(row)}`)
    return [key, value]
  }))
}

/** What is removed at the process's exit goes at Ctrl-C too. */
export function exitAtSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))
}
