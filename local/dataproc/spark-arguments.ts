import type { Job } from './model.ts'

/**
 * The arguments of spark-submit for a PySpark job. The command line's master and deploy mode win over the job's
 * properties, as Dataproc's own settings do; the job's arguments come last, after the main file, so that none of them can be
 * taken for an option.
 * @param defaults file with the properties that everything else overrides
 */
export function sparkSubmitArguments(job: Job, defaults: string): string[] {
  const pyspark = job.pysparkJob ?? {}
  return [
    '--master',
    'local[2]',
    '--deploy-mode',
    'client',
    '--properties-file',
    defaults,
    ...option('--name', job.reference?.jobId ?? ''),
    ...Object.entries(pyspark.properties ?? {}).flatMap(([key, value]) => ['--conf', `${key}=${value}`]),
    ...option('--py-files', list(pyspark.pythonFileUris)),
    ...option('--jars', list(pyspark.jarFileUris)),
    ...option('--files', list(pyspark.fileUris)),
    ...option('--archives', list(pyspark.archiveUris)),
    pyspark.mainPythonFileUri ?? '',
    ...(pyspark.args ?? []),
  ]
}

function option(flag: string, value: string): string[] {
  return value ? [flag, value] : []
}

function list(uris: readonly string[] | null | undefined): string {
  return (uris ?? []).join(',')
}
