// Behaviour: a form goes out and comes back as multipart
// Spec: Fetch, FormData; XHR, FormData
// Covers: FormData, File
// Expect: value [["a","ü"],["f","n.txt","text/plain","body"]]
const f = new FormData(); f.append('a', 'ü'); f.append('f', new File(['body'], 'n.txt', { type: 'text/plain' }));
const back = await new Response(f).formData(); const file = back.get('f');
export default [['a', back.get('a')], ['f', file.name, file.type, await file.text()]];
