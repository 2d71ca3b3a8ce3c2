// Medians over rounds.
export function summary(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return { median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2, min: sorted[0], max: sorted.at(-1) }
}

/** The runs of a peer under a job as { jobs_per_s: {median, min, max}, … }; undefined when there are none. */
export function of(runs, peer, job) {
  const mine = runs.filter((r) => r.peer === peer && r.job === job)
  if (!mine.length) return undefined
  return Object.fromEntries(['jobs_per_s', 'cpu_us', 'memory_mib', 'p50_ms', 'p99_ms'].map((k) => [k, summary(mine.map((r) => r[k]))]))
}
