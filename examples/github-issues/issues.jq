# Turns an issue, as GitHub's API has it, into a row of the table issues.
{
  id, $repo, number, title, state,
  author: .user.login,
  labels: [.labels[].name],
  comments,
  is_pull_request: has("pull_request"),
  created_at, updated_at, closed_at
}
