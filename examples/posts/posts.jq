# Turns a post into a row of user_activities, or rejects it with the cause.
require(["id", "userId", "title", "body"])
| (.title | normalize_text) as $title
| (.body | normalize_text) as $body
| if ($title | length) < 3 then
    reject("range"; "Title too short: '\($title)'"; "/title")
  else
    {
      user_id: (.userId | to_int),
      post_id: (.id | to_int),
      activity_type: "post",
      title: ($title | title_case),
      body: $body,
      word_count: ($body | word_count),
      extracted_at: now_utc
    }
  end
