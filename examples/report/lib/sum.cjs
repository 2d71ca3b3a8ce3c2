// CommonJS: its names can be imported as well.
exports.total = (order, prices) => Object.entries(order).reduce((sum, [name, n]) => sum + n * prices[name], 0);
