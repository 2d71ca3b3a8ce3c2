// URLPattern (URL Pattern standard) by the package urlpattern-polyfill.
import { URLPattern } from 'urlpattern-polyfill/urlpattern';
import { shapeInterface } from '../../interface.js';

shapeInterface(URLPattern);
export { URLPattern };
