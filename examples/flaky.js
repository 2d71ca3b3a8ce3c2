// Fails twice, then succeeds: what retries are for.
//
//   isolane submit examples/flaky.js --retry-on threw --backoff exponential,200 --wait
//
// Without --retry-on it ends `threw` at the first attempt.
console.log('attempt', job.attempt);
if (job.attempt < 3) throw new Error(`the service does not answer (attempt ${job.attempt})`);
export default { attempts: job.attempt };
