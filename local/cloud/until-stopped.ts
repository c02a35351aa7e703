import { fstatSync } from 'node:fs'

/**
 * Resolves when the process is asked to stop by a signal.
 * @param options.withParent also when the parent process ends, or closes the pipe that is our standard input.
 */
export function untilStopped({ withParent }: { withParent: boolean }): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
    if (!withParent) return
    const parent = process.ppid
    const watch = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(watch)
      resolve()
    }, 500)
    watch.unref()
    if (inputIsPipe()) {
      process.stdin.on('close', () => resolve())
      process.stdin.on('error', () => resolve())
      process.stdin.resume()
      // The pipe stays open while the parent lives; it must not keep us from ending after a signal.
      if ('unref' in process.stdin) process.stdin.unref()
    }
  })
}

/** At a terminal or on /dev/null the input says nothing about the parent. */
function inputIsPipe(): boolean {
  const input = fstatSync(0)
  return input.isFIFO() || input.isSocket()
}
