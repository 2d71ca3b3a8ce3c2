exports.a = 1;
exports.b = require("./d.json").n;
