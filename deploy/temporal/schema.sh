#!/bin/sh
# Makes Temporal's two databases, or brings their schemas up to date. May be run again.
set -eu

# Where the image of the tools keeps the schemas.
schemas=${TEMPORAL_SCHEMA:-/etc/temporal/schema}

prepare() {
  tool="temporal-sql-tool --plugin postgres12 --ep $POSTGRES_SEEDS -p $DB_PORT -u $POSTGRES_USER --db $1"
  $tool create
  $tool setup-schema -v 0.0 || echo "$1 has a schema already"
  $tool update-schema -d "$schemas/postgresql/v12/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
