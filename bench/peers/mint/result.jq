# From the lines of all rounds (jq --slurp --argjson rounds N): the medians, the quickest
# official signer, and whether the bounds are kept. A figure that is missing in a round, or
# is none, is an error.

def median:
  sort
  | if length % 2 == 1 then .[(length - 1) / 2]
    else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# In the order in which they ran.
def figures($lines):
  (reduce $lines[] as $line ([]; [$line | .peer, .case] as $key
                            | if any(.[]; . == $key) then . else . + [$key] end)) as $keys
  | [$keys[] as $key
     | $lines
     | map(select([.peer, .case] == $key))
     | if length != $rounds or any(.[]; .ns | type != "number" or . <= 0)
       then error("\($key | join(", ")): not \($rounds) figures")
       else (.[0] | del(.ratio))
            + {ns: map(.ns) | median, least_ns: map(.ns) | min, most_ns: map(.ns) | max}
       end];

def one($figures; $peer):
  [$figures[] | select(.peer == $peer)]
  | if length == 1 then .[0] else error("\($peer) has no figure") end;

def bound($to; $ratio; $most):
  {of: "mskgov", to: $to.peer, $ratio, $most, kept: ($ratio <= $most)};

. as $lines
| figures($lines) as $figures
| one($figures; "mskgov") as $ours
| [$figures[] | select(.case == "mint" and .peer != "mskgov")] as $official
| if ($official | map(.language) | sort) != ["go", "java", "javascript", "python"]
  then error("not the four official signers") else . end
| ($official | min_by(.ns)) as $quickest
| one($figures; "sha256") as $sha256
# The second is mskgov-mint's own: there, both take turns every 20 ms.
| [bound($quickest; $ours.ns / $quickest.ns; 0.1),
   bound($sha256; $lines | map(select(.peer == "sha256") | .ratio) | median; 3)] as $bounds
| {schema: 1, $rounds, session_bytes: 700, $figures, quickest: $quickest.peer, $bounds,
   kept: all($bounds[]; .kept)}
