# debian.sh: Debian's packages of another suite or architecture, downloaded and unpacked, never installed. To be sourced by
# a script that sets `cache` (a folder) and defines `say` and `fail`.

# The archive that this machine's own packages come from.
debian_archive() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -1
}

# foreign SUITE ARCHITECTURE PROGRAM ARGUMENT…: apt as a machine of that suite and architecture runs it that has nothing installed
foreign() {
	local home=$cache/apt/$1-$2 suite=$1 architecture=$2 program=$3; shift 3
	mkdir -p "$home"/{lists,archives}/partial
	: >"$home/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $suite main" >"$home/sources.list"
	# A mirror that stands still has lists past their date; what they name is signed all the same.
	"$program" -q -o Dir::Etc::sourcelist="$home/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$home/lists" -o Dir::State::status="$home/status" -o Dir::Cache="$home" \
		-o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o APT::Install-Recommends=false \
		-o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false "$@"
}

# update SUITE ARCHITECTURE: its lists
update() {
	archive=${archive:-$(debian_archive)}
	[ -n "$archive" ] || fail "apt knows no Debian archive: run apt-get update"
	foreign "$1" "$2" apt-get -q update >/dev/null || fail "cannot read Debian $1's lists for $2 from $archive"
}

# version SUITE ARCHITECTURE PACKAGE: the newest there is, or nothing
version() {
	{ foreign "$1" "$2" apt-cache show --no-all-versions "$3" 2>/dev/null || true; } | awk '/^Version:/ && !found++ { print $2 }'
}

# needs SUITE ARCHITECTURE PACKAGE: the libraries it depends on
needs() {
	foreign "$1" "$2" apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$3" |
		awk '/^ *\|?Depends: [^<]/ { print $2 }'
}

# fetch SUITE ARCHITECTURE FOLDER PACKAGE…: these packages alone
fetch() {
	local suite=$1 architecture=$2 folder=$3; shift 3
	mkdir -p "$folder"
	(cd "$folder" && foreign "$suite" "$architecture" apt-get download "$@" >/dev/null) || fail "cannot download $* ($suite, $architecture)"
}

# fetch_all SUITE ARCHITECTURE FOLDER PACKAGE…: with everything they depend on
fetch_all() {
	local suite=$1 architecture=$2 folder=$3; shift 3
	mkdir -p "$folder/partial"
	foreign "$suite" "$architecture" apt-get -y --download-only -o Dir::Cache::archives="$folder" install "$@" >/dev/null ||
		fail "cannot download $* and what they need ($suite, $architecture)"
}

# unpack FOLDER DEB…: keeps /lib -> usr/lib, which dpkg -x would replace by folders
unpack() {
	local folder=$1; shift
	mkdir -p "$folder"/usr/{bin,sbin,lib,lib64}
	for name in bin sbin lib lib64; do [ -e "$folder/$name" ] || ln -s usr/$name "$folder/$name"; done
	for deb; do dpkg --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$folder"; done
}
