// emit: a job that publishes others. Each part becomes a job of its own, with an input and a follow-up that waits for all;
// an attempt that is run again emits the same jobs. Needs a worker:
//   isolane submit examples/fan_out.js --allow emit --input '["a b", "c"]' --wait
const texts = job.input ?? ['one two', 'three'];
const parts = [];
for (const text of texts) {
  const { id } = await emit({ script: 'export default (text) => text.split(" ").length', input: text });
  parts.push(id);
}
const { id } = await emit({
  id: `${job.id}.sum`,
  after: parts,
  script: 'export default (_, job) => Object.values(job.parents).reduce((sum, p) => sum + p.value, 0)',
});
log.info('published', { parts, sum: id });
export default { parts: parts.length, sum: id };
