import { beforeAll, describe, expect, test } from '@jest/globals'
import { memberNames, type Uses, usesIn } from './support/calls.ts'

/** A kind of effect: the members by which the clients have it, and the only modules that may name one. */
interface Effect {
  readonly members: readonly string[]
  readonly where: Readonly<Record<string, string>>
}

const NO_CLIENT = 'not of a client: a collection, a field or an activity of that name'

const EFFECTS: Readonly<Record<string, Effect>> = {
  // https://googleapis.dev/nodejs/storage/latest/
  'deletes, copies or moves objects': {
    members: [
      ...['delete', 'deleteFiles', 'deleteLabels', 'removeRetentionPeriod', 'restore', 'addLifecycleRule'],
      ...['copy', 'move', 'moveFileAtomic', 'rename', 'combine', 'setStorageClass', 'rotateEncryptionKey'],
    ],
    where: {
      'activities/storage/effects.ts: delete': 'in a folder of the batch',
      'activities/spark-files.ts: copy': NO_CLIENT,
      'src/gateway/airflow/shared-looks.ts: delete': NO_CLIENT,
      'src/gateway/connections.ts: delete': NO_CLIENT,
      'src/gateway/places.ts: delete': NO_CLIENT,
      'src/setup/script.ts: copy': NO_CLIENT,
      'workflows/cleanup.ts: delete': NO_CLIENT,
      'workflows/cluster-slots.ts: delete': NO_CLIENT,
    },
  },
  // A client's own way to any call of the API.
  'makes requests of its own wording': {
    members: ['request', 'requestStream'],
    where: {
      'activities/storage/effects.ts: request':
        'a copy over the generation that was seen, or none, between folders of the batch',
      'activities/cluster-slots.ts: request': NO_CLIENT,
      'src/cli/federation.ts: request': 'for a token',
      'src/iam.ts: request': 'whether a permission is there',
    },
  },
  'writes objects or changes buckets': {
    members: [
      ...['save', 'upload', 'uploadManyFiles', 'uploadFileInChunks', 'createWriteStream'],
      ...['createResumableUpload', 'setMetadata', 'setLabels', 'setRetentionPeriod', 'createBucket'],
      ...['makePublic', 'makePrivate', 'acl', 'setCorsConfiguration', 'enableLogging', 'lock'],
    ],
    where: {
      'activities/objects.ts: save': 'over the generation that its caller has seen, or none',
      'src/setup/buckets.ts: createBucket': 'the buckets of a deployment',
      'src/setup/buckets.ts: setMetadata': 'whose buckets they are, and how long files are kept',
      'src/setup/copy-spark-file.ts: createWriteStream': 'where there is none, under its hash',
      'src/setup/script.ts: save': 'where there is none, under its hash',
      'src/setup/warehouse.ts: setMetadata': "whose the deployment's table is",
    },
  },
  // https://googleapis.dev/nodejs/bigquery/latest/
  'runs jobs on tables, or makes tables': {
    members: [
      ...['createJob', 'createLoadJob', 'load', 'import', 'createCopyJob', 'createQueryJob'],
      ...['createQueryStream', 'query', 'insert', 'createInsertStream', 'createTable', 'createDataset'],
      ...['createView', 'createRoutine', 'createExtractJob', 'extract'],
    ],
    where: {
      'activities/load-jobs.ts: createJob': 'the load',
      'src/doctor/warehouse.ts: createQueryJob': 'a dry run',
      'src/setup/export-batch.ts: createJob': 'an extract, which reads tables',
      'src/setup/warehouse.ts: createDataset': "the deployment's dataset",
      'src/setup/warehouse.ts: createTable': "the deployment's table, where there is none",
    },
  },
  // https://googleapis.dev/nodejs/dataproc/latest/
  'changes clusters or jobs': {
    members: [
      ...['createCluster', 'deleteCluster', 'updateCluster', 'stopCluster', 'startCluster'],
      ...['diagnoseCluster', 'submitJob', 'submitJobAsOperation', 'updateJob', 'deleteJob', 'cancelJob'],
    ],
    where: {
      'activities/cluster-creation.ts: createCluster': "the attempt's",
      'activities/cluster-deletion.ts: diagnoseCluster': "the attempt's, which could not be created",
      'activities/cluster-removal.ts: deleteCluster':
        'one that says by name, labels and metadata that it is ours',
      'activities/spark-jobs.ts: cancelJob': "the attempt's",
      'activities/spark-jobs.ts: submitJob': "the attempt's",
      'workflows/activity-options.ts: createCluster': NO_CLIENT,
      'workflows/activity-options.ts: diagnoseCluster': NO_CLIENT,
      'workflows/ephemeral-cluster.ts: createCluster': NO_CLIENT,
    },
  },
  'makes calls of its own through a client': {
    members: ['request', 'requestStream', 'makeAuthenticatedRequest', 'innerApiCalls', 'fetch'],
    where: {
      'activities/cluster-slots.ts: request': NO_CLIENT,
      'activities/storage/effects.ts: request':
        'copies with a precondition on what it replaces, which the client lacks',
      'src/cli/federation.ts: request': 'a token of another identity provider',
      'src/iam.ts: request': 'the permissions of a project, which it reads',
    },
  },
}

/** Members that are common names of fields, too: these count where they are called. */
const AMBIGUOUS = ['extract', 'import', 'insert', 'load', 'query', 'request']

const CLIENTS_AND_FOLDERS = /: (?:OwnFolder|Storage|BigQuery|\w*ControllerClient|TransferManager)$/

describe('each effect on the cloud has its place: who', () => {
  let uses: Uses
  beforeAll(async () => {
    uses = await usesIn(['activities', 'workflows', 'src'])
  })

  test.each(Object.entries(EFFECTS))('%s', (_, { members, where }) => {
    const found = members.flatMap((member) => {
      const named = AMBIGUOUS.includes(member) ? uses.calls : uses.members
      return named.filter((use) => use.endsWith(`: ${member}`))
    })
    expect(found.sort()).toEqual(Object.keys(where).sort())
  })

  test("makes clients, and folders that are the pipeline's own", () => {
    expect(uses.classes.filter((use) => CLIENTS_AND_FOLDERS.test(use))).toEqual([
      'activities/storage/own-folder.ts: OwnFolder',
      'src/clients.ts: BigQuery',
      'src/clients.ts: ClusterControllerClient',
      'src/clients.ts: JobControllerClient',
      'src/clients.ts: Storage',
    ])
  })
})

test('a member is seen however it is named', async () => {
  const text = `
    file.delete(); file?.delete(); file['delete'](); file[\`delete\`]()
    const undo = file.delete; const { delete: gone } = file; const { copy } = file
    function f({ move = 1 }, { files: [{ rename }] }) {}
    ({ combine: x } = bucket)
    class Sub extends Base { run() { this.client!.save(); super.upload(); (file as any).restore() } }
  `
  expect(new Set(await memberNames(text))).toEqual(
    new Set(['delete', 'copy', 'move', 'files', 'rename', 'combine', 'client', 'save', 'upload', 'restore']),
  )
})
