// Behaviour: an error given to log in place of the fields is the field error
// Spec: docs/scripts.md, log
// Expect: stderr-json {"level":"error","msg":"failed","error":{"name":"RangeError","message":"why","stack":"at the door"}}
const error = new RangeError('why');
error.stack = 'at the door';
log.error('failed', error);
