import {
  DefaultLogger,
  type LogEntry,
  type LogLevel,
  type Logger as TemporalLogger,
} from '@temporalio/worker'
import { type Logger, pino } from 'pino'

/** The process's logger: JSON lines on standard output, with the service's name. */
export function createLogger(service: 'worker' | 'gateway', level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    // Temporal logs its errors under this key.
    serializers: { error: pino.stdSerializers.errWithCause },
  })
}

/** Sends Temporal's log lines through the process's logger. */
export function temporalLogger(logger: Logger): TemporalLogger {
  return new DefaultLogger(logger.level.toUpperCase() as LogLevel, (entry: LogEntry) => {
    const level = entry.level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error'
    logger[level](entry.meta ?? {}, entry.message)
  })
}
