#!/bin/sh
# Prints the path of the Bun that package.json pins, after comparing its package with build/checksums. `npx bun` would
# believe the registry. For Linux on x64. Tested by test/workflows.
set -eu
cd "$(dirname "$0")/../.."
version=$(sed -n 's/.*"packageManager": "bun@\([0-9.]*\)".*/\1/p' package.json)
package=@oven/bun-linux-x64-baseline@$version
wanted=$(sed -n "s|^$package ||p" build/checksums)
place=$(mktemp -d)
npm pack --silent --pack-destination "$place" "$package" >/dev/null
sum=sha512-$(openssl dgst -sha512 -binary "$place"/*.tgz | openssl base64 -A)
if [ "$sum" != "$wanted" ]; then
	echo "bun.sh: $package has the hash $sum, but build/checksums has '$wanted'" >&2
	exit 1
fi
tar -xzf "$place"/*.tgz -C "$place" package/bin/bun
chmod 755 "$place/package/bin/bun"
echo "$place/package/bin/bun"
