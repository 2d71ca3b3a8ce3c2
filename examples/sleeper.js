// A job that waits for something that never comes: it takes no CPU time, and the wall-clock budget ends it.
//
//   isolane run examples/sleeper.js --wall-ms 300

console.log('waiting for an answer');
setInterval(() => {}, 50);
await new Promise(() => {});
