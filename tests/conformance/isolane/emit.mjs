// Behaviour: emit publishes a job of the same tenant
// Spec: docs/scripts.md, emit
// Covers: emit
// Job: {"permissions":{"emit":true}}
// Expect: value [true,false]
const r = await emit({ script: 'export default 1' });
export default [r.id === `${job.id}.e1`, r.duplicate];
