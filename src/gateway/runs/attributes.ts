import { defineSearchAttributeKey } from '@temporalio/common'

/** The contract's search attributes that the gateway sets or reads, as typed keys. */
export const attributes = {
  rawPath: defineSearchAttributeKey('RawPath', 'KEYWORD'),
  runStep: defineSearchAttributeKey('RunStep', 'KEYWORD'),
  owner: defineSearchAttributeKey('Owner', 'KEYWORD'),
  deployment: defineSearchAttributeKey('Deployment', 'KEYWORD'),
  logicalDate: defineSearchAttributeKey('LogicalDate', 'DATETIME'),
}
