// Progress that others can follow while the job runs (subject isolane.progress.<tenant>.<id>); output is
// published live as well. Queue it and watch:
//
//   isolane submit examples/progress.js --id walk && isolane logs walk --follow

const steps = ['fetching the map', 'lacing the boots', 'walking', 'arriving'];
for (const [i, step] of steps.entries()) {
    job.progress(i / steps.length, step);
    console.log(step);
    await new Promise((wake) => setTimeout(wake, 60));
}
job.progress(1, 'done');
export default steps.length;
