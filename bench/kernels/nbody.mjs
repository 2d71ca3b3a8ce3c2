// Planets in orbit (Benchmarks Game): floating point in objects.
const body = (x, y, z, vx, vy, vz, m) => ({ x, y, z, vx: vx * 365.24, vy: vy * 365.24, vz: vz * 365.24, m: m * 4 * Math.PI * Math.PI })
function run(steps) {
  const b = [body(0, 0, 0, 0, 0, 0, 1),
    body(4.8414314, -1.1603200, -0.1036220, 0.0016600766, 0.0076990111, -0.0000690460, 0.00095479194),
    body(8.3433667, 4.1247986, -0.4035234, -0.0027674251, 0.0049985280, 0.0000230417, 0.00028588598),
    body(12.894369, -15.111151, -0.2233076, 0.0029646013, 0.0023784717, -0.0000296590, 0.00004366244),
    body(15.379697, -25.919315, 0.1792588, 0.0026806777, 0.0016282417, -0.0000951592, 0.00005151389)]
  for (let s = 0; s < steps; s++) {
    for (let i = 0; i < 5; i++) {
      const p = b[i]
      for (let j = i + 1; j < 5; j++) {
        const q = b[j]
        const dx = p.x - q.x, dy = p.y - q.y, dz = p.z - q.z
        const d2 = dx * dx + dy * dy + dz * dz
        const mag = 0.01 / (d2 * Math.sqrt(d2))
        p.vx -= dx * q.m * mag; p.vy -= dy * q.m * mag; p.vz -= dz * q.m * mag
        q.vx += dx * p.m * mag; q.vy += dy * p.m * mag; q.vz += dz * p.m * mag
      }
    }
    for (const p of b) { p.x += 0.01 * p.vx; p.y += 0.01 * p.vy; p.z += 0.01 * p.vz }
  }
  return Number.isFinite(b[0].x + b[4].z)
}
export default run(8_000_000)
