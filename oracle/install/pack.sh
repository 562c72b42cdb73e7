#!/usr/bin/env bash
# Packs what a Pi needs into one archive: oracle, protocol with its generated ABIs, their lock file, the installer.
#
#   npm run build && oracle/install/pack.sh [FOLDER]      writes FOLDER/ioe-VERSION.tar.gz and prints its path
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-.}
if [ ! -f "$root/protocol/src/generated/abi.ts" ]; then
  echo "pack.sh: the contracts are not built; run: npm run build" >&2
  exit 1
fi
version=$(sed -n 's/^ *"version": "\(.*\)",$/\1/p' "$root/oracle/package.json" | head -n 1)
commit=$(git -C "$root" rev-parse --short=10 HEAD 2>/dev/null || true)
name=ioe-$version${commit:+-$commit}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out" "$work/$name/docs"
node "$root/oracle/install/lock.mjs" "$work/$name"
cp "$root/LICENSE" "$work/$name/"
# The Pi downloads from where this computer does.
npm config get registry 2>/dev/null | tail -n 1 | sed 's,/$,,' >"$work/$name/REGISTRY"
cp "$root/docs/raspberry-pi.md" "$root/docs/wiring.md" "$work/$name/docs/"
tar --create --directory "$root" --exclude '*.test.ts' --exclude testing --exclude node_modules oracle protocol |
  tar --extract --directory "$work/$name"
tar --create --gzip --file "$out/$name.tar.gz" --directory "$work" --owner 0 --group 0 "$name"
echo "$out/$name.tar.gz"
