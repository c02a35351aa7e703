#!/bin/sh
# Makes the namespace, which keeps closed runs for 30 days, and the search attributes, and waits until the server knows
# them: it looks for new ones only now and then. May be run again.
set -eu

# Tries a command every second for a minute; what it said the last time is shown if it never succeeds.
eventually() {
  tries=60
  until said=$("$@" 2>&1); do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
      echo "$said" >&2
      return 1
    fi
    sleep 1
  done
}

temporal operator namespace describe default >/dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 720h

eventually temporal operator search-attribute list
existing=$said
for attribute in RunStep:Keyword RawPath:Keyword ClusterName:Keyword Owner:Keyword Deployment:Keyword RowsLoaded:Int TeardownPending:Bool LogicalDate:Datetime; do
  name=${attribute%:*}
  # As a whole word: the server has attributes of its own that end as some of ours.
  echo "$existing" | grep -qw "$name" ||
    temporal operator search-attribute create --name "$name" --type "${attribute#*:}"
done
# The last one that was made; the server takes them on in this order.
eventually temporal workflow list --limit 1 --query "$name IS NULL"
