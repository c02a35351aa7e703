/** The paths that the pipeline's Spark script is given; folders end in a slash. */
export interface ScriptPaths {
  readonly raw: string
  readonly transformed: string
  readonly rejected: string
  readonly manifest: string | undefined
}

/** Reads the script's arguments, `--name value` or `--name=value`; undefined when they are another script's. */
export function scriptPaths(args: readonly string[]): ScriptPaths | undefined {
  const options = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const [name = '', value] = (args[i] ?? '').split(/=(.*)/s, 2)
    if (!name.startsWith('--')) continue
    options.set(name, value ?? args[++i] ?? '')
  }
  const raw = options.get('--gcs_path_raw')
  const transformed = options.get('--gcs_path_transformed')
  if (raw === undefined || transformed === undefined) return undefined
  const folder = withSlash(transformed)
  return {
    raw,
    transformed: folder,
    rejected: withSlash(options.get('--gcs_path_rejected') ?? `${folder}_rejected/`),
    manifest: options.get('--manifest'),
  }
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}
