import { runTask, type SeedTask } from './seed-summary.js';

/** A process that runs the seeds it is told of, one after the other, until nobody tells it any more. */
process.on('message', (task: SeedTask) => {
  runTask(task).then(
    (summary) => process.send?.(summary),
    (error: unknown) => {
      process.stderr.write(`seed ${task.seed}: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
