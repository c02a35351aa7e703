export { averageSpeed } from './average-speed.ts'
export { clusterSlots } from './cluster-slots.ts'
export { reapOrphanClusters } from './reap-orphan-clusters.ts'
