// performance.now and timeOrigin (High Resolution Time), and the way to the timeline, which is in the part `performance`.
import { TypeError } from '../primordials.js';
import { lazy } from '../parts.js';
import { needArguments, shapeInterface } from './interface.js';

const { loop } = native;
const timeline = lazy('performance');

let constructing = false;
let timeOrigin; // ms since 1970 when the job began

function originOf() {
  timeOrigin ??= loop.time() - loop.now() / 1000;
  return timeOrigin;
}

export class Performance {
  #brand;
  constructor() {
    if (!constructing) throw new TypeError('Illegal constructor');
  }
  now() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return loop.now() / 1000;
  }
  get timeOrigin() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return originOf();
  }
  toJSON() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return { timeOrigin: originOf() };
  }
  mark(name, options = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    needArguments(arguments.length, 1, 'mark');
    return timeline().mark(name, options);
  }
  measure(name, start = undefined, end = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    needArguments(arguments.length, 1, 'measure');
    return timeline().measure(name, start, end);
  }
  clearMarks(name = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    timeline().clearMarks(name);
  }
  clearMeasures(name = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    timeline().clearMeasures(name);
  }
  getEntries() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    return timeline().getEntries();
  }
  getEntriesByType(type) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    needArguments(arguments.length, 1, 'getEntriesByType');
    return timeline().getEntriesByType(type);
  }
  getEntriesByName(name, type = undefined) {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
    needArguments(arguments.length, 1, 'getEntriesByName');
    return timeline().getEntriesByName(name, type);
  }
}
shapeInterface(Performance);

constructing = true;
export const performance = new Performance();
constructing = false;

// Every invocation has a time origin of its own.
export function begin() {
  timeOrigin = undefined;
}
