#!/usr/bin/env bash
# Installs the oracle as a service on Raspberry Pi OS or Debian, 64 bit. See docs/raspberry-pi.md.
set -euo pipefail

# Pinned by content. Node comes as npm's package of its binary, npm only installs and is not kept running.
NODE_VERSION=24.21.0
NODE_SHA256_arm64=fba3076c16d21e5d814577436bdcb782b9b66bed09c6fa8278298e8933288bbb
NODE_SHA256_x64=61ecf27ad70afee991b671c28561eb497028294a67d132f9bbaac9ad73f81d3b
NPM_VERSION=11.6.2
NPM_SHA256=585f95094ee5cb2788ee11d90f2a518a7c9ef6e083fa141d0b63ca3383675a20
KEEP_RELEASES=3

usage() {
  cat <<'TEXT'
usage: sudo oracle/install/install.sh COMMAND [OPTIONS]

  install            install this release, or upgrade to it; the configuration stays as it is
  rollback           go back to the release before
  uninstall          remove service and program; --purge removes configuration, keys and journal as well

  --prefix DIR       install below DIR, without user, rights and service (for tests and images)
  --node FILE        use this Node (22.18 or newer) instead of downloading the pinned one
  --packages DIR     copy node_modules from there instead of downloading (a Pi without internet): a folder in which
                     this release's packages were installed with npm ci on a computer of the same kind
  --groups LIST      groups for the user ioe, separated by commas; gpio,i2c,dialout as far as they exist
  --dry-run          print what would be done
  --purge            see uninstall
TEXT
}

fail() {
  echo "install.sh: $1" >&2
  exit "${2:-1}"
}
say() { echo "== $1"; }
# Runs a command, or prints it.
run() { if [ "$dry_run" = yes ]; then printf '+ %q' "$1" && shift && printf ' %q' "$@" && echo; else "$@"; fi; }

command=${1:-}
[ $# -gt 0 ] && shift
prefix='' node='' packages='' groups='' dry_run=no purge=no
while [ $# -gt 0 ]; do
  case $1 in
    --prefix | --node | --packages | --groups)
      [ $# -ge 2 ] || fail "$1 needs a value" 2
      case $1 in
        --prefix) prefix=$(mkdir -p "$2" && cd "$2" && pwd) ;;
        --node) node=$(readlink -f "$2") ;;
        --packages) packages=$(cd "$2" && pwd) ;;
        --groups) groups=${2//,/ } ;;
      esac
      shift 2
      ;;
    --dry-run) dry_run=yes && shift ;;
    --purge) purge=yes && shift ;;
    *) usage >&2 && fail "$1 is not an option" 2 ;;
  esac
done

source=$(cd "$(dirname "$0")/../.." && pwd)
opt=$prefix/opt/ioe etc=$prefix/etc/ioe state=$prefix/var/lib/ioe cache=$prefix/var/cache/ioe
units=$prefix/etc/systemd/system wrapper=$prefix/usr/local/bin/ioe
# The npm registry of the computer that packed this release.
REGISTRY=${IOE_REGISTRY:-$(cat "$source/REGISTRY" 2>/dev/null || true)}
# With a prefix nothing outside of it is touched.
system=no
[ -z "$prefix" ] && system=yes

check_host() {
  if [ "$system" = yes ] && [ "$dry_run" = no ] && [ "$(id -u)" != 0 ]; then fail "this needs root: sudo $0 $command"; fi
  # A 64-bit kernel can carry a 32-bit system: what counts is what programs are made for.
  [ "$(getconf LONG_BIT)" = 64 ] || fail "this system is 32-bit; install the 64-bit Raspberry Pi OS"
  case $(uname -m) in
    aarch64) arch=arm64 sha=$NODE_SHA256_arm64 ;;
    x86_64) arch=x64 sha=$NODE_SHA256_x64 ;;
    *) fail "there is no Node for $(uname -m) here; arm64 and x64 only" ;;
  esac
}

