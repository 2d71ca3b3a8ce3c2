// Behaviour: errors of Isolane's own API are classes of HostError
// Spec: docs/scripts.md, Errors
// Covers: HostError, PermissionDenied, BudgetExceeded, InvalidArgument, NotFound, Conflict, IntegrityError
// Expect: value ["PermissionDenied","BudgetExceeded","InvalidArgument","NotFound","Conflict","IntegrityError"]
export default [PermissionDenied, BudgetExceeded, InvalidArgument, NotFound, Conflict, IntegrityError].filter((c) => c.prototype instanceof HostError && HostError.prototype instanceof Error).map((c) => c.name);
