import { PLACEHOLDERS, placeholdersIn, type SparkJobOptions } from '../activities/spark-arguments.ts'
import { listOf } from './environment.ts'
import { sparkScriptUri } from './spark-script.ts'

/** The variables that say how the Spark script is run. */
export interface SparkVariables {
  readonly RAW_BUCKET: string
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
  return {
    spark: {
      scriptUri: v.SPARK_SCRIPT_URI ?? sparkScriptUri(v.RAW_BUCKET),
      arguments: argumentsOf(v.SPARK_ARGUMENTS, faults),
      properties: propertiesOf(v.SPARK_PROPERTIES, faults),
      pythonFileUris: listOf(v.SPARK_PY_FILES ?? ''),
      jarFileUris: listOf(v.SPARK_JARS ?? ''),
    },
    faults,
  }
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

function propertiesOf(text: string | undefined, faults: string[]): Readonly<Record<string, string>> {
  const map = parse(text ?? '{}')
  const isMap = typeof map === 'object' && map !== null && !Array.isArray(map)
  if (isMap && Object.values(map).every((value) => typeof value === 'string'))
    return map as Record<string, string>
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
