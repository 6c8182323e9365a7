#!/usr/bin/env bash
# Brings a database to this release: shows what is pending, migrates, loads the history if asked, and checks the data.
# It stops at the first failure and says how to go back. It starts and stops no server.
#
#   scripts/deploy.sh [--servers-stopped] [--first-load]
#
#   --servers-stopped   the servers of earlier releases are stopped. Only a contract migration needs this.
#   --first-load        reads the history of every seller with an access token after the migration. Continues an
#                       interrupted run.
#
# The environment or .env configures it like the server. REGULARS is the command that it runs.
set -euo pipefail
cd "$(dirname "$0")/.."

read -r -a regulars <<<"${REGULARS:-node dist/src/main.js}"
servers_stopped=false
first_load=false
for option in "$@"; do
  case $option in
    --servers-stopped) servers_stopped=true ;;
    --first-load) first_load=true ;;
    *)
      sed -n '2,11s/^# \{0,1\}//p' "$0"
      [ "$option" = --help ] && exit 0
      exit 2
      ;;
  esac
done

step="reading the state of the schema"
go_back="Nothing was changed: the release before runs on."
failed() {
  {
    echo
    echo "deploy: stopped while $step."
    echo "deploy: $go_back"
  } >&2
}
trap failed ERR

begin() {
  step=$1
  echo
  echo "== $1"
}

begin "reading the state of the schema"
status=$("${regulars[@]}" migrate --status --json) || {
  "${regulars[@]}" migrate --status || true
  false
}
field() {
  node -p 'JSON.parse(process.argv[1])[process.argv[2]]' "$status" "$1"
}
pending=$(field pending)
# shellcheck disable=SC2016
node -p 'JSON.parse(process.argv[1]).migrations.filter(({ status }) => status === "pending")
  .map(({ kind, name }) => `pending  ${kind.padEnd(9)}${name}`).join("\n") || "Nothing is pending."' "$status"

if [ "$pending" -gt 0 ]; then
  echo
  echo "Make a backup before you go on, if the database holds data:"
  # In single quotes the address, which holds a password, is not printed.
  # shellcheck disable=SC2016
  echo '  pg_dump --format=custom --file=before.dump "$DATABASE_URL"    (Postgres)'
  echo "  ${regulars[*]} backup before.tar.gz    (embedded database)"
fi
if [ "$(field stop_servers_first)" = true ] && [ "$servers_stopped" = false ] &&
  [ "$(node -p 'JSON.parse(process.argv[1]).migrations.some(({ status }) => status === "applied")' "$status")" = true ]; then
  step="checking whether servers must stop"
  go_back="Nothing was changed. Stop the servers of earlier releases, then run this again with --servers-stopped."
  false
fi

begin "migrating"
go_back="The migration that failed had no effect, and those before it stay. The list above says what kind each one is: after expand migrations start the release before; after a contract restore the backup first."
"${regulars[@]}" migrate

if [ "$first_load" = true ]; then
  begin "loading the history"
  go_back="The schema is new and what was loaded stays. Run this again to continue the load, or restore the backup and start the release before."
  organizations=$("${regulars[@]}" org list --json)
  # Without a token nothing can be read. That is no reason to stop: the webhooks of such a seller arrive all the same.
  # shellcheck disable=SC2016
  connected=$(node -e '
    for (const { id, merchant_id, status, has_access_token } of JSON.parse(process.argv[1]))
      if (has_access_token && status === "active") console.log(id);
      else console.error(`${merchant_id} is left out: there is no access token. Connect the seller, then run backfill --organization ${id}`);
  ' "$organizations")
  for id in $connected; do "${regulars[@]}" backfill --organization "$id"; done
fi

begin "checking the data"
go_back="The schema is new. Do not start the new release before you know why: after expand migrations start the release before; after a contract restore the backup first."
"${regulars[@]}" sanity-check

trap - ERR
echo
echo "deploy: the database is ready. Start the servers of this release, and wait for /readyz."
