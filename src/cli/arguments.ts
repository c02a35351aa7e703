import { withoutEndSlashes } from '../slashes.ts'

// Spellings of the script that this command replaces, `dag_trigger.py --iapClientId=… --raw_path=…`.
const OLD_SPELLINGS: Readonly<Record<string, string>> = {
  '--iapClientId': '--iap-client-id',
  '--raw_path': '--raw-path',
  '--transformed_path': '--transformed-path',
  '--failed_path': '--failed-path',
  '--run_id': '--run-id',
  '--output_table': '--output-table',
}

/** The arguments with old spellings of options made new; values stay as they are. */
export function modernised(argv: readonly string[]): string[] {
  return argv.map((argument) => {
    const [name = '', ...value] = argument.split('=')
    const modern = OLD_SPELLINGS[name]
    return modern === undefined ? argument : [modern, ...value].join('=')
  })
}

const TRIGGER_PATH = /\/api\/(experimental|v1|v2)\/dags\/[^/]+\/(dag_runs|dagRuns)\/?$/

/** The gateway's base URL, without a slash at the end; the original's full endpoint will do as well. */
export function baseUrlOf(url: string): string {
  return withoutEndSlashes(url.replace(TRIGGER_PATH, ''))
}
