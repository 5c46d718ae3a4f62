# From what result.jq makes: the table and the bounds, as text (jq --raw-output).

def times($n): if $n > 0 then . * $n else "" end;
def spaces($width): ($width - length) as $n | " " | times($n);
def left($width): . + spaces($width);
def right($width): spaces($width) + .;

def fixed($digits):
  ("1" + ("0" | times($digits)) | tonumber) as $unit
  | (. * $unit | round) as $n
  | ($n % $unit | tostring) as $fraction
  | ($digits - ($fraction | length)) as $zeros
  | "\($n / $unit | floor)." + ("0" | times($zeros)) + $fraction;

def ns($peer; $case; $row):
  first(.figures[] | select(.peer == $peer and .case == $case and .answer == $row.answer
                            and .threads == $row.threads) | .ns) // null;

# A peer without a keyed limiter is shown with the map that its users write.
def cell($peer; $row):
  ns($peer; $row.case; $row) as $own
  | (if $row.case == "keyed" then ns($peer; "keyed-map"; $row) else null end) as $map
  | if $own then ($own | fixed(1)) + " "
    elif $map then ($map | fixed(1)) + "*"
    else "- " end;

def ratio($row):
  ns("mskgov"; $row.case; $row) as $ours
  | ns("governor"; $row.case | sub("-name"; ""); $row) as $theirs
  | if $ours and $theirs then $ours / $theirs | fixed(3) else "-" end;

def line($cells; $ratio): $cells + ($ratio | right(18));
def head($row):
  ($row.case | left(12)) + ($row.answer | left(10)) + ($row.threads | left(8));

"Admission: ns per check and thread, medians of \(.rounds) rounds",
(.peers | map("\(.peer) \(.version) (\(.language))") | join(", ")),
"",
line(head({case: "case", answer: "answer", threads: "threads"})
     + (.peers | map(.peer + " " | right(14)) | join("")); "mskgov/governor"),
(. as $result
 | ("direct", "keyed", "keyed-name", "keyed-host") as $case
 | ("admitted", "refused") as $answer
 | {$case, $answer, threads: (1, 2)} as $row
 | line(head($row | .threads |= tostring)
        + ([.peers[].peer as $peer | $result | cell($peer; $row) | right(14)] | join(""));
        ratio($row))),
"* the map of limiters that its users write: it has no keyed limiter of its own",
"",
(.bounds[]
 | ("mskgov \(.of) / \(.peer) \(.to)" | left(35)) + (.answer | left(10))
   + ("\(.threads) thread" + if .threads == 1 then "" else "s" end | left(11))
   + (.ratio | fixed(3) | right(6)) + "  bound \(.most | fixed(2)): "
   + if .kept then "kept" else "BROKEN" end)
