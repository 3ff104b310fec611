# Turns a row of a CSV file into a row of the table events, or rejects it with the
# cause. All values of a CSV file are texts.
def is_given: . != null and . != "";

(if .ts | is_given then .ts else .timestamp end) as $ts
| if .id | is_given | not then
    reject("required"; "no id"; "/id")
  elif $ts | is_given | not then
    reject("required"; "no ts and no timestamp"; "/ts")
  else
    {
      id,
      ts: ($ts | to_timestamp("UTC")),
      value: (if .value | is_given then .value | to_number else 0.0 end),
      source_file
    }
  end
