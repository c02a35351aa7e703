import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { CliError, EXIT } from './exit-codes.ts'

/** Options of the commands that work on a deployment itself, and not through its gateway. */
export interface OperatorOptions {
  readonly envFile?: string
  readonly json?: boolean
}

const DEFAULT_FILE = '.env'

/** Adds the options to a command. */
export function addOperatorOptions(command: Command): Command {
  return command
    .option('--env-file <file>', `read settings from this file; default: ${DEFAULT_FILE}, if there is one`)
    .option('--json', 'print JSON')
}

/**
 * Lets the settings file set what the environment does not.
 * @returns the file, if there is one
 * @throws CliError when it cannot be read
 */
export async function loadSettingsFile({ envFile }: OperatorOptions): Promise<string | undefined> {
  const file = envFile ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  if (file === undefined) return undefined
  const { loadEnvFile } = await import('../config.ts')
  try {
    loadEnvFile(file)
  } catch (error) {
    throw new CliError(EXIT.usage, `The settings cannot be read from ${file}: ${(error as Error).message}.`)
  }
  return file
}

/**
 * Reads the deployment's settings, from the environment and from the file; the environment goes before the file.
 * @throws CliError that names every fault
 */
export async function settingsOf<T>(
  options: OperatorOptions,
  load: (config: typeof import('../config.ts')) => T,
): Promise<T> {
  const file = await loadSettingsFile(options)
  const config = await import('../config.ts')
  const { ConfigurationError } = await import('../environment.ts')
  try {
    return load(config)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    throw new CliError(EXIT.usage, error.message, {
      remedy: `Set them in ${file ?? DEFAULT_FILE}; .env.example lists them all.`,
    })
  }
}
