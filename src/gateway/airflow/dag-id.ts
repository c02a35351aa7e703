import { PIPELINE } from '../../../workflows/contract.ts'
import { Problem } from '../problem.ts'

/** @throws Problem 404 for any DAG but ours */
export function requireOurDag(dagId: string): void {
  if (dagId !== PIPELINE) {
    throw new Problem(
      404,
      `There is no DAG ${JSON.stringify(dagId.slice(0, 200))}; this gateway serves ${PIPELINE}.`,
    )
  }
}
