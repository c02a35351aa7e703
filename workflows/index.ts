export { averageSpeed } from './average-speed.ts'
export { reapOrphanClusters } from './reap-orphan-clusters.ts'
