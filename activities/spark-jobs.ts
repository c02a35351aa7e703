import type { protos } from '@google-cloud/dataproc'
import { PIPELINE } from '../workflows/contract.ts'
import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt, Batch, ClusterRef } from '../workflows/run-types.ts'
import { createBatchClaim } from './batch-claim.ts'
import { confirmAttempt } from './confirmed-plan.ts'
import type { ActivityClients, ActivitySettings } from './context.ts'
import { driverTail } from './driver-output.ts'
import { attempting, failure, isAlreadyExists, isNotFound, statusOf } from './failures.ts'
import { getCluster } from './get-cluster.ts'
import { loadIdOf } from './load-jobs.ts'
import { pollUntil } from './long-running.ts'
import { readJobFailure } from './output.ts'
import { outputNotes } from './output-notes.ts'
import { workflowId } from './owner.ts'
import { JOB_PROPERTIES, sparkArguments } from './spark-arguments.ts'
import { withSparkCopies } from './spark-files.ts'

type Job = protos.google.cloud.dataproc.v1.IJob

/** Activities on the Spark job of an attempt. */
export function sparkJobActivities(clients: ActivityClients, settings: ActivitySettings) {
  const { jobs, clusters, storage } = clients
  const claim = createBatchClaim(clients, settings.defaults)
  const notes = outputNotes(storage, settings)
  const { project: projectId, region } = settings
  return {
    /**
     * Runs the attempt's one Spark job and waits until it is done. Its id was chosen before, so a repeated try watches the
     * job of the first (P6). The job is cancelled only when the run itself is.
     * @returns the folder with its driver's output, `gs://…/`, if Dataproc names it
     * @throws BatchInProgress, SparkJobFailed, SparkJobCancelled, RawFileUnreadable, RawFilesMissing, ClusterGone,
     *   SparkScriptChanged, NotFound
     */
    async runSparkJob(
      given: RunPlan,
      batch: Batch,
      tried: Attempt,
      cluster: ClusterRef,
    ): Promise<string | undefined> {
      return attempting(`run the Spark job ${tried.sparkJobId}`, async () => {
        const { plan } = await claim.hold(given)
        const attempt = confirmAttempt(plan, tried)
        if (cluster.name !== attempt.clusterName)
          throw failure('InvalidInput', `The cluster ${cluster.name} is not the attempt's.`)
        await notes.add(attempt.key, {
          namespaceId: await clients.namespaceId(),
          owner: workflowId(),
          input: plan.input,
          loadId: loadIdOf(plan, batch),
        })
        await submit(plan, attempt, cluster)
        const job = await pollUntil({
          polling: settings.polling,
          urgency: 'job',
          read: () => readEnded(attempt, cluster),
          cancel: () => cancel(attempt.sparkJobId),
        })
        if (job.status?.state !== 'DONE') throw await jobFailure(job, attempt, cluster)
        // It is a prefix of numbered objects: what people can open is the folder that they are in.
        return job.driverOutputResourceUri?.replace(/[^/]*$/, '')
      })
    },
  }

  async function submit(plan: RunPlan, attempt: Attempt, cluster: ClusterRef): Promise<void> {
    try {
      await jobs.submitJob({
        projectId,
        region,
        requestId: attempt.key,
        job: jobOf(plan, attempt, cluster, await withSparkCopies(storage, settings)),
      })
    } catch (error) {
      if (isAlreadyExists(error)) return
      if (isNotFound(error) || statusOf(error) === 9) await refuseGoneCluster(cluster)
      throw error
    }
  }

  /** A job that has ended; nothing while it runs. */
  async function readEnded(attempt: Attempt, cluster: ClusterRef): Promise<Job | undefined> {
    try {
      const [job] = await jobs.getJob({ projectId, region, jobId: attempt.sparkJobId })
      const state = job.status?.state
      return state === 'DONE' || state === 'ERROR' || state === 'CANCELLED' ? job : undefined
    } catch (error) {
      if (isNotFound(error)) {
        await refuseGoneCluster(cluster)
        throw failure(
          'ClusterGone',
          `Dataproc has lost the job ${attempt.sparkJobId} on the cluster ${cluster.name}.`,
        )
      }
      throw error
    }
  }

  async function cancel(jobId: string): Promise<boolean> {
    try {
      await jobs.cancelJob({ projectId, region, jobId })
      return true
    } catch (error) {
      // The job has ended by itself, which the next read tells, or it is being set up, when it cannot be cancelled yet:
      // https://github.com/googleapis/google-cloud-java/issues/3754
      if (!isNotFound(error) && statusOf(error) !== 9) throw error
      return false
    }
  }

  async function jobFailure(job: Job, attempt: Attempt, cluster: ClusterRef): Promise<Error> {
    const told = await readJobFailure(storage, attempt)
    if (told.failure !== undefined) return told.failure
    await refuseGoneCluster(cluster)
    const output = job.driverOutputResourceUri ?? ''
    if (job.status?.state === 'CANCELLED') {
      return failure(
        'SparkJobCancelled',
        `The Spark job ${attempt.sparkJobId} was cancelled from outside. The raw files are where they were: retry the run.`,
      )
    }
    const tail = output === '' ? '' : await driverTail(storage, output)
    return failure(
      'SparkJobFailed',
      `The Spark job ${attempt.sparkJobId} failed: ${job.status?.details || 'no reason given.'}${told.remark} The raw files are where they were: fix the cause and retry the run. Driver output: ${output}*${tail === '' ? '' : `, which ends in\n${tail}`}`,
    )
  }

  /** @throws ClusterGone */
  async function refuseGoneCluster(cluster: ClusterRef): Promise<void> {
    const found = await getCluster(clusters, { projectId, region, clusterName: cluster.name })
    const state = found?.status?.state
    if (
      found === undefined ||
      found.clusterUuid !== cluster.uuid ||
      state === 'DELETING' ||
      state === 'ERROR'
    ) {
      throw failure('ClusterGone', `The cluster ${cluster.name} was lost while it was needed.`)
    }
  }
}

function jobOf(plan: RunPlan, attempt: Attempt, cluster: ClusterRef, { spark, load }: ActivitySettings): Job {
  return {
    reference: { jobId: attempt.sparkJobId },
    placement: { clusterName: cluster.name },
    labels: { ...load.jobLabels, pipeline: PIPELINE, attempt: attempt.key },
    pysparkJob: {
      mainPythonFileUri: spark.scriptUri,
      args: sparkArguments(spark.arguments, plan, attempt),
      properties: { ...JOB_PROPERTIES, ...spark.properties },
      pythonFileUris: [...spark.pythonFileUris],
      jarFileUris: [...spark.jarFileUris],
    },
  }
}
