# The posts filter for plain jq 1.6, without the etl module, in its fastest known
# form: no regular expression, strings split by "/", words joined by reduce.
def words: [(. / "\n" | .[]) / "\t" | .[] / " " | .[] | select(. != "")];
def joined: if length == 0 then "" else
  reduce .[1:][] as $w (.[0]; . + " " + $w) end;
if .id == null or .userId == null or .title == null or .body == null then
  error("required")
else . end
| (.title | words) as $t
| (.body | words) as $b
| ($t | joined) as $title
| if ($title | length) < 3 then
    error("Title too short: '\($title)'")
  else . end
| {
    user_id: (.userId | tonumber | floor),
    post_id: (.id | tonumber | floor),
    activity_type: "post",
    title: ($t | map((.[:1] | ascii_upcase) + (.[1:] | ascii_downcase))
      | joined),
    body: ($b | joined),
    word_count: ($b | length),
    extracted_at: (now | todate)
  }
