// Behaviour: an artifact is put, with its hash
// Spec: docs/scripts.md, Artifacts
// Covers: job
// Job: {"permissions":{"artifacts":true}}
// Expect: value [3,"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","text/x"]
const p = await job.artifacts.put('dir/abc', 'abc', { type: 'text/x' });
export default [p.size, p.sha256, p.type];
