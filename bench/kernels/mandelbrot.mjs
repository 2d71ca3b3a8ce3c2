// Mandelbrot set: a hot loop of floating point, nothing else.
function run(n) {
  let inside = 0
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++) {
      const cr = 2 * x / n - 1.5, ci = 2 * y / n - 1
      let zr = 0, zi = 0, i = 0
      while (i < 100 && zr * zr + zi * zi < 4) { const t = zr * zr - zi * zi + cr; zi = 2 * zr * zi + ci; zr = t; i++ }
      if (i === 100) inside++
    }
  return inside
}
export default run(2000)
