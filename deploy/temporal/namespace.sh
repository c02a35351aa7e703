#!/bin/sh
# Makes the namespace, which keeps closed runs for 30 days, and the search attributes. May be run again.
set -eu

temporal operator namespace describe default >/dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 720h

existing=$(temporal operator search-attribute list)
for attribute in RunStep:Keyword RawPath:Keyword ClusterName:Keyword StartedBy:Keyword RowsLoaded:Int TeardownPending:Bool LogicalDate:Datetime; do
  name=${attribute%:*}
  case "$existing" in
  *"$name"*) ;;
  *) temporal operator search-attribute create --name "$name" --type "${attribute#*:}" ;;
  esac
done
