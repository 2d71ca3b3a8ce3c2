// The jobs that every peer runs. body: statements that return the value; whoever runs it wraps it in a function.
// Every answer is compared with `value`: a peer that is fast at being wrong is not fast.

const trivial = 'let s = 0; for (let i = 0; i < 1000; i++) s += i; return s;'

// Fannkuch (Computer Language Benchmarks Game) over 9 elements: some 20 ms of CPU, compilers included.
const heavy = `
const n = 9, p = [], q = [], s = []; let sign = 1, most = 0, sum = 0;
for (let i = 0; i < n; i++) { p[i] = i; q[i] = i; s[i] = i }
for (;;) {
  let q0 = p[0];
  if (q0 !== 0) {
    for (let i = 1; i < n; i++) q[i] = p[i];
    let flips = 1;
    for (;;) {
      const qq = q[q0];
      if (qq === 0) { sum += sign * flips; if (flips > most) most = flips; break }
      q[q0] = q0;
      if (q0 >= 3) { let i = 1, j = q0 - 1; do { const t = q[i]; q[i] = q[j]; q[j] = t; i++; j-- } while (i < j) }
      q0 = qq; flips++
    }
  }
  if (sign === 1) { const t = p[0]; p[0] = p[1]; p[1] = t; sign = -1 }
  else {
    const t = p[1]; p[1] = p[2]; p[2] = t; sign = 1;
    for (let i = 2; i < n; i++) {
      if (s[i] !== 0) { s[i]--; break }
      if (i === n - 1) return [sum, most];
      s[i] = i;
      const first = p[0]; for (let j = 0; j <= i; j++) p[j] = p[j + 1]; p[i + 1] = first
    }
  }
}`

export const jobs = {
  trivial: { title: 'a trivial job', body: trivial, value: 499500 },
  heavy: { title: 'a CPU-heavy job', body: heavy, value: [8629, 30] },
}
