// Listens to a feed for a while: messages as they come, a clean end, what policy refuses. Needs a host that it may
// reach:
//   isolane run examples/websocket.js --allow net=feed.example.com --input '{"url": "wss://feed.example.com/", "say": ["hello"]}'
const { url, say = [], ms = 3000 } = job.input;

const socket = new WebSocket(url);
const messages = [];
socket.addEventListener('open', () => {
  for (const text of say) socket.send(text);
  setTimeout(() => socket.close(1000, 'enough'), ms);
});
socket.addEventListener('message', ({ data }) => {
  messages.push(typeof data === 'string' ? data : data.size);
  if (messages.length === say.length) socket.close(1000, 'enough');
});
socket.addEventListener('error', ({ message, error }) => console.error(`${error.name}: ${message}`));

const { wasClean, code, reason } = await new Promise((resolve) => socket.addEventListener('close', resolve));
console.log(`closed ${wasClean ? 'cleanly' : 'uncleanly'}: ${code} ${reason}`);
export default messages;
