// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = []
for (let i = 0; ; i++) {
    const s = `${i}`.padStart(9, "0").repeat(1e5)
    s.charCodeAt(5)
    kept.push(s)
}
