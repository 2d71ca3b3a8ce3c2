const m = require('./m.mjs');
module.exports = [m.three, m.__esModule === undefined];
