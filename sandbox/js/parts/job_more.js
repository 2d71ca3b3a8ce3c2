// Of `job` (../job.js) what most scripts do not call: progress, and how it is printed.
import { RangeError, TypeError, jsonStringify, stringToWellFormed } from '../primordials.js';
import { inspect } from '../inspect.js';

const { loop, text } = native;

const PROGRESS_TEXT_MAX_BYTES = 1024;

export function progress(fraction, message) {
  if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1))
    throw new RangeError(
      `job.progress: the fraction must be a number from 0 to 1, found ${inspect(fraction)}`,
    );
  if (message === undefined) message = '';
  else if (typeof message !== 'string')
    throw new TypeError(`job.progress: the text must be a string, found ${typeof message}`);
  message = stringToWellFormed(message);
  const bytes = text.utf8Length(message);
  if (bytes > PROGRESS_TEXT_MAX_BYTES)
    throw new RangeError(
      `job.progress: the text has ${bytes} bytes of UTF-8; at most ${PROGRESS_TEXT_MAX_BYTES} are allowed`,
    );
  loop.note('progress', jsonStringify({ __proto__: null, fraction, text: message }));
}

// waited: it names the jobs that it waited for.
export function inspectJob(job, waited, options) {
  const { id, tenant, attempt, input, env } = job;
  const shown = { id, tenant, attempt, input, env };
  if (waited) shown.parents = job.parents;
  return `job ${inspect(shown, options)}`;
}
