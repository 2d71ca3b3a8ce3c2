// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const r = new FinalizationRegistry(() => {}), kept = []
for (;;) {
    const o = {}
    kept.push(o)
    r.register(o, 1)
}
