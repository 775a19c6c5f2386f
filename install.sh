#!/bin/sh
# Installs, upgrades or removes hivemind-p2p: one file in one directory. No root, no prompt, no edited shell files.
# Everything is in functions and the last line calls them, so a download that was cut anywhere does nothing.
# The build puts the repository's name in (build/formula.ts); tests: test/install.
# shellcheck disable=SC2250 # braces stand where they are needed; around every name they only hide the text

usage() {
	cat <<'END'
Installs or upgrades hivemind-p2p. Usage: curl -fsSL URL | sh -s -- [options]
  --version X     this version instead of the latest
  --dir DIR       where to (default: $XDG_BIN_HOME or ~/.local/bin); also HIVEMIND_P2P_INSTALL_DIR
  --base-url URL  the directory that has archives and SHA256SUMS (a mirror); also HIVEMIND_P2P_BASE_URL
  --force         also when that version is there already
  --uninstall     remove it; nothing else was ever written
  --dry-run       say what would be done
  --quiet         only warnings and errors
  --help          this
HIVEMIND_P2P_TARGET overrides the detection: linux-x64, linux-arm64, linux-x64-musl, linux-arm64-musl, darwin-arm64.
Exit status: 0 done, or there already; 1 failed; 2 unknown option; 3 platform not supported; 4 checksum wrong, or
nothing to check it with; 129, 130, 143 ended by a signal.
END
}

say() { [ "$quiet" = true ] || printf '%s\n' "$1"; }
warn() { printf 'install.sh: %s\n' "$1" >&2; }

# fail MESSAGE [STATUS]
fail() {
	warn "$1"
	exit "${2:-1}"
}

unsupported() {
	fail "$1
Supported: Linux x64 and arm64 (glibc 2.34 or newer, or musl), Macs with Apple silicon, Windows x64 (zip).
Elsewhere, try the container image: https://github.com/$repository" 3
}

# Sets target.
detect() {
	target=${HIVEMIND_P2P_TARGET:-}
	[ -z "$target" ] || return 0
	system=$(uname -s) && machine=$(uname -m)
	case $system in
	Linux | Darwin) ;;
	MINGW* | MSYS* | CYGWIN*) unsupported "On Windows, unpack $base/hivemind-p2p-windows-x64.zip yourself." ;;
	*) unsupported "There is no hivemind-p2p for $system." ;;
	esac
	case $machine in
	x86_64 | amd64) cpu=x64 ;;
	aarch64 | arm64) cpu=arm64 ;;
	*) unsupported "There is no hivemind-p2p for the processor $machine." ;;
	esac
	if [ "$system" = Linux ]; then
		detect_libc
	elif [ "$cpu" = arm64 ] || [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || :)" = 1 ]; then
		# A shell under Rosetta says x86_64 on a Mac with Apple silicon.
		target=darwin-arm64
	else
		unsupported "There is no hivemind-p2p for Intel Macs: iroh, its network library, has none."
	fi
}

# Sets target on Linux.
detect_libc() {
	bits=$(getconf LONG_BIT 2>/dev/null || echo 64)
	[ "$bits" = 64 ] || unsupported "This system's programs are $bits-bit; hivemind-p2p is 64-bit."
	libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || :)
	target=linux-$cpu
	minor=${libc#glibc 2.}
	if [ "$minor" != "$libc" ]; then
		[ "${minor%%.*}" -ge 34 ] || unsupported "This system has $libc, not 2.34 (Debian 12, Ubuntu 22.04, RHEL 9)."
		return 0
	fi
	# No glibc that answers: musl, if its loader is there, else the new program's own start decides.
	for loader in /lib/ld-musl-*.so.1; do
		[ -e "$loader" ] || return 0
	done
	target=$target-musl
	missing=''
	for library in libstdc++.so.6 libgcc_s.so.1; do
		[ -e "/usr/lib/$library" ] || [ -e "/lib/$library" ] || missing="$missing $library"
	done
	[ -z "$missing" ] || unsupported "Missing:$missing. On Alpine: apk add libstdc++ libgcc"
}

