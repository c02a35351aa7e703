import { defineSearchAttributeKey } from '@temporalio/common'

/** The contract's search attributes that the gateway sets or reads, as typed keys. */
export const attributes = {
  rawPath: defineSearchAttributeKey('RawPath', 'KEYWORD'),
  runStep: defineSearchAttributeKey('RunStep', 'KEYWORD'),
  startedBy: defineSearchAttributeKey('StartedBy', 'KEYWORD'),
  logicalDate: defineSearchAttributeKey('LogicalDate', 'DATETIME'),
}
