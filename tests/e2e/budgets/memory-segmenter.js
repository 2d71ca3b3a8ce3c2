// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = [], text = "a b ".repeat(1e6)
for (;;) kept.push(new Intl.Segmenter("en", { granularity: "word" }).segment(text + kept.length)[Symbol.iterator]())