# fetch URL FILE
fetch() {
	curl=$(command -v curl || :)
	# A curl from a snap cannot write where we are.
	case $curl in */snap/*) curl='' ;; *) ;; esac
	# An https address must not lead to another protocol; an http mirror is its owner's choice.
	case $1 in https://*) protocols='=https' ;; *) protocols='=http,https' ;; esac
	progress=--silent
	if [ "$quiet" = false ] && [ -t 2 ]; then progress=--progress-bar; fi
	if [ -n "$curl" ]; then
		curl --fail --show-error --location --proto "$protocols" --tlsv1.2 --retry 3 --connect-timeout 30 \
			"$progress" --output "$2" "$1" </dev/null || lost "$1"
	elif command -v wget >/dev/null; then
		# Only what every busybox' wget knows, too: Debian's crashes on -T.
		wget -q -t 3 -O "$2" "$1" </dev/null || lost "$1"
	else
		fail "Neither curl nor wget is here. Install one of them."
	fi
}

lost() { fail "Cannot download $1 (versions: https://github.com/$repository/releases)"; }

# Sets sum to the SHA-256 of a file.
sha256() {
	if command -v sha256sum >/dev/null; then
		sum=$(sha256sum <"$1")
	elif command -v shasum >/dev/null; then
		sum=$(shasum -a 256 <"$1")
	elif command -v openssl >/dev/null; then
		sum=$(openssl dgst -sha256 -r <"$1")
	else
		fail "Neither sha256sum nor shasum nor openssl is here, so the download cannot be checked." 4
	fi
	sum=${sum%% *}
}

# Sets wanted to the checksum that SHA256SUMS has for exactly that name, or to nothing.
listed() {
	wanted=''
	while read -r hash name; do
		[ "$name" != "$1" ] || wanted=$hash
	done <"$stage/SHA256SUMS"
	case $wanted in *[!0-9a-f]*) wanted='' ;; *) ;; esac
	[ "${#wanted}" -eq 64 ] || wanted=''
}

there_already() {
	say "hivemind-p2p $1 is already there: $program"
	advise
	exit 0
}

install() {
	detect
	archive=hivemind-p2p-$target.tar.gz
	if [ "$dry_run" = true ]; then
		printf 'target: %s\ndownload: %s/%s\ninstall: %s\n' "$target" "$base" "$archive" "$program"
		return
	fi
	[ ! -d "$program" ] || fail "$program is a directory."
	old=''
	[ ! -x "$program" ] || old=$("$program" --version 2>/dev/null </dev/null || :)
	old=${old##* }
	[ "$force" = true ] || [ -z "$version" ] || [ "$old" != "$version" ] || there_already "$old"
	mkdir -p "$dir" 2>/dev/null || fail "Cannot create $dir. Choose another with --dir."
	# Beside the old program: the last step must be a rename within one file system.
	stage=$(mktemp -d "$dir/.hivemind-p2p.XXXXXX" 2>/dev/null) ||
		fail "Cannot write to $dir. Choose another with --dir, or: sudo chown \"\$USER\" '$dir'"
	trap 'rm -rf "$stage"' EXIT
	trap 'exit 129' HUP && trap 'exit 130' INT && trap 'exit 143' TERM

	fetch "$base/SHA256SUMS" "$stage/SHA256SUMS"
	listed "$target/hivemind-p2p"
	if [ "$force" = false ] && [ -n "$old" ] && [ -n "$wanted" ]; then
		sha256 "$program"
		[ "$sum" != "$wanted" ] || there_already "$old"
	fi
	listed "$archive"
	[ -n "$wanted" ] || fail "SHA256SUMS does not list $archive: this release has none for this platform, or was cut." 4
	say "Downloading $base/$archive"
	fetch "$base/$archive" "$stage/$archive"
	sha256 "$stage/$archive"
	[ "$sum" = "$wanted" ] || fail "The checksum of $archive is wrong. Nothing was installed.
expected $wanted
got      $sum" 4

	# Only this one member, whatever else the archive has; -o: ours, also when root unpacks.
	mkdir "$stage/new"
	tar -xzof "$stage/$archive" -C "$stage/new" hivemind-p2p || fail "Cannot unpack $archive."
	new=$stage/new/hivemind-p2p
	if [ -L "$new" ] || [ ! -f "$new" ] || ! chmod 755 "$new"; then fail "There is no program in $archive."; fi
	now=$("$new" --version 2>"$stage/errors" </dev/null) || fail "The new program does not start; nothing was changed:
$(head -n 5 "$stage/errors" || :)
Usual reasons: $dir does not allow programs (noexec), or a system library is missing or too old."
	now=${now##* }
	[ -z "$version" ] || [ "$now" = "$version" ] || fail "$archive holds version $now, not $version."
	[ "$force" = true ] || [ "$old" != "$now" ] || there_already "$now"
	mv -f "$new" "$program" || fail "Cannot replace $program."
	say "hivemind-p2p ${old:+$old -> }$now: $program"
	advise
}

# Says what PATH needs, and what is in the way.
advise() {
	first=$(command -v hivemind-p2p || :)
	[ "${first:-$program}" = "$program" ] || warn "Another hivemind-p2p comes first in PATH: $first"
	case :$PATH: in *":$dir:"*) return ;; *) ;; esac
	[ -z "${GITHUB_PATH:-}" ] || printf '%s\n' "$dir" >>"$GITHUB_PATH"
	case ${SHELL:-} in
	*/fish) line="fish_add_path '$dir'" ;;
	*/zsh | */bash) line="echo 'export PATH=\"$dir:\$PATH\"' >>~/.${SHELL##*/}rc" ;;
	*) line="export PATH=\"$dir:\$PATH\"" ;;
	esac
	say "$dir is not in PATH. To add it: $line"
}

uninstall() {
	if [ "$dry_run" = true ]; then
		printf 'remove: %s\n' "$program"
	elif [ ! -e "$program" ] && [ ! -L "$program" ]; then
		say "Nothing to remove: there is no $program"
	else
		rm -f "$program" || fail "Cannot remove $program."
		say "Removed $program"
	fi
}

main() {
	set -eu
	umask 022
	repository='@REPOSITORY@'
	action=install quiet=false dry_run=false force=false version=''
	base=${HIVEMIND_P2P_BASE_URL:-}
	dir=${HIVEMIND_P2P_INSTALL_DIR:-${XDG_BIN_HOME:-${HOME:+$HOME/.local/bin}}}
	while [ "$#" -gt 0 ]; do
		case $1 in
		--dir | --base-url | --version)
			[ -n "${2:-}" ] || fail "$1 needs a value. See --help." 2
			case $1 in --dir) dir=$2 ;; --base-url) base=$2 ;; *) version=${2#v} ;; esac
			shift
			;;
		--force) force=true ;;
		--uninstall) action=uninstall ;;
		--dry-run) dry_run=true ;;
		--quiet) quiet=true ;;
		--help) action=usage ;;
		*) fail "Unknown option '$1'. See --help." 2 ;;
		esac
		shift
	done
	[ -n "$dir" ] || [ "$action" = usage ] || fail "HOME is not set. Say where with --dir."
	case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
	dir=${dir%/}
	program=$dir/hivemind-p2p
	release=latest/download
	[ -z "$version" ] || release=download/v$version
	base=${base:-https://github.com/$repository/releases/$release}
	base=${base%/}
	"$action"
}

{ main "$@"; }
