#!/usr/bin/env bash
# docs/seed-study.md must be what studies/seed-study makes of the record, so that no number in it was written by hand.
#
#   seed_study_test.sh PROGRAM
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v python3 >/dev/null || { echo "python3 is not here: skipped"; exit 77; }
diff <("$root"/studies/seed-study --program "$1") "$root"/docs/seed-study.md ||
  { echo "docs/seed-study.md: to be written anew: studies/seed-study > docs/seed-study.md" >&2; exit 1; }
