// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = []
for (let i = 0; ; i++) {
    const r = new RegExp(`(a|b{${i % 900}}|c)+${i}`)
    r.test("abc")
    kept.push(r)
}
