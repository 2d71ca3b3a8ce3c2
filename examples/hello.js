// A value and console output. What a job leaves behind is its default export (as JSON), and what it
// printed; both are in the signed result.
//
//   isolane run examples/hello.js

console.log('Hello from job %s, attempt %d.', job.id, job.attempt);
console.error('Warnings and errors go to stderr.');

export default { answer: 6 * 7, where: typeof globalThis };
