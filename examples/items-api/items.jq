# Turns an item into a row of the table items, or rejects it with the cause.
require(["id", "ts", "value"])
| if (.value | type) != "number" then
    reject("type"; "value is no number"; "/value")
  else
    {
      id: (.id | tostring),
      ts: (.ts | to_timestamp),
      value,
      value_scaled: (.value * 100),
      fetched_at: now_utc,
      source: "external_api"
    }
  end
