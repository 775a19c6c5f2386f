#!/bin/sh
# Installs, upgrades or removes hivemind-p2p: one file in one directory. No root, no prompts, no shell file edited.
# Everything is in functions that the last line calls, so a script that was cut short anywhere does nothing.
# The build fills in the repository's name (build/formula.ts). Tested by test/install.
# shellcheck disable=SC2250 # braces only where they are needed; around every name they would hide the text

usage() {
	cat <<'END'
Installs or upgrades hivemind-p2p. Usage: curl --proto '=https' -fsSL URL | sh -s -- [options]
  --version X     install version X instead of the latest
  --dir DIR       install to DIR (default: $XDG_BIN_HOME or ~/.local/bin); also HIVEMIND_P2P_INSTALL_DIR
  --base-url URL  download the archive and SHA256SUMS from URL, such as a mirror; also HIVEMIND_P2P_BASE_URL
  --force         install even if that version is installed already
  --uninstall     remove the program; the installer writes nothing else
  --dry-run       show what would be done
  --quiet         print only warnings and errors
  --help          show this help
HIVEMIND_P2P_TARGET overrides the detection: linux-x64, linux-arm64, linux-x64-musl, linux-arm64-musl, darwin-arm64.
Exit status: 0 installed or removed; 1 failed; 2 unknown option; 3 platform not supported; 4 checksum wrong, or no way
to verify it; 129, 130, 143 ended by a signal.
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
	MINGW* | MSYS* | CYGWIN*) unsupported "On Windows, download and unpack $base/hivemind-p2p-windows-x64.zip" ;;
	*) unsupported "There is no hivemind-p2p for $system." ;;
	esac
	case $machine in
	x86_64 | amd64) cpu=x64 ;;
	aarch64 | arm64) cpu=arm64 ;;
	*) unsupported "There is no hivemind-p2p for $machine processors." ;;
	esac
	if [ "$system" = Linux ]; then
		detect_libc
	elif [ "$cpu" = arm64 ] || [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || :)" = 1 ]; then
		# Under Rosetta, uname says x86_64 on a Mac with Apple silicon.
		target=darwin-arm64
	else
		unsupported "There is no hivemind-p2p for Intel Macs: iroh, its network library, is not published for them."
	fi
}

# Sets target on Linux.
detect_libc() {
	bits=$(getconf LONG_BIT 2>/dev/null || echo 64)
	[ "$bits" = 64 ] || unsupported "This is a $bits-bit system, and hivemind-p2p needs a 64-bit one."
	libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || :)
	target=linux-$cpu
	minor=${libc#glibc 2.}
	if [ "$minor" != "$libc" ]; then
		[ "${minor%%.*}" -ge 34 ] || unsupported "This system has $libc; 2.34 or newer is needed (Debian 12, Ubuntu 22.04)."
		return 0
	fi
	# Not glibc, as far as getconf knows. It is musl if its loader exists; otherwise starting the new program decides.
	for loader in /lib/ld-musl-*.so.1; do
		[ -e "$loader" ] || return 0
	done
	target=$target-musl
	missing=''
	for library in libstdc++.so.6 libgcc_s.so.1; do
		[ -e "/usr/lib/$library" ] || [ -e "/lib/$library" ] || missing="$missing $library"
	done
	[ -z "$missing" ] || unsupported "Missing libraries:$missing. On Alpine: apk add libstdc++ libgcc"
}

