/** Node's options for a heap as a worker has it: those of the image, and what Node gives itself in a container of 500 MiB. */
export const WORKER_HEAP: readonly string[] = ['--max-semi-space-size=16', '--max-old-space-size=256']
