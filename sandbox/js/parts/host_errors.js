// The errors of host services, as classes that a script can tell apart: `catch (e) { if (e instanceof
// PermissionDenied) … }`. The supervisor names the class (executor/services/services.c); one that is not known
// here is a HostError. Built-ins that refuse an argument by themselves use InvalidArgument too.
import { Error, defineProperty, ownKeys } from '../primordials.js';

// Something the worker does for the job failed; what it says is for people.
export class HostError extends Error {}
// The job may not have it: not in its permissions, or not in its tenant's.
export class PermissionDenied extends HostError {}
// More than the job, its tenant or the service allows.
export class BudgetExceeded extends HostError {}
// The argument is not what the service takes.
export class InvalidArgument extends HostError {}
// It is not there.
export class NotFound extends HostError {}
// It is there already, or was changed meanwhile.
export class Conflict extends HostError {}
// What came is not what was meant: its size or hash is another.
export class IntegrityError extends HostError {}

const classes = {
  __proto__: null,
  HostError,
  PermissionDenied,
  BudgetExceeded,
  InvalidArgument,
  NotFound,
  Conflict,
  IntegrityError,
};

// An error of the class of that name.
export function hostError(name, message) {
  const type = (typeof name === 'string' ? classes[name] : undefined) ?? HostError;
  return new type(typeof message === 'string' ? message : 'the host refused the call');
}

const names = ownKeys(classes);
for (let i = 0; i < names.length; i++)
  defineProperty(classes[names[i]].prototype, 'name', {
    __proto__: null,
    value: names[i],
    writable: true,
    configurable: true,
  });
