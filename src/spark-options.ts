import { PLACEHOLDERS, placeholdersIn, type SparkJobOptions } from '../activities/spark-arguments.ts'
import { copyUri, isSparkFile } from '../activities/spark-files.ts'
import { listOf } from './environment.ts'
import { faultsOfProperties } from './spark-properties.ts'
import { readSparkScript } from './spark-script.ts'

/** The variables that say how the Spark script is run. */
export interface SparkVariables {
  readonly STATE_BUCKET: string
  readonly DEPLOYMENT: string
  readonly SPARK_SCRIPT_URI?: string
  readonly SPARK_ARGUMENTS?: string
  readonly SPARK_PROPERTIES?: string
  readonly SPARK_PY_FILES?: string
  readonly SPARK_JARS?: string
}

/** Options of the Spark job, with what is wrong with them, a sentence each that begins with the variable. */
export function sparkOptions(v: SparkVariables): {
  readonly spark: SparkJobOptions
  readonly faults: readonly string[]
} {
  const faults: string[] = []
  const folder = `gs://${v.STATE_BUCKET}/scripts/`
  return {
    spark: {
      ...scriptOf(v.SPARK_SCRIPT_URI, folder, faults),
      arguments: argumentsOf(v.SPARK_ARGUMENTS, faults),
      properties: propertiesOf(v.SPARK_PROPERTIES, v.SPARK_SCRIPT_URI === undefined, faults),
      pythonFileUris: filesOf('SPARK_PY_FILES', v.SPARK_PY_FILES, faults),
      jarFileUris: filesOf('SPARK_JARS', v.SPARK_JARS, faults),
      copies: { folder, note: `gs://${v.STATE_BUCKET}/deployments/${v.DEPLOYMENT}/spark.json` },
    },
    faults,
  }
}

function scriptOf(
  uri: string | undefined,
  folder: string,
  faults: string[],
): Pick<SparkJobOptions, 'scriptUri' | 'release'> {
  if (uri !== undefined) {
    refuseStrange('SPARK_SCRIPT_URI', uri, faults)
    return { scriptUri: uri }
  }
  const { fileName, sha256, md5, size } = readSparkScript()
  return { scriptUri: copyUri(folder, sha256, fileName), release: { md5, size } }
}

function filesOf(variable: string, text: string | undefined, faults: string[]): readonly string[] {
  const uris = listOf(text ?? '')
  for (const uri of uris) refuseStrange(variable, uri, faults)
  return uris
}

function refuseStrange(variable: string, uri: string, faults: string[]): void {
  if (!isSparkFile(uri))
    faults.push(`${variable} names ${JSON.stringify(uri)}, which is not gs://bucket/file`)
}

function argumentsOf(text: string | undefined, faults: string[]): readonly string[] {
  const list = parse(text ?? '[]')
  if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) {
    faults.push('SPARK_ARGUMENTS must be a JSON list of texts, such as ["--minimum-trips", "10"]')
    return []
  }
  const used = placeholdersIn(list)
  for (const name of used) {
    if ((PLACEHOLDERS as readonly string[]).includes(name)) continue
    const known = PLACEHOLDERS.map((one) => `{${one}}`).join(', ')
    faults.push(`SPARK_ARGUMENTS holds {${name}}, which stands for nothing; there are ${known}`)
  }
  // Without the first nobody finds the output; without the second the script reads other files than those described (P8).
  for (const name of used.length > 0 ? ['transformed', 'manifest'] : []) {
    if (!used.includes(name))
      faults.push(`SPARK_ARGUMENTS names its own paths, so it must hold {${name}} too`)
  }
  return list
}

function propertiesOf(
  text: string | undefined,
  isReleaseScript: boolean,
  faults: string[],
): Readonly<Record<string, string>> {
  const map = parse(text ?? '{}')
  const isMap = typeof map === 'object' && map !== null && !Array.isArray(map)
  if (isMap && Object.values(map).every((value) => typeof value === 'string')) {
    const properties = map as Record<string, string>
    faults.push(...faultsOfProperties(properties, isReleaseScript))
    return properties
  }
  faults.push('SPARK_PROPERTIES must be a JSON object of texts, such as {"spark.executor.memory": "4g"}')
  return {}
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
