// expect: cpu_exceeded|threw RangeError|heap_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
Array.prototype.map.call(new Proxy({}, { get: (_, k) => (k === "length" ? 2 ** 32 - 1 : 1) }), (x) => x)
