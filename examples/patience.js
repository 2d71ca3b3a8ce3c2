// Waiting with a limit: the first answer counts, what is too late is aborted and clears up behind itself.
//   isolane run examples/patience.js
const sleep = (ms, value, signal) =>
  new Promise((done, failed) => {
    const timer = setTimeout(done, ms, value);
    signal?.addEventListener('abort', () => (clearTimeout(timer), failed(signal.reason)), { once: true });
  });

async function firstOf(tasks, ms) {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(ms)]);
  try {
    return await Promise.any(tasks.map((task) => task(signal)));
  } finally {
    stop.abort();
  }
}
const quick = await firstOf([(s) => sleep(5, 'quick', s), (s) => sleep(60_000, 'slow', s)], 10_000);
const late = await firstOf([(s) => sleep(60_000, 'never', s)], 20).catch((error) => error.errors.map((e) => e.name));
console.log('nothing is pending: the job ends at once');
export default { quick, late };