# fetch URL FILE. From https, it must not be led to plain http: anybody who can change the archive there can change
# SHA256SUMS as well, so the checksum would prove nothing.
fetch() {
	curl=$(command -v curl || :)
	# A curl from a snap may not write to our directory.
	case $curl in */snap/*) curl='' ;; *) ;; esac
	case $1 in
	https://*) protocols='=https' ;;
	# A mirror may be plain http if its user says so.
	http://*) protocols='=http,https' ;;
	*) fail "$1 begins with neither https:// nor http://" ;;
	esac
	progress=--silent
	if [ "$quiet" = false ] && [ -t 2 ]; then progress=--progress-bar; fi
	if [ -n "$curl" ]; then
		curl --fail --show-error --location --proto "$protocols" --tlsv1.2 --retry 3 --connect-timeout 30 \
			"$progress" --output "$2" "$1" </dev/null || download_failed "$1"
	elif ! command -v wget >/dev/null; then
		fail "Neither curl nor wget is installed. Install one of them."
	elif [ "$protocols" = '=https' ]; then
		gnu_wget "$1" "$2"
	else
		# Only options that busybox's wget has too; Debian's build of it crashes on -T.
		wget -q -t 3 -O "$2" "$1" </dev/null || download_failed "$1"
	fi
}

# gnu_wget URL FILE
gnu_wget() {
	kind=$(wget --version 2>/dev/null </dev/null | head -n 1 || :)
	case $kind in
	'GNU Wget '*) ;;
	# Here --https-only is about redirects as well. A metalink would name other servers.
	'GNU Wget2 '*)
		wget -q -t 3 --https-only --no-metalink -O "$2" "$1" </dev/null || download_failed "$1"
		[ -s "$2" ] || fail "$1 redirects to an address that is not https, or in a circle. Nothing was installed."
		return
		;;
	*)
		fail "This wget (BusyBox's, perhaps) cannot be kept from following https to plain http, and may not check who
the server is. Install curl or GNU wget. On Alpine: apk add curl"
		;;
	esac
	# GNU Wget has no option against it (--https-only is about recursion), so it stops at each redirect, and we look.
	url=$1 left=10
	until LC_ALL=C wget -q -S -t 3 --max-redirect=0 -O "$2" "$url" 2>"$stage/headers" </dev/null; do
		next='' left=$((left - 1))
		while read -r name value; do
			case $name in [Ll]ocation:) next=$value ;; *) ;; esac
		done <"$stage/headers"
		rest=${url#https://}
		case $next in
		https://*) url=$next ;;
		//*) url=https:$next ;;
		/*) url=https://${rest%%/*}$next ;;
		'') download_failed "$1" ;;
		# Without the address, which is a stranger's text.
		*) fail "$1 redirects to an address that is not https. Nothing was installed." ;;
		esac
		[ "$left" -gt 0 ] || download_failed "$1"
	done
}

download_failed() { fail "Cannot download $1 (available versions: https://github.com/$repository/releases)"; }

# sha256 FILE: sets sum to its SHA-256.
sha256() {
	if command -v sha256sum >/dev/null; then
		sum=$(sha256sum <"$1")
	elif command -v shasum >/dev/null; then
		sum=$(shasum -a 256 <"$1")
	elif command -v openssl >/dev/null; then
		sum=$(openssl dgst -sha256 -r <"$1")
	else
		fail "Neither sha256sum, shasum nor openssl is installed, so the download cannot be verified." 4
	fi
	sum=${sum%% *}
}

# listed NAME: sets wanted to the checksum that SHA256SUMS has for exactly that name, or to the empty string.
listed() {
	wanted=''
	while read -r hash name; do
		[ "$name" != "$1" ] || wanted=$hash
	done <"$stage/SHA256SUMS"
	case $wanted in *[!0-9a-f]*) wanted='' ;; *) ;; esac
	[ "${#wanted}" -eq 64 ] || wanted=''
}

already_installed() {
	say "hivemind-p2p $1 is already installed: $program"
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
	[ "$force" = true ] || [ -z "$version" ] || [ "$old" != "$version" ] || already_installed "$old"
	mkdir -p "$dir" 2>/dev/null || fail "Cannot create $dir. Choose another directory with --dir."
	# Next to the old program, so that the last step is a rename within one file system.
	stage=$(mktemp -d "$dir/.hivemind-p2p.XXXXXX" 2>/dev/null) ||
		fail "Cannot write to $dir. Choose another directory with --dir, or run: sudo chown \"\$USER\" '$dir'"
	trap 'rm -rf "$stage"' EXIT
	trap 'exit 129' HUP && trap 'exit 130' INT && trap 'exit 143' TERM

	fetch "$base/SHA256SUMS" "$stage/SHA256SUMS"
	listed "$target/hivemind-p2p"
	if [ "$force" = false ] && [ -n "$old" ] && [ -n "$wanted" ]; then
		sha256 "$program"
		[ "$sum" != "$wanted" ] || already_installed "$old"
	fi
	listed "$archive"
	[ -n "$wanted" ] || fail "SHA256SUMS does not list $archive: no build for this platform, or a download cut short." 4
	say "Downloading $base/$archive"
	fetch "$base/$archive" "$stage/$archive"
	sha256 "$stage/$archive"
	[ "$sum" = "$wanted" ] || fail "The checksum of $archive is wrong. Nothing was installed.
expected $wanted
got      $sum" 4

	# Only this member, whatever else the archive contains; -o: it belongs to us, even if root unpacks it.
	mkdir "$stage/new"
	tar -xzof "$stage/$archive" -C "$stage/new" hivemind-p2p || fail "Cannot unpack $archive."
	new=$stage/new/hivemind-p2p
	if [ -L "$new" ] || [ ! -f "$new" ] || ! chmod 755 "$new"; then fail "$archive does not contain the program."; fi
	now=$("$new" --version 2>"$stage/errors" </dev/null) || fail "The new program does not start; nothing was changed:
$(head -n 5 "$stage/errors" || :)
Common reasons: $dir is on a file system mounted noexec, or a system library is missing or too old."
	now=${now##* }
	[ -z "$version" ] || [ "$now" = "$version" ] || fail "$archive contains version $now, not $version."
	[ "$force" = true ] || [ "$old" != "$now" ] || already_installed "$now"
	mv -f "$new" "$program" || fail "Cannot replace $program."
	say "hivemind-p2p ${old:+$old -> }$now: $program"
	advise
}

# Says how to add $dir to PATH, and warns about another copy that comes first in it.
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
	[ -n "$dir" ] || [ "$action" = usage ] || fail "HOME is not set. Choose a directory with --dir."
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
