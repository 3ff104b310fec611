CREATE TABLE IF NOT EXISTS users (
    id         bigint PRIMARY KEY,
    name       text NOT NULL,
    credit     numeric(12, 2),
    tags       jsonb,
    updated_at timestamptz NOT NULL
);
