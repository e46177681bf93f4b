#!/usr/bin/env bash
# tools/check-includes must catch each kind of breach, and pass a tree without any.
set -euo pipefail
check=$(cd "$(dirname "$0")/../.." && pwd)/tools/check-includes
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/src/{base,data,nn,cli} "$tree"/tests/data

# expect VERDICT FILE INCLUDE: the tree with that one line must be accepted or refused.
expect() {
  local verdict=refused
  echo "#include $3" >"$tree/$2"
  if "$check" "$tree" >"$tree/output"; then verdict=accepted; fi
  if [[ $verdict != "$1" ]]; then
    echo "expected $1: $3 in $2; got $verdict: $(cat "$tree/output")" >&2
    exit 1
  fi
  rm "$tree/$2"
}

expect accepted src/data/a.cc '"base/error.h"'
expect accepted src/data/a.cc '"data/dataset.h"'
expect accepted src/data/a.cc '<vector>'
expect accepted src/nn/a.cc '<oneapi/dnnl/dnnl.hpp>'
expect accepted src/cli/a.cc '"nn/engine.h"'
expect accepted tests/data/a.cc '"data/dataset.h"'
expect refused src/base/a.h '"data/dataset.h"'
expect refused src/data/a.cc '"nn/engine.h"'
expect refused src/data/a.cc '  "cli/command.h"'
expect refused tests/data/a.cc '"cli/command.h"'
expect refused src/data/a.cc '<oneapi/dnnl/dnnl.hpp>'
expect refused src/nn/a.cc '<omp.h>'
mkdir "$tree"/src/other
expect refused src/other/a.cc '<vector>'
