#!/bin/sh
# Builds everything that a release publishes: dist/, and papers/ with the Homebrew formula and, for a tag, the notes.
# Prints their checksums as a job's outputs, which the jobs that hold a token compare. Usage: build.sh [TAG]
set -eu
cd "$(dirname "$0")/../.."
bun=$(sh .github/scripts/bun.sh)
"$bun" install --frozen-lockfile --ignore-scripts >&2
"$bun" build.ts --all --archive >&2
mkdir -p papers
"$bun" build.ts --formula >papers/hivemind-p2p.rb
if [ -n "${1:-}" ]; then "$bun" build/release.ts notes "$1" >papers/notes.md; fi
output() { sha256sum "$2" | sed "s/^\([0-9a-f]*\) .*/$1=\1/"; }
output sums dist/SHA256SUMS
output formula papers/hivemind-p2p.rb
if [ -n "${1:-}" ]; then output notes papers/notes.md; fi
