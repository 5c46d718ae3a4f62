# From what result.jq makes: the table and the bounds, as text (jq --raw-output).

def spaces($width): ($width - length) as $n | if $n > 0 then " " * $n else "" end;
def left($width): . + spaces($width);
def right($width): spaces($width) + .;

def fixed($digits):
  pow(10; $digits) as $unit
  | (. * $unit | round | tostring) as $text
  | ($digits + 1 - ($text | length)) as $zeros
  | (if $zeros > 0 then "0" * $zeros else "" end + $text)
  | .[:-$digits] + "." + .[-$digits:];

def mark: if .case == "mint-internals" then " *" else "" end;

# As bounded: that to SHA-256 is mskgov-mint's own.
def ratio($ours; $bounded):
  (if .case == "mint-internals" then null else $bounded[.peer] end) // $ours / .ns;

(.figures[] | select(.peer == "mskgov") | .ns) as $ours
| (.bounds | map({key: .to, value: .ratio}) | from_entries) as $bounded
| "Minting, session token of \(.session_bytes) bytes: medians of \(.rounds) round"
  + (if .rounds == 1 then "" else "s" end),
  ("signer" | left(34)) + ("version" | left(10)) + ("language" | left(12))
  + ("ns" | right(9)) + ("mskgov / it" | right(13)),
  (.figures[]
   | (.peer + mark | left(34)) + (.version | left(10)) + (.language | left(12))
     + (.ns | round | tostring | right(9)) + (ratio($ours; $bounded) | fixed(3) | right(13))),
  "* what its login callback handler calls, which is not for callers, and not in the bound",
  "",
  (.bounds[]
   | ("\(.of) / \(.to)" | left(44)) + (.ratio | fixed(3) | right(6))
     + "  bound \(.most | fixed(2)): " + if .kept then "kept" else "BROKEN" end)
