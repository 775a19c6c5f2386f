#!/bin/sh
# Installs a release with its own install.sh, tries it and removes it: on each system that the release is for.
# Tested by test/workflows. Usage: try.sh BASE_URL VERSION
set -eu
base=$1
version=$2
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

if command -v curl >/dev/null; then
	curl -fsS -o "$place/install.sh" "$base/install.sh"
else
	wget -q -O "$place/install.sh" "$base/install.sh"
fi
run() { sh "$place/install.sh" --dir "$place/bin" "$@"; }

run --base-url "$base" --version "$version"
"$place/bin/hivemind-p2p" --version | grep -qx "hivemind-p2p $version"
"$place/bin/hivemind-p2p" demo --once
run --base-url "$base" | grep -q "already installed"
run --uninstall
if [ -e "$place/bin/hivemind-p2p" ]; then
	echo "try.sh: --uninstall did not remove the program" >&2
	exit 1
fi
