CREATE TABLE IF NOT EXISTS issues (
    id              bigint PRIMARY KEY,
    repo            text NOT NULL,
    number          bigint NOT NULL,
    title           text NOT NULL,
    state           text NOT NULL,
    author          text,
    labels          jsonb NOT NULL,
    comments        bigint NOT NULL,
    is_pull_request boolean NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    closed_at       timestamptz
);
