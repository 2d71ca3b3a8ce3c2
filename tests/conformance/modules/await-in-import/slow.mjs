export const seen = [];
await new Promise((done) => setTimeout(done, 3));
seen.push('slow');
