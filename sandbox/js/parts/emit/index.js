// emit(job, {class}): publishes a follow-up job of the same tenant. What a job is, and what this one may give it, the
// supervisor checks (executor/services/emit.c).
import { Promise } from '../../primordials.js';
import { InvalidArgument } from '../host_errors.js';
import { hostCallWith } from '../host_call.js';

export function emit(job, options = undefined) {
  return new Promise((resolve, reject) => {
    if (job === null || typeof job !== 'object') throw new InvalidArgument(`emit: job: found ${job === null ? 'null' : typeof job}; allowed: an object`);
    const call = { __proto__: null, job };
    if (options !== undefined) {
      if (options === null || typeof options !== 'object') throw new InvalidArgument(`emit: options: found ${options === null ? 'null' : typeof options}; allowed: an object`);
      call.class = options.class;
    }
    hostCallWith('emit', call, resolve, reject);
  });
}
