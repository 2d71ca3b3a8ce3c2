// navigator (HTML, 8.10) as far as a cell has one: WinterTC asks for userAgent.
import { TypeError } from '../primordials.js';
import { shapeInterface } from './interface.js';

let making = false;

export class Navigator {
  #brand;
  constructor() {
    if (!making) throw new TypeError('Illegal constructor');
  }
  get userAgent() {
    this.#brand;
    return `Isolane/${ISOLANE_VERSION}`;
  }
  get hardwareConcurrency() {
    this.#brand;
    return 1;
  }
  get language() {
    this.#brand;
    return 'en-US';
  }
}
shapeInterface(Navigator);

making = true;
export const navigator = new Navigator();
making = false;
