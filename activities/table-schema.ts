/** A column: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema */
export interface TableField {
  readonly name: string
  /** By its older name, as tables.get has it: `FLOAT`, `INTEGER`, `BOOLEAN`. */
  readonly type: string
  readonly mode?: string
  readonly description?: string
}

/** A table as tables.insert takes it: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables */
export interface TableShape {
  readonly schema: { readonly fields: readonly TableField[] }
  readonly timePartitioning?: {
    readonly type: string
    readonly field: string
    /** Milliseconds, in digits. */
    readonly expirationMs?: string
  }
  readonly clustering?: { readonly fields: readonly string[] }
  readonly labels?: Readonly<Record<string, string>>
}

/** How the deployment wants output loaded. */
export interface LoadOptions {
  /** The table that the load creates, if there is none. */
  readonly table: TableShape
  /** How the CSV is written, where it is not BigQuery's default. */
  readonly csv: {
    readonly skipLeadingRows?: number
    readonly fieldDelimiter?: string
    readonly nullMarker?: string
  }
  /** The user's own labels of Spark and load jobs. */
  readonly jobLabels: Readonly<Record<string, string>>
}

/** The columns of the pipeline's own Spark job, in the order of the CSV. All are nullable. */
export const TABLE_SCHEMA: TableShape['schema'] = {
  fields: [
    { name: 'vendor_id', type: 'STRING' },
    { name: 'pickup_datetime', type: 'TIMESTAMP' },
    { name: 'dropoff_datetime', type: 'TIMESTAMP' },
    { name: 'pickup_longitude', type: 'FLOAT' },
    { name: 'pickup_latitude', type: 'FLOAT' },
    { name: 'dropoff_longitude', type: 'FLOAT' },
    { name: 'dropoff_latitude', type: 'FLOAT' },
    { name: 'rate_code', type: 'STRING' },
    { name: 'passenger_count', type: 'INTEGER' },
    { name: 'trip_distance', type: 'FLOAT', description: 'miles' },
    { name: 'payment_type', type: 'STRING' },
    { name: 'fare_amount', type: 'FLOAT' },
    { name: 'extra', type: 'FLOAT' },
    { name: 'mta_tax', type: 'FLOAT' },
    { name: 'imp_surcharge', type: 'FLOAT' },
    { name: 'tip_amount', type: 'FLOAT' },
    { name: 'tolls_amount', type: 'FLOAT' },
    { name: 'total_amount', type: 'FLOAT' },
    { name: 'store_and_fwd_flag', type: 'STRING' },
    { name: 'average_speed', type: 'FLOAT', description: 'miles per hour' },
  ],
}
