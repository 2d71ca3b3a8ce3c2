// The runs as one SVG: a panel for each job, a bar for each peer on a logarithmic scale of jobs per second.
import { of } from './statistics.mjs'

const WIDTH = 920
const LEFT = 424
const ROW = 26
const INK = '#1f2937'
const SOFT = '#6b7280'
const COLOURS = { queue: '#2563eb', call: '#0d9488', process: '#d97706' }
const MEANING = { queue: 'through NATS, signed and durable', call: 'called in memory or over HTTP', process: 'a process started for each job' }

const escape = (s) => s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
const label = (x, y, s, { size = 12, fill = INK, anchor = 'start', weight = 'normal' } = {}) =>
  `<text x="${x.toFixed(1)}" y="${y}" font-size="${size}" fill="${fill}" text-anchor="${anchor}" font-weight="${weight}">${escape(s)}</text>`

function panel(rows, y) {
  const most = Math.log10(Math.max(...rows.map(([, m]) => m.jobs_per_s.max)))
  const to = (v) => (Math.log10(Math.max(v, 1)) / most) * (WIDTH - LEFT - 110)
  return rows.map(([peer, { jobs_per_s: m }], i) => {
    const at = y + i * ROW
    const x1 = LEFT + to(m.min)
    const x2 = LEFT + to(m.max)
    return label(LEFT - 10, at + 15, peer.title, { anchor: 'end', weight: i ? 'normal' : '600' }) +
      `<rect x="${LEFT}" y="${at + 4}" width="${to(m.median).toFixed(1)}" height="15" rx="2" fill="${COLOURS[peer.mode]}" fill-opacity="${i ? 0.75 : 1}"/>` +
      `<path d="M${x1.toFixed(1)} ${at + 11.5}H${x2.toFixed(1)}M${x1.toFixed(1)} ${at + 8.5}v6M${x2.toFixed(1)} ${at + 8.5}v6" stroke="${INK}" stroke-opacity=".55"/>` +
      label(x2 + 8, at + 16, Math.round(m.median).toLocaleString('en-US'), { fill: SOFT })
  }).join('\n')
}

export function plot(runs, { peers, jobs, subtitle }) {
  const body = []
  let y = 70
  for (const [name, job] of Object.entries(jobs)) {
    const rows = peers.map((p) => [p, of(runs, p.name, name)]).filter(([, m]) => m)
    if (!rows.length) continue
    body.push(label(24, y + 22, `Jobs per second, ${job.title} (logarithmic)`, { size: 13, weight: '600' }), panel(rows, y + 36))
    y += 50 + rows.length * ROW
  }
  Object.entries(MEANING).forEach(([mode, text], i) => {
    body.push(`<rect x="${24 + i * 250}" y="${y + 8}" width="10" height="10" fill="${COLOURS[mode]}"/>`, label(40 + i * 250, y + 17, text, { size: 11, fill: SOFT }))
  })
  const height = y + 36
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, 'DejaVu Sans', sans-serif">
<rect x=".5" y=".5" width="${WIDTH - 1}" height="${height - 1}" rx="8" fill="#fff" stroke="#d1d5db"/>
${label(24, 36, 'Isolane and its peers', { size: 18, weight: '600' })}
${label(24, 56, subtitle, { fill: SOFT })}
${body.join('\n')}
</svg>
`
}
