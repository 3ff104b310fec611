CREATE TABLE IF NOT EXISTS users (
    id int PRIMARY KEY,
    name text NOT NULL,
    deleted_at timestamp
);
