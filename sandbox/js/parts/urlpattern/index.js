// URLPattern (URL Pattern standard) by the package urlpattern-polyfill.
import { URLPattern } from 'urlpattern-polyfill/urlpattern';
import { apply, define, descriptorOf } from '../../primordials.js';
import { shapeInterface } from '../interface.js';

// The package's own take any object for a pattern and answer for it.
const { test, exec } = URLPattern.prototype;
const { get: ofPattern } = descriptorOf(URLPattern.prototype, 'protocol'); // throws for others
define(URLPattern.prototype, {
  test(input = undefined, base = undefined) {
    apply(ofPattern, this, []);
    return apply(test, this, [input, base]);
  },
  exec(input = undefined, base = undefined) {
    apply(ofPattern, this, []);
    return apply(exec, this, [input, base]);
  },
}, true);
shapeInterface(URLPattern);
export { URLPattern };
