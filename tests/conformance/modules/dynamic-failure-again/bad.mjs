throw new Error('once');
