// Behaviour: QuotaExceededError is a DOMException with quota and requested
// Spec: Web IDL, QuotaExceededError
// Covers: QuotaExceededError, DOMException
// Expect: value ["QuotaExceededError",true,5,7]
const e = new QuotaExceededError('m', { quota: 5, requested: 7 });
export default [e.name, e instanceof DOMException, e.quota, e.requested];
