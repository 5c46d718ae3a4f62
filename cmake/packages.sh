# Sourced by bench/run, tests/run and .ci/run: the Debian and Ubuntu packages they need.

# To build the libraries, the command and the benchmarks.
packages_build=(gcc libc6-dev cmake ninja-build pkg-config libssl-dev librdkafka-dev
                libevent-dev libjansson-dev libcurl4-openssl-dev libexpat1-dev)
# To build and run the tests; and what the long ones take besides.
packages_tests=(check)
packages_tests_long=(clang valgrind)
# And to build the fuzzers.
packages_fuzz=(clang libclang-rt-dev)

packages_is_missing() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" != installed ]
}

# packages_need <package>...: installs those that are missing. Without root it prints the
# line that does, and ends the script with status 3. Elsewhere than on Debian and its kin
# the packages are the reader's affair; CMake says what it does not find.
packages_need() {
  local package missing=()

  command -v dpkg-query >/dev/null || return 0
  for package; do
    if packages_is_missing "$package"; then missing+=("$package"); fi
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ]; then
    echo "Packages are missing. This installs them:" >&2
    echo "sudo apt-get install -y ${missing[*]}" >&2
    exit 3
  fi

  echo "Installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get -o DPkg::Lock::Timeout=120 -qq update &&
         apt-get -o DPkg::Lock::Timeout=120 -qq install -y --no-install-recommends \
           "${missing[@]}"; } >&2; then
    echo "The packages could not be installed." >&2
    exit 3
  fi
}
