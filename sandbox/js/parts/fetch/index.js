// fetch, and what it is made of (https://fetch.spec.whatwg.org/, https://xhr.spec.whatwg.org/#interface-formdata).
import { uncloneable } from '../cloneable.js';
import { resetFetch } from './fetch.js';
import { isFormData } from './form_data.js';
import { headersInside } from './headers.js';
import { mimeTypeOf } from './mime.js';
import { requestInside } from './request.js';
import { isResponse } from './response.js';

export { FormData } from './form_data.js';
export { Headers, headersInside, trimmed } from './headers.js';
export { Request } from './request.js';
export { Response, bytesOfResponse, factsOf, isResponse } from './response.js';
export { fetch } from './fetch.js';
export { parseMimeType } from './mime.js';

uncloneable('Response', isResponse);
uncloneable('Request', requestInside.is);
uncloneable('Headers', headersInside.is);
uncloneable('FormData', isFormData);

// For other built-ins: the MIME type of a response, without parameters.
export const contentTypeOf = (response) => mimeTypeOf(response.headers)?.essence;

export const reset = resetFetch;