# fetch PACKAGE VERSION SHA256 FOLDER: unpacks a package of the registry into a new folder.
fetch() {
  [ -d "$4" ] && return
  [ -n "$REGISTRY" ] || fail "this is no release of pack.sh; say where to download from: IOE_REGISTRY=https://…" 2
  say "download $1 $2"
  local archive=$4.tgz
  run mkdir -p "$(dirname "$4")"
  run curl --fail --location --silent --show-error --retry 3 --output "$archive" "$REGISTRY/$1/-/$1-$2.tgz"
  [ "$dry_run" = yes ] && return
  if ! echo "$3  $archive" | sha256sum --check --quiet; then
    rm -f "$archive"
    fail "$1 $2 is not what was pinned; nothing was installed"
  fi
  rm -rf "$4.new" && mkdir "$4.new"
  tar --extract --file "$archive" --directory "$4.new" --strip-components 1 --no-same-owner
  rm -f "$archive" && mv "$4.new" "$4"
}

# A release is an unpacked archive of pack.sh; its folder names it.
release_name() { basename "$source" | sed 's/^ioe-//'; }

install_node() {
  if [ -n "$node" ]; then
    node_home=$opt/node/given
    run rm -rf "$node_home"
    run mkdir -p "$node_home/bin"
    run ln -s "$node" "$node_home/bin/node"
  else
    node_home=$opt/node/$NODE_VERSION
    fetch "node-linux-$arch" "$NODE_VERSION" "$sha" "$node_home"
  fi
}

install_packages() { # into the release $1
  if [ -n "$packages" ]; then
    run cp --recursive "$packages/node_modules" "$1/"
    if [ -d "$packages/oracle/node_modules" ]; then run cp --recursive "$packages/oracle/node_modules" "$1/oracle/"; fi
    return
  fi
  fetch npm "$NPM_VERSION" "$NPM_SHA256" "$opt/npm/$NPM_VERSION"
  say "packages of the oracle"
  # No install scripts: nothing the oracle needs has one.
  run env PATH="$node_home/bin:$PATH" npm_config_registry="$REGISTRY" npm_config_cache="$opt/npm/cache" \
    "$node_home/bin/node" "$opt/npm/$NPM_VERSION/bin/npm-cli.js" ci --prefix "$1" --omit=dev \
    --ignore-scripts --no-audit --no-fund
  run rm -rf "$opt/npm/cache"
}

# Installs the release beside the others; it is not used yet.
install_release() {
  release=$opt/releases/$(release_name)
  [ -d "$release" ] && say "$release is there already" && return
  say "release $release"
  case $(basename "$source") in ioe-*) ;; *) fail "$source is not a packed release; see oracle/install/pack.sh" ;; esac
  local new=$release.new
  run rm -rf "$new"
  run mkdir -p "$opt/releases"
  run cp --recursive --no-preserve=ownership "$source" "$new"
  run ln -s "$node_home" "$new/node"
  install_packages "$new"
  run ln -sfn ../../protocol "$new/node_modules/@ioe/protocol"
  run ln -sfn ../../oracle "$new/node_modules/@ioe/oracle"
  # A release that cannot even say its help is not switched to.
  run "$new/node/bin/node" "$new/oracle/bin/ioe.mjs" help run >/dev/null
  run mv "$new" "$release"
}

switch_to() { # current → release $1, in one step
  run ln -sfn "$1" "$opt/current.new"
  run mv --no-target-directory "$opt/current.new" "$opt/current"
}

create_user() {
  if ! id ioe >/dev/null 2>&1; then
    run useradd --system --user-group --home-dir /var/lib/ioe --no-create-home --shell /usr/sbin/nologin ioe
  fi
  local group
  for group in ${groups:-gpio i2c dialout}; do
    if getent group "$group" >/dev/null; then run usermod --append --groups "$group" ioe; fi
  done
}

