# Sourced by the scripts that build with the tools of other languages.

# tools_version <command>...: what the command, which prints its version, calls itself;
# nothing if that is none.
tools_version() {
  # Maven's comes in bold
  "$@" 2>&1 | sed -E 's/\x1b\[[0-9;]*m//g' |
    sed -nE '1s/^[^0-9]*([0-9]+(\.[0-9]+)*).*/\1/p' || true
}

# tools_is_older <version> <oldest>: no version at all is older than any.
tools_is_older() {
  [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" != "$2" ]
}

# tools_logged <file> <command>...: the command, which ends at its first error, with all that
# it prints in the file. Sets tools_status, and returns 0: within a condition (an if, before
# || or &&, or in a function that is called there) no function would stop at an error, so
# this is not to be called there.
tools_logged() {
  local log=$1
  shift
  tools_status=0
  (set -e; "$@") >"$log" 2>&1 &
  wait $! || tools_status=$?
}
