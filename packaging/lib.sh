# shellcheck shell=bash
# What packaging/run and packaging/test share: finding and installing Debian packages and a Rust toolchain.
# Sourced, not run. Everything said here goes to stderr: stdout belongs to the program that is started in the end.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# One place for what is built, whatever the caller's settings.
export CARGO_TARGET_DIR=$root/target

# What the window needs: Mesa's drivers (Vulkan and OpenGL, in software where there is no GPU), X11, Wayland.
window_packages=(
    mesa-vulkan-drivers libgl1-mesa-dri libegl1 libvulkan1
    libx11-6 libx11-xcb1 libxcursor1 libxi6 libxkbcommon0 libxkbcommon-x11-0 libwayland-client0
)

# What building needs too: a C compiler's linker and libraries; libclang, which reads the kernel's camera header while the camera
# library is built.
# shellcheck disable=SC2034  # read by the scripts that source this one
run_packages=(gcc libc6-dev libclang1 "${window_packages[@]}")

# What packaging/test-booth needs beyond: a display that changes its size, a clock that jumps, and what looks at the screen.
# shellcheck disable=SC2034
booth_test_packages=(tigervnc-standalone-server x11-xserver-utils faketime python3 python3-pil python3-xlib)

# Letters of all scripts: things that are taught have names, and our typeface knows Latin, Greek, Cyrillic and some more.
# shellcheck disable=SC2034
font_packages=(fonts-noto-core fonts-noto-cjk)

# --yes sets it; without a terminal to ask at, nothing is asked either.
yes=no

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "packaging: $*"
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

has_terminal() { [ -t 0 ] && [ -t 2 ]; }

# agreed QUESTION: true where the person says yes, or where there is nobody to ask.
agreed() {
    if [ "$yes" = yes ] || ! has_terminal; then return 0; fi
    local answer
    read -r -p "$1 [Y/n] " answer || return 1
    case "$answer" in
    "" | [yY] | [yY][eE][sS]) return 0 ;;
    *) return 1 ;;
    esac
}

can_become_root() {
    [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; } || { has_terminal && { has sudo || has su; }; }
}

# as_root COMMAND…: where a password is needed, it is asked for once.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo && { sudo -n true 2>/dev/null || sudo -v; }; then
        sudo "$@"
    else
        say "The password of root:"
        su -l root -c "$(printf '%q ' "$@")"
    fi
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# missing_packages PACKAGE…: prints those that are not installed, one a line.
missing_packages() {
    local package
    for package in "$@"; do
        is_installed "$package" || printf '%s\n' "$package"
    done
}

# install_packages PACKAGE…: asks, then installs; does nothing where nothing is missing.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} = 0 ]; then return 0; fi
    has apt-get || fail "only Debian and Ubuntu are known here; install the like of these packages by hand: ${missing[*]}"
    can_become_root || fail "packages are missing, and nobody can become root here; as root: apt-get install ${missing[*]}"
    say "Missing Debian packages: ${missing[*]}"
    agreed "Install them now, as root?" || fail "nothing installed; as root: apt-get install ${missing[*]}"
    # A failed update (a third party's list, say) is no reason to stop: the lists at hand may do.
    # shellcheck disable=SC2016  # $@ belongs to the shell of root
    as_root env DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get -q update; exec apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"' \
        apt-get "${missing[@]}" >&2 || fail "apt-get could not install all of: ${missing[*]}"
}

# The oldest Rust that builds the package: stated once, in Cargo.toml.
wanted_rust() { sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml"; }

# True where the cargo first on PATH runs and is new enough.
rust_is_ready() {
    local version
    version=$(cargo --version 2>/dev/null | cut -d ' ' -f 2) && [ -n "$version" ] &&
        printf '%s\n' "$(wanted_rust)" "$version" | sort -V -C
}

# install_rust: leaves a cargo that is new enough on PATH, through the rustup that is there, else Debian's, else rust-lang.org's.
install_rust() {
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    if rust_is_ready; then return 0; fi
    local version
    version=$(wanted_rust)
    if ! rustup run "$version" cargo --version >/dev/null 2>&1; then
        say "Ernscope needs Rust $version or newer; here: $(cargo --version 2>/dev/null || echo none)."
        has rustup || install_rustup
        agreed "Let rustup install Rust $version (600 MB on disk, no root needed)?" ||
            fail "Rust is missing; remedy: rustup toolchain install $version"
        rustup toolchain install "$version" --profile minimal >&2 ||
            fail "rustup could not install Rust $version (is the network there?); by hand: rustup toolchain install $version"
    fi
    # Beside another default, or an older cargo of the distribution earlier on PATH.
    export RUSTUP_TOOLCHAIN=$version
    PATH=$(dirname "$(rustup which cargo)"):$PATH
    rust_is_ready || fail "rustup installed Rust $version, but cargo --version says: $(cargo --version 2>&1 | head -n 1)"
}

# install_rustup: Debian's package where this release has one, else the installer of rust-lang.org into the home directory.
install_rustup() {
    if [[ $(LC_ALL=C apt-cache policy rustup 2>/dev/null) == *"Candidate: "[0-9]* ]]; then
        install_packages rustup
        return
    fi
    install_packages ca-certificates curl
    agreed "Download rustup from rust-lang.org into ${CARGO_HOME:-$HOME/.cargo} (no root needed)?" ||
        fail "no rustup; remedy: install it as https://rustup.rs says, then start again"
    local installer
    installer=$(mktemp)
    curl --proto '=https' --tlsv1.2 -fsSL -o "$installer" https://static.rust-lang.org/rustup/rustup-init.sh ||
        fail "cannot download rustup (is the network there?); by hand: https://rustup.rs"
    sh "$installer" -q -y --no-modify-path --profile minimal --default-toolchain none >/dev/null ||
        fail "rustup's installer failed; by hand: https://rustup.rs"
    rm -f "$installer"
}
