// fetch, and what it is made of (https://fetch.spec.whatwg.org/, https://xhr.spec.whatwg.org/#interface-formdata).
import { resetFetch } from './fetch.js';
import { mimeTypeOf } from './mime.js';

export { FormData } from './form_data.js';
export { Headers, headersInside, trimmed } from './headers.js';
export { Request } from './request.js';
export { Response, bytesOfResponse, factsOf, isResponse } from './response.js';
export { fetch } from './fetch.js';
export { parseMimeType } from './mime.js';

// For other built-ins: the MIME type of a response, without parameters.
export const contentTypeOf = (response) => mimeTypeOf(response.headers)?.essence;

export const reset = resetFetch;
