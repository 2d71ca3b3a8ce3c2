// Spectral norm (Benchmarks Game): typed arrays and division.
const a = (i, j) => 1 / ((i + j) * (i + j + 1) / 2 + i + 1)
function times(v, out, transposed) {
  for (let i = 0; i < v.length; i++) {
    let sum = 0
    for (let j = 0; j < v.length; j++) sum += (transposed ? a(j, i) : a(i, j)) * v[j]
    out[i] = sum
  }
}
function run(n) {
  const u = new Float64Array(n).fill(1), v = new Float64Array(n), t = new Float64Array(n)
  for (let i = 0; i < 10; i++) { times(u, t, false); times(t, v, true); times(v, t, false); times(t, u, true) }
  let uv = 0, vv = 0
  for (let i = 0; i < n; i++) { uv += u[i] * v[i]; vv += v[i] * v[i] }
  return Math.sqrt(uv / vv).toFixed(9)
}
export default run(2000)