# The oracle, and what may run beside it (ioe@agent, ioe@keeper).
install_units() {
  local unit
  for unit in "$1"/oracle/install/*.service; do
    if [ -f "$unit" ]; then run install --mode 0644 "$unit" "$units/"; fi
  done
}

install_service() {
  run mkdir -p "$units" "$(dirname "$wrapper")" "$etc" "$state"
  install_units "$release"
  if [ "$dry_run" = yes ]; then
    echo "+ write $wrapper"
  else
    cat >"$wrapper.new" <<TEXT
#!/bin/sh
# Node by its absolute path: whatever Node the system has does not matter.
export IOE_CONFIG="\${IOE_CONFIG:-$etc/ioe.yaml}"
exec $opt/current/node/bin/node $opt/current/oracle/bin/ioe.mjs "\$@"
TEXT
    chmod 0755 "$wrapper.new" && mv "$wrapper.new" "$wrapper"
  fi
  if [ "$system" = yes ]; then
    run chown root:ioe "$etc" && run chmod 2770 "$etc"
    run chown ioe:ioe "$state" && run chmod 0700 "$state"
    run systemctl daemon-reload
    run systemctl enable ioe.service
  fi
}

restart_service() {
  if [ "$system" = yes ] && [ -f "$etc/ioe.yaml" ]; then run systemctl restart --no-block ioe.service; fi
  if [ "$system" = yes ]; then run systemctl try-restart --no-block 'ioe@*.service'; fi
}

remove_old_releases() {
  local kept=0 old
  [ -d "$opt/releases" ] || return 0
  # Newest first; the one in use and the one before it are never removed.
  find "$opt/releases" -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort --reverse --numeric | cut -d' ' -f2- |
    while read -r old; do
      kept=$((kept + 1))
      case $old in "$(readlink "$opt/current")" | "$(readlink "$opt/previous" || true)") continue ;; esac
      if [ "$kept" -gt "$KEEP_RELEASES" ]; then run rm -rf "$old"; fi
    done
}

install_command() {
  check_host
  install_node
  install_release
  [ "$system" = yes ] && create_user
  local before
  before=$(readlink "$opt/current" 2>/dev/null || true)
  if [ -n "$before" ] && [ "$before" != "$release" ]; then run ln -sfn "$before" "$opt/previous"; fi
  switch_to "$release"
  install_service
  remove_old_releases
  restart_service
  say "done: $(basename "$release")"
  if [ ! -f "$etc/ioe.yaml" ]; then echo "Next: sudo -u ioe ioe init"; fi
}

rollback_command() {
  local before now
  before=$(readlink "$opt/previous" 2>/dev/null || true)
  if [ ! -d "$before" ]; then fail "there is no release before this one"; fi
  now=$(readlink "$opt/current")
  switch_to "$before"
  run ln -sfn "$now" "$opt/previous"
  install_units "$before"
  [ "$system" = yes ] && run systemctl daemon-reload
  restart_service
  say "done: $(basename "$before")"
}

uninstall_command() {
  # Stopping opens the relays; the service does so even when the oracle does not.
  if [ "$system" = yes ]; then run systemctl disable --now ioe.service ioe@agent.service ioe@keeper.service || true; fi
  run rm -rf "$opt" "$units/ioe.service" "$units/ioe@.service" "$wrapper" "$cache"
  [ "$system" = yes ] && run systemctl daemon-reload
  if [ "$purge" = yes ]; then
    run rm -rf "$etc" "$state"
    if [ "$system" = yes ] && id ioe >/dev/null 2>&1; then run userdel ioe; fi
  else
    echo "Kept: $etc (configuration, keys) and $state (journal); --purge removes them."
  fi
  say "done"
}

case $command in
  install) install_command ;;
  rollback) rollback_command ;;
  uninstall) uninstall_command ;;
  help | --help | -h) usage ;;
  *) usage >&2 && exit 2 ;;
esac
