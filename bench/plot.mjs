// The figures as one SVG: four panels of horizontal bars. No library: it is thirty rectangles.
import { show } from './metrics.mjs'

const WIDTH = 920
const MARGIN = 24
const LABELS = 250 // space for a row's name
const ROW = 26
const TITLE = 44
const INK = '#1f2937'
const SOFT = '#6b7280'
const PALETTE = ['#2563eb', '#0d9488', '#d97706', '#7c3aed', '#9ca3af']

const escape = (s) => s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
const label = (x, y, s, { size = 12, fill = INK, anchor = 'start', weight = 'normal' } = {}) =>
  `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}" text-anchor="${anchor}" font-weight="${weight}">${escape(s)}</text>`
const bar = (x, y, w, h, fill, opacity = 1) =>
  `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(w, 1).toFixed(1)}" height="${h}" rx="2" fill="${fill}" fill-opacity="${opacity}"/>`
const whisker = (x1, x2, y) =>
  `<path d="M${x1.toFixed(1)} ${y}H${x2.toFixed(1)}M${x1.toFixed(1)} ${y - 3}v6M${x2.toFixed(1)} ${y - 3}v6" stroke="${INK}" stroke-opacity=".55"/>`

const span = WIDTH - 2 * MARGIN - LABELS - 150 // bars; behind them stand the values
const left = MARGIN + LABELS

// rows: { name, p50, p99 }: a bar to the median, a paler one to the 99th percentile
function latencies(rows, y) {
  const most = Math.max(...rows.map((r) => r.p99.median))
  return rows.map((r, i) => {
    const at = y + i * ROW
    const to = (v) => (v / most) * span
    return label(left - 10, at + 15, r.name, { anchor: 'end' }) +
      bar(left, at + 4, to(r.p99.median), 15, PALETTE[0], 0.25) + bar(left, at + 4, to(r.p50.median), 15, PALETTE[0]) +
      label(left + to(r.p99.median) + 8, at + 16, `${show(r.p50.median, r.p50.unit)} · p99 ${show(r.p99.median, r.p99.unit)}`, { fill: SOFT })
  }).join('')
}

// rows: { name, m }: a bar to the median, a whisker from the lowest to the highest run
function amounts(rows, y) {
  const most = Math.max(...rows.map((r) => r.m.max))
  return rows.map((r, i) => {
    const at = y + i * ROW
    const to = (v) => (v / most) * span
    return label(left - 10, at + 15, r.name, { anchor: 'end' }) + bar(left, at + 4, to(r.m.median), 15, r.fill ?? PALETTE[1]) +
      whisker(left + to(r.m.min), left + to(r.m.max), at + 11.5) +
      label(left + to(r.m.max) + 8, at + 16, show(r.m.median, r.m.unit), { fill: SOFT })
  }).join('')
}

// rows: { name, parts: [{ name, m }] }: parts side by side, their names below
function stacks(rows, y) {
  const sum = (r) => r.parts.reduce((s, p) => s + p.m.median, 0)
  const most = Math.max(...rows.map(sum))
  const names = [...new Set(rows.flatMap((r) => r.parts.map((p) => p.name)))]
  const bars = rows.map((r, i) => {
    let x = left
    const at = y + i * ROW
    const parts = r.parts.map((p) => {
      const w = (p.m.median / most) * span
      const s = bar(x, at + 4, w, 15, PALETTE[names.indexOf(p.name)]) +
        (w > 34 ? label(x + w / 2, at + 15.5, p.m.median.toFixed(0), { size: 10, fill: '#fff', anchor: 'middle' }) : '')
      x += w
      return s
    })
    return label(left - 10, at + 15, r.name, { anchor: 'end' }) + parts.join('') + label(x + 8, at + 16, show(sum(r), 'us'), { fill: SOFT })
  })
  const legend = names.map((n, i) => bar(left + i * 105, y + rows.length * ROW + 6, 10, 10, PALETTE[i]) +
    label(left + i * 105 + 15, y + rows.length * ROW + 15, n, { size: 11, fill: SOFT }))
  return bars.join('') + legend.join('')
}

function panels(metrics) {
  const have = (names) => names.every((n) => metrics.has(n))
  const both = (name, key) => have([`${key}.p50`, `${key}.p99`]) ? [{ name, p50: metrics.get(`${key}.p50`), p99: metrics.get(`${key}.p99`) }] : []
  const one = (name, key, fill) => have([key]) ? [{ name, m: metrics.get(key), fill }] : []
  const parts = (name, key, of) => have(of.map((p) => `${key}.${p}`)) ? [{ name, parts: of.map((p) => ({ name: p, m: metrics.get(`${key}.${p}`) })) }] : []
  const inside = ['cell', 'zygote', 'supervisor']
  return [
    ['One job at a time, a fresh process each: p50, and p99 paler', latencies, [
      ...both('submitted → result framed', 'dispatch.paced.done'),
      ...both('no cell ready: fork → result', 'dispatch.fork.result'),
      ...both('submitted → signed row durable', 'dispatch.paced.committed'),
      ...both('published → result seen (JetStream)', 'queue.single.result'),
    ], 0],
    ['Many jobs: jobs per second, signed durable results, a fresh process each', amounts, [
      ...one('in-process', 'dispatch.flood.jobs'),
      ...one('through JetStream', 'queue.flood.jobs'),
    ], 0],
    ['Re-use: jobs per second, signed durable results', amounts, [
      ...one('a fresh process', 'reuse.none.jobs'),
      ...one('reuse: tenant', 'reuse.tenant.jobs'),
      ...one('reuse: script', 'reuse.script.jobs'),
      ...one('a call, reuse: script', 'reuse.call.jobs'),
    ], 0],
    ['CPU time of a job, µs', stacks, [
      ...parts('in-process', 'dispatch.flood.cpu', inside),
      ...parts('through JetStream', 'queue.flood.cpu', [...inside, 'nats-server', 'publisher']),
      ...parts('… reuse: tenant', 'reuse.tenant.cpu', [...inside, 'nats-server', 'publisher']),
      ...parts('… reuse: script', 'reuse.script.cpu', [...inside, 'nats-server', 'publisher']),
    ], 26],
    ['A small tenant beside 10,000 queued jobs of another: published → result seen', amounts, [
      ...one('alone', 'fair.alone.wait.p50', PALETTE[0]),
      ...one('beside the crowd', 'fair.tenant.wait.p50', PALETTE[0]),
      ...one('without fairness', 'fair.class.wait', PALETTE[4]),
    ], 0],
    ['Cold start of a whole process', amounts, [
      ...one('isolane run hello.js', 'coldstart.isolane.whole.p50', PALETTE[0]),
      ...one('node hello.js', 'coldstart.node.whole.p50', PALETTE[4]),
    ], 0],
  ].filter(([, , rows]) => rows.length)
}

export function plot(metrics, subtitle) {
  let y = 64
  const body = []
  for (const [title, draw, rows, extra] of panels(metrics)) {
    body.push(label(MARGIN, y + 22, title, { size: 13, weight: '600' }))
    body.push(draw(rows, y + TITLE - 8))
    y += TITLE + rows.length * ROW + extra
  }
  const height = y + 16
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, 'DejaVu Sans', sans-serif">
<rect x=".5" y=".5" width="${WIDTH - 1}" height="${height - 1}" rx="8" fill="#fff" stroke="#d1d5db"/>
${label(MARGIN, 36, 'Isolane timings', { size: 18, weight: '600' })}
${label(MARGIN, 55, subtitle, { size: 12, fill: SOFT })}
${body.join('\n')}
</svg>
`
}
