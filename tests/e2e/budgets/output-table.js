// expect: output_exceeded
// limits: output_kb=8
console.log("before");
console.table(Array.from({ length: 5000 }, (_, i) => ({ i, s: "x".repeat(20) })))
