# From the lines of all rounds (jq --slurp --argjson rounds N): the medians, the ratios that
# have a bound, and whether all are kept. A figure that is missing in a round is an error.

# No ratio of "of" by mskgov to "to" by peer may be above most.
def bounds:
  {of: "keyed", to: "keyed", peer: "governor", most: 0.5},
  {of: "direct", to: "direct", peer: "governor", most: 1.0},
  {of: "keyed-host", to: "keyed", peer: "mskgov", most: 1.5};

def median:
  sort
  | if length % 2 == 1 then .[(length - 1) / 2]
    else (.[length / 2 - 1] + .[length / 2]) / 2 end;

def figures:
  group_by([.peer, .case, .answer, .threads])
  | map(
      if length != $rounds
      then error("\(.[0].peer), \(.[0].case): \(length) figures in \($rounds) rounds")
      else .[0] + {ns: map(.ns) | median, least_ns: map(.ns) | min, most_ns: map(.ns) | max}
      end);

def ns($figures; $peer; $case; $row):
  [$figures[] | select(.peer == $peer and .case == $case and .answer == $row.answer
                       and .threads == $row.threads)]
  | if length == 1 then .[0].ns
    else error("\($peer) has no figure for \($case), \($row.answer), \($row.threads)") end;

# In the order in which they ran, as the table has them.
(reduce .[] as $line ([]; if any(.[]; .peer == $line.peer) then .
                          else . + [$line | {peer, version, language}] end)) as $peers
| figures as $figures
| [bounds as $bound
   | {answer: ("admitted", "refused"), threads: (1, 2)} as $row
   | (ns($figures; "mskgov"; $bound.of; $row)
      / ns($figures; $bound.peer; $bound.to; $row)) as $ratio
   | $bound + $row + {ratio: $ratio, kept: ($ratio <= $bound.most)}] as $ratios
| {schema: 1, rounds: $rounds, peers: $peers, figures: $figures, bounds: $ratios,
   kept: all($ratios[]; .kept)}
