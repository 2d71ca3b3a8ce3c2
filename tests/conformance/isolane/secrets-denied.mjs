// Behaviour: a secret that the job has not is refused
// Spec: docs/scripts.md, secrets
// Covers: secrets
// Expect: error PermissionDenied /./
await secrets.get('TOKEN');
